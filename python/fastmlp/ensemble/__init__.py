"""Ensembles of networks: recipes, splits of rows, training, weights, and the fitted model."""
