"""What a fitted model is like: summary, importances, plots; and what a bug report needs."""
