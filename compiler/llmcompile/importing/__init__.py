"""Takes over the configuration of another proxy: read, mapped to endpoints and models, written as YAML, and reported.

Nothing of the source is dropped without a word, and no secret of it is ever written or shown.
"""
