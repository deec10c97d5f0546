"""The compiler: reviewed YAML in, the JSON documents an LLM router serves out."""

__version__ = "0.1.0"
