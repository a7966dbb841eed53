"""`load`: a trained estimator from its model file; `load_predictor`: its predictor."""

from __future__ import annotations

from typing import Any

from fastmlp.model_file.container import Source
from fastmlp.model_file.envelope import blaming_newer, opened
from fastmlp.model_file.pipeline import load_pipeline
from fastmlp.prediction.predictor import Predictor
from fastmlp.prediction.rounded_weights import SmallDtype


def load(source: Source) -> Any:
    """Load a model that `save` wrote.

    Nothing in a model file is executed, so it is safe to load files from others. The memory that
    loading takes is bounded by a multiple of the file's size; see docs/model-file.md.

    Parameters
    ----------
    source : str, PathLike, bytes, bytearray, memoryview or binary file object
        The file, or what is in it.

    Returns
    -------
    Regressor, Classifier, MLPRegressor or MLPClassifier
        As it was when it was saved: it predicts the same bits on the same build and instruction
        set. Parameters that a file cannot hold (functions) have their defaults; so have, with a
        warning, those whose values are of types that a newer version wrote.

    Raises
    ------
    ModelFileError
        If the file is damaged or was edited, is of a newer version, is not a model file, or its
        model makes other predictions for the check rows than the file holds.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> import io
    >>> import fastmlp
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = fastmlp.Regressor(preset="fast", n_estimators=1, random_state=0).fit(X, y)
    >>> file = io.BytesIO()
    >>> model.save(file)
    >>> loaded = fastmlp.load(file.getvalue())
    >>> bool((loaded.predict(X) == model.predict(X)).all())
    True
    """
    # Not with the module: predictors load without.
    from fastmlp.model_file.check_rows import verify
    from fastmlp.model_file.reading import read_model

    contents = opened(source)
    with blaming_newer(contents):
        model = read_model(_class_of(contents.kind), contents)
        verify(model, contents)
    return model


def load_predictor(
    source: Source, *, n_jobs: int | None = None, dtype: SmallDtype | None = None
) -> Predictor:
    """Load the predictor of a model that `save` wrote.

    This imports neither scikit-learn nor pandas; the first call in a process imports what it needs.
    The predictor is the same as that of the model's method `predictor`.

    Parameters
    ----------
    source : str, PathLike, bytes, bytearray, memoryview or binary file object
        The file, or what is in it.
    n_jobs : int or None, default=None
        Threads of a prediction of many rows; see `fastmlp.Predictor`.
    dtype : {"float16", "bfloat16", "int8"} or None, default=None
        Type that the weights of dense layers are held in. None: that of the file, so a model saved
        with ``dtype="int8"`` runs in one byte for each weight. Weights of another type are rounded,
        as ``model.predictor(dtype=...)`` does.

    Returns
    -------
    Predictor

    Raises
    ------
    ModelFileError, OSError
        As `load`.
    ValueError
        If `dtype` is none of these or cannot hold the weights.

    Examples
    --------
    >>> import io
    >>> import fastmlp
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = fastmlp.Regressor(preset="fast", n_estimators=1, random_state=0).fit(X, y)
    >>> file = io.BytesIO()
    >>> model.save(file)
    >>> predictor = fastmlp.load_predictor(file.getvalue())
    >>> bool(predictor.predict(X[0]) == model.predict(X[:1])[0])
    True
    """
    return Predictor(load_pipeline(source).rounded(dtype), n_jobs)


def _class_of(kind: str) -> Any:
    if kind.startswith("MLP"):
        from fastmlp import neural_network  # scikit-learn's classes are imported with it

        return getattr(neural_network, kind)
    from fastmlp import estimators

    return getattr(estimators, kind)
