"""A local Google Secret Manager, for tests and demonstrations: the unmodified client speaks to it over a socket."""
