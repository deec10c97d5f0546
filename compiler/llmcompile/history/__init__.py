"""What was written before: revisions of git as trees of files, and what of them may never change."""
