"""Multilayer perceptrons on tables: scikit-learn's API, a C++ core at the machine's speed."""

from fastmlp._user_warnings import ExtrapolationWarning
from fastmlp._version import __version__
from fastmlp.ensemble.history import History
from fastmlp.ensemble.progress import EpochRecord
from fastmlp.estimators import Classifier, Regressor
from fastmlp.inspection.loss_curve_display import LossCurveDisplay
from fastmlp.inspection.versions import show_versions
from fastmlp.loading import load
from fastmlp.model_file import ModelFileError
from fastmlp.networks import Dense, Dropout, Embedding, Network, Optimizer, Scale

__all__ = [
    "Classifier",
    "Dense",
    "Dropout",
    "Embedding",
    "EpochRecord",
    "ExtrapolationWarning",
    "History",
    "LossCurveDisplay",
    "ModelFileError",
    "Network",
    "Optimizer",
    "Regressor",
    "Scale",
    "__version__",
    "load",
    "show_versions",
]
