"""Google Secret Manager as a store and as what refs are read from. Imported only by commands that talk to it."""
