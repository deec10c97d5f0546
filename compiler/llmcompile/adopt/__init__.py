"""Takes over documents that others made: JSON read, turned into YAML with refs in place of secrets, and proven equal.

Whatever cannot be kept exactly is refused. No value of a document is ever shown, whatever field it stands in.
"""
