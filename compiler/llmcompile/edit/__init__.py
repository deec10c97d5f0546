"""Edits by command: minimal changes of text by position, each proven to change the data as meant and nothing else.

No round trip through a dump: what is not part of an edit keeps its bytes.
"""
