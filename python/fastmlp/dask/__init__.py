"""Fits and predictions on a Dask cluster: ``pip install "fastmlp[dask]"``."""

from importlib.util import find_spec

if find_spec("distributed") is None:
    raise ImportError(
        'fastmlp.dask needs dask.distributed, which is not installed: pip install "fastmlp[dask]"'
    )

from fastmlp.dask.estimators import Classifier, Regressor

__all__ = ["Classifier", "Regressor"]
