"""Inspection of fitted models: summary, explanations, importances, plots; and `show_versions`."""
