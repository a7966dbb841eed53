"""Parameters of estimators in a model file."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

from fastmlp._user_warnings import warn
from fastmlp.model_file.draft import Draft, NotStorable
from fastmlp.model_file.fields import Fields, Kind
from fastmlp.model_file.values import UnknownType, Values, written_seed, written_value

_SEED = "random_state"
_UNREADABLE = object()


def written_parameters(model: Any, draft: Draft) -> dict[str, Any]:
    """The parameters of an estimator; a warning names those that a file cannot hold."""
    written, left_out = {}, {}
    for name, value in model.get_params(deep=False).items():
        write = written_seed if name == _SEED else written_value
        try:
            written[name] = write(value, draft)
        except NotStorable as error:
            left_out[name] = str(error)
    if left_out:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        warn(
            f"the file does not hold {' and '.join(left_out)} of the model; a loaded model has the "
            f"default ({reasons})"
        )
    return written


def read_parameters(fields: Fields, values: Values, known: Collection[str]) -> dict[str, Any]:
    """Those parameters of a file that the estimator has; a warning names those of unknown types."""
    found = {}
    for name in known:
        if name in fields:
            kind = values.seed if name == _SEED else values.value
            found[name] = fields.get(name, partial(_readable, kind))
    unreadable = [name for name, value in found.items() if value is _UNREADABLE]
    if unreadable:
        warn(
            f"the file has values of {' and '.join(unreadable)} of types that this version does "
            "not know. The loaded model has the default"
        )
    return {name: value for name, value in found.items() if value is not _UNREADABLE}


def _readable(kind: Kind[Any], value: Any) -> Any:
    try:
        return kind(value)
    except UnknownType:
        return _UNREADABLE
