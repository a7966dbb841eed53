"""FitIdentity: identifies the fit that a checkpoint belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from fastmlp.ensemble.splits import RowSubset
from fastmlp.model_file.draft import Draft, NotStorable
from fastmlp.model_file.values import written_value
from fastmlp.table.rows import add_to_digest
from fastmlp.table.sparse_encoder import Encoder
from fastmlp.table.text import shortened

# Parameters that do not affect the model; `time_limit` may be raised in order to continue.
_FREE = ("callbacks", "n_jobs", "time_limit", "verbose")


@dataclass(frozen=True)
class FitIdentity:
    """Everything that determines the bits of the fitted model, except for random numbers.

    Attributes
    ----------
    version : str
        Version of fastmlp.
    estimator : str
        Name of the class.
    parameters : dict
        Parameters of the estimator, as JSON.
    data : dict of str to str
        Digests of what the fit learns from, by names that its user knows; ", " joins the names of
        what has one digest.
    """

    version: str
    estimator: str
    parameters: Mapping[str, Any]
    data: Mapping[str, str]

    @classmethod
    def of(cls, estimator: Any, data: Mapping[str, str]) -> FitIdentity:
        """The identity of a fit of this estimator to such data."""
        from fastmlp._version import __version__  # looked up in files, which takes 20 ms

        parameters = estimator.get_params(deep=False)
        return cls(
            __version__,
            type(estimator).__name__,
            {name: _written(value) for name, value in parameters.items() if name not in _FREE},
            data,
        )

    def differences(self, other: FitIdentity) -> list[str]:
        """What another fit has that this one has not, in words."""
        found = []
        if other.version != self.version:
            found.append(f"the version of fastmlp ({other.version} there, {self.version} here)")
        if other.estimator != self.estimator:
            found.append(f"the estimator ({other.estimator} there, {self.estimator} here)")
        for name in sorted({*self.parameters, *other.parameters}):
            own, there = self.parameters.get(name), other.parameters.get(name)
            if own != there:
                found.append(f"{name} ({_shown(there)} there, {_shown(own)} here)")
        of_data = [
            names
            for names in {**self.data, **other.data}
            if self.data.get(names) != other.data.get(names)
        ]
        # X and y of a table have digests each, and those of a stream one: each is named once.
        return [*found, *dict.fromkeys(name for names in of_data for name in names.split(", "))]


def digests_of(rows: RowSubset | None, suffix: str = "") -> dict[str, str]:
    """Digests of an encoded table, its targets and weights, for `FitIdentity.data`.

    Parameters
    ----------
    rows : RowSubset or None
        None: no digests.
    suffix : str
        What follows "X", "y" and "sample_weight" in the names of the arguments of `fit`.
    """
    if rows is None:
        return {}
    parts = {"X": rows.X, "y": rows.y, "sample_weight": rows.sample_weight}
    digests = {}
    for name, part in parts.items():
        if part is not None:
            digest = sha256()
            add_to_digest(digest, part)
            digests[f"{name}{suffix}"] = digest.hexdigest()
    return digests


def digest_of_names(encoder: Encoder) -> dict[str, str]:
    """Digest of the names of the columns, if they have any, for `FitIdentity.data`."""
    if encoder.feature_names is None:
        return {}
    names = json.dumps(encoder.feature_names.tolist())
    return {"the names of the columns": sha256(names.encode()).hexdigest()}


def _written(value: Any) -> Any:
    """A parameter as JSON; what JSON cannot hold is represented by its name or its type."""
    if isinstance(value, np.random.RandomState):
        return "RandomState"
    try:
        return json.loads(json.dumps(written_value(value, Draft())))
    except NotStorable:
        if isinstance(value, dict):
            return {str(name): _written(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [_written(one) for one in value]
        own = value if hasattr(value, "__qualname__") else type(value)
        return f"{own.__module__}.{own.__qualname__}"


def _shown(written: Any) -> str:
    if isinstance(written, dict) and written.keys() == {"type", "value"}:
        written = written["value"]
    return shortened(repr(written), 60)
