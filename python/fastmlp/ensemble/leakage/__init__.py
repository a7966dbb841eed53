"""Signs that random folds do not fit the rows: an order in time, copies, groups."""
