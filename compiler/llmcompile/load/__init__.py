"""Files to typed inputs with places: strict YAML, one parse per file, and nothing about what they mean together."""
