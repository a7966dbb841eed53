"""Shapley values of a model's predictions, from predictions for coalitions of columns."""
