"""Raw tables become numbers: what is learnt of the columns, and how rows are encoded."""
