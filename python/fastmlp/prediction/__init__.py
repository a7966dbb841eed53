"""Prediction: from a row to the answer of a trained model, without any part of training."""
