"""Multilayer perceptrons on tables: scikit-learn's manners, a C++ core at the machine's speed."""

from importlib.metadata import version as _version

from fastmlp._classifier import Classifier
from fastmlp._display import LossCurveDisplay
from fastmlp._network import Dense, Dropout, Embedding, Network, Optimizer, Scale
from fastmlp._progress import EpochRecord
from fastmlp._regressor import Regressor
from fastmlp._training import History
from fastmlp._versions import show_versions

__version__ = _version("fastmlp")

__all__ = [
    "Classifier",
    "Dense",
    "Dropout",
    "Embedding",
    "EpochRecord",
    "History",
    "LossCurveDisplay",
    "Network",
    "Optimizer",
    "Regressor",
    "Scale",
    "__version__",
    "show_versions",
]
