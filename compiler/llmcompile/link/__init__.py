"""Inputs to one frozen catalogue: names become objects, defaults are filled in. Knows no files and no clock."""
