"""C: a pipeline as one self-contained C99 file."""
