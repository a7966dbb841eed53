"""Prediction: what a trained model does with a row, apart from how it was trained."""
