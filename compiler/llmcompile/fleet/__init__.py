"""A fleet of any size, account by account: compiled by many processes, and not again where nothing changed."""
