"""scikit-learn's multilayer perceptrons on fastmlp's engine: the same numbers, faster."""

from fastmlp.neural_network.mlp import MLPClassifier, MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
