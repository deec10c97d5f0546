"""Files to plain data with places: strict YAML, refs, and nothing about what the data means."""
