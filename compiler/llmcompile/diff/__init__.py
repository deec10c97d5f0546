"""What a change means: the router's own decision function, asked on both sides of it."""
