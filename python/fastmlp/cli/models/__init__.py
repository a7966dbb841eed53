"""What commands do with a model file: predict, score, describe."""
