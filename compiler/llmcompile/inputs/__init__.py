"""What people write: one pydantic model per file kind. Their docstrings are the editor's schema."""
