"""scikit-learn's multilayer perceptrons on fastmlp's engine: the same numbers, faster."""

from fastmlp.neural_network._mlp import MLPClassifier, MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
