"""One reader per file format; each turns a file into numbered rows of text."""
