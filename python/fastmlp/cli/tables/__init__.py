"""Tables in files: reading, writing, and the meaning of text in them."""
