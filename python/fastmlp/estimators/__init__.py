"""Regressor and Classifier: their parameters, the checks of arguments, and `fit`."""

from fastmlp.estimators.classifier import Classifier
from fastmlp.estimators.regressor import Regressor

__all__ = ["Classifier", "Regressor"]
