"""`init_model`: the fitted model that `fit` begins with, from an estimator or a file."""

from __future__ import annotations

from os import PathLike
from typing import Any

from sklearn.utils.validation import check_is_fitted

from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.estimators.smaller_models import SmallerModels
from fastmlp.model_file.envelope import blaming_newer, opened
from fastmlp.model_file.fitted_model import read_fitted_model
from fastmlp.tasks import RegressionTask


def initial_model(init_model: Any, *, classifies: bool) -> FittedModel:
    """The fitted model of an estimator or a file, with new optimisers.

    Most files hold no state of optimisers, so that of an estimator is dropped too: both lead to the
    same model.

    Raises
    ------
    TypeError
        If it is something else.
    ValueError
        If it classifies and the estimator does not, or the other way round.
    NotFittedError
    ModelFileError, OSError
        If the file cannot be read, or is not a model file.
    """
    if isinstance(init_model, str | PathLike):
        try:
            contents = opened(init_model)
        except OSError as error:
            error.strerror = f"init_model: {error.strerror}"
            raise
        if contents.kind not in ("Regressor", "Classifier"):
            raise ValueError(f"init_model must be a Regressor or Classifier; got {contents.kind}")
        with blaming_newer(contents):
            model = read_fitted_model(contents)
    elif isinstance(init_model, SmallerModels):
        check_is_fitted(
            init_model, msg="init_model must be fitted; this %(name)s is not: call its `fit`"
        )
        model = init_model._fitted
    else:
        raise TypeError(
            "init_model must be a fitted estimator of this kind, the path of a model file or None; "
            f"got {init_model!r}"
        )
    if isinstance(model.task, RegressionTask) == classifies:
        own, other = ("Classifier", "Regressor")[:: 1 if classifies else -1]
        raise ValueError(f"init_model must be a {own}; got a {other}")
    return model.with_new_optimizers()
