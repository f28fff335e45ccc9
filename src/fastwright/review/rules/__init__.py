"""One rule a file, one area a folder."""
