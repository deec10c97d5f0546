"""The router: reads three JSON documents, serves OpenAI-compatible traffic.

It shares the JSON contract in ``schemas/`` with the compiler and imports nothing of it.
"""

__version__ = "0.1.0"
