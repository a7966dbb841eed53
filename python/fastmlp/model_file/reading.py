"""Reading of trained estimators, of any kind."""

from __future__ import annotations

from typing import Any

from fastmlp.model_file.envelope import Contents
from fastmlp.model_file.parameters import read_parameters


def read_model(kind: Any, contents: Contents) -> Any:
    """The estimator of a file.

    Parameters
    ----------
    kind : type
        Its class.
    contents : Contents

    Raises
    ------
    ModelFileError
        If a part is missing or wrong, or the class does not take one of the parameters.
    """
    parameters = contents.document.object("parameters")
    model = kind(**read_parameters(parameters, contents.values, kind._get_param_names()))
    try:
        model._validate_params()
    except (TypeError, ValueError) as error:
        raise parameters.error(f"do not fit the estimator: {error}") from error
    model._read(contents)
    return model
