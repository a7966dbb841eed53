"""Multilayer perceptrons for tables, with scikit-learn's API and a C++ core."""

from typing import TYPE_CHECKING

from fastmlp import _core  # noqa: F401  a broken installation fails here with a clear error
from fastmlp._lazy import lazily

if TYPE_CHECKING:
    from fastmlp._user_warnings import ExtrapolationWarning, ValidationWarning
    from fastmlp._version import __version__
    from fastmlp.checkpoints import Checkpoint
    from fastmlp.ensemble.history import History
    from fastmlp.ensemble.progress import EpochRecord
    from fastmlp.estimators import Classifier, Regressor
    from fastmlp.estimators.table_encoder import TableEncoder
    from fastmlp.inspection.attributions import Attributions
    from fastmlp.inspection.attributions_display import AttributionsDisplay
    from fastmlp.inspection.loss_curve_display import LossCurveDisplay
    from fastmlp.inspection.versions import show_versions
    from fastmlp.loading import load, load_predictor
    from fastmlp.model_file import ModelFileError
    from fastmlp.networks import Dense, Dropout, Embedding, Network, Optimizer, Scale
    from fastmlp.prediction.predictor import Predictor
    from fastmlp.privacy import Privacy, PrivacyGuarantee
    from fastmlp.streaming.cache_folder import Cache

__all__ = [
    "Attributions",
    "AttributionsDisplay",
    "Cache",
    "Checkpoint",
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
    "Predictor",
    "Privacy",
    "PrivacyGuarantee",
    "Regressor",
    "Scale",
    "TableEncoder",
    "ValidationWarning",
    "__version__",
    "load",
    "load_predictor",
    "show_versions",
]

if not TYPE_CHECKING:  # else any name would be one of the package
    __getattr__ = lazily(
        __name__,
        {
            "Attributions": "fastmlp.inspection.attributions",
            "AttributionsDisplay": "fastmlp.inspection.attributions_display",
            "Cache": "fastmlp.streaming.cache_folder",
            "Checkpoint": "fastmlp.checkpoints",
            "Classifier": "fastmlp.estimators",
            "Dense": "fastmlp.networks",
            "Dropout": "fastmlp.networks",
            "Embedding": "fastmlp.networks",
            "EpochRecord": "fastmlp.ensemble.progress",
            "ExtrapolationWarning": "fastmlp._user_warnings",
            "History": "fastmlp.ensemble.history",
            "LossCurveDisplay": "fastmlp.inspection.loss_curve_display",
            "ModelFileError": "fastmlp.model_file",
            "Network": "fastmlp.networks",
            "Optimizer": "fastmlp.networks",
            "Predictor": "fastmlp.prediction.predictor",
            "Privacy": "fastmlp.privacy",
            "PrivacyGuarantee": "fastmlp.privacy",
            "Regressor": "fastmlp.estimators",
            "Scale": "fastmlp.networks",
            "TableEncoder": "fastmlp.estimators.table_encoder",
            "ValidationWarning": "fastmlp._user_warnings",
            "__version__": "fastmlp._version",
            "load": "fastmlp.loading",
            "load_predictor": "fastmlp.loading",
            "show_versions": "fastmlp.inspection.versions",
        },
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
