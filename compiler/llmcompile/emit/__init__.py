"""The catalogue to documents: deterministic bytes, valid by contract. No clock, no git, no network, no secrets."""
