"""Signs that random folds are wrong for the rows: an order in time, copies, groups."""
