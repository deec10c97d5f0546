"""The kinds of mistake, by idea. Importing a module registers its kinds."""
