"""Sources of rows: objects that yield a table block by block, more than once."""
