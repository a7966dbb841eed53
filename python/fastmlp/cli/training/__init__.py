"""From a table in a file to a trained model, its held-out scores, its report and picture."""
