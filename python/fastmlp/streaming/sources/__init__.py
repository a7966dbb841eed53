"""Sources of rows: whatever yields a table block by block, more than once."""
