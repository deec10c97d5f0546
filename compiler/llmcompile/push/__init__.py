"""Bringing a store to what git says: the store port, the plan as data, the push."""
