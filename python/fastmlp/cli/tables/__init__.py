"""Tables in files: read, written, and what text in them stands for."""
