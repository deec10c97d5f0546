"""Files to plain data with places: strict YAML, refs, typed by file, and nothing about what they mean together."""
