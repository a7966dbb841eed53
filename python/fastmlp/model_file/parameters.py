"""Parameters of estimators in a model file."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fastmlp._user_warnings import warn
from fastmlp.model_file.draft import Draft, NotStorable
from fastmlp.model_file.fields import Fields
from fastmlp.model_file.values import Values, written_value


def written_parameters(model: Any, draft: Draft) -> dict[str, Any]:
    """The parameters of an estimator; a warning names those that a file cannot hold."""
    written, left_out = {}, []
    for name, value in model.get_params(deep=False).items():
        try:
            written[name] = written_value(value, draft)
        except NotStorable:
            left_out.append(name)
    if left_out:
        warn(
            f"the file holds the model without its {' and '.join(left_out)}: a model file holds no "
            "functions and no other code. The loaded model has the default"
        )
    return written


def read_parameters(fields: Fields, values: Values, known: Collection[str]) -> dict[str, Any]:
    """Those parameters of a file that the estimator has."""
    return {name: fields.get(name, values.value) for name in known if name in fields}
