"""One layout for every file, reached by changing white space alone: words, quotes, comments and order stay."""
