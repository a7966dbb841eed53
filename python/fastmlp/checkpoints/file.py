"""The file of a checkpoint: identity of the fit, its random numbers, and the states to resume from.

A safetensors file with a JSON document, as a model file is; but only the version of fastmlp that
wrote it can use it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fastmlp.checkpoints.identity import FitIdentity
from fastmlp.ensemble.state_keeper import State
from fastmlp.model_file.atomic import write_whole
from fastmlp.model_file.container import Arrays, packed, unpacked
from fastmlp.model_file.draft import Draft
from fastmlp.model_file.envelope import KINDS
from fastmlp.model_file.errors import ModelFileError
from fastmlp.model_file.fields import Fields, Kind, mapping, number, one_of, text
from fastmlp.model_file.tensors import Tensors
from fastmlp.model_file.values import Values, written_seed, written_value

_KIND = "checkpoint"
_IDENTITY: dict[str, Kind[Any]] = {
    "version": text,
    "estimator": text,
    "parameters": mapping,
    "data": mapping,
}


@dataclass(frozen=True)
class Contents:
    """What a checkpoint holds.

    Attributes
    ----------
    identity : FitIdentity
    seed : int, RandomState or None
        Random numbers that the fit began with.
    seconds : float
        Time spent before.
    states : dict
    """

    identity: FitIdentity
    seed: Any
    seconds: float
    states: Mapping[str, State]


def write(path: str | os.PathLike[str], contents: Contents) -> None:
    """Write the file, whole or not at all.

    Raises
    ------
    OSError
        If it cannot be written; an older one is then as it was.
    """
    draft = Draft()
    document = {
        # What a reader of model files looks at first, to say what this is instead.
        "format_version": 1,
        "least_reader": 1,
        "required_features": [],
        "kind": _KIND,
        "fit": asdict(contents.identity),
        "seed": written_seed(contents.seed, draft),
        "seconds": contents.seconds,
        "states": {
            name: _written_state(name, state, draft) for name, state in contents.states.items()
        },
    }
    write_whole(path, packed(document, draft.tensors))


def read(path: str | os.PathLike[str]) -> Contents:
    """Read a file.

    Raises
    ------
    ModelFileError
        If it is not a checkpoint, or damaged.
    OSError
        If it cannot be read.
    """
    try:
        document, arrays = _unpacked(path)
        found = Fields(document, _KIND)
        found.get("kind", one_of([_KIND]))
        values = Values(Tensors(arrays))
        fit = found.object("fit")
        identity = FitIdentity(**fit.get_all(_IDENTITY))
        states = found.get("states", mapping)
        return Contents(
            identity,
            found.get("seed", values.seed),
            found.get("seconds", number),
            {name: _read_state(name, state, arrays, values) for name, state in states.items()},
        )
    except ModelFileError as error:
        raise ModelFileError(
            f"the file {os.fspath(path)!r} cannot be used as a checkpoint, and is not overwritten: "
            f"{error}"
        ) from error


def _unpacked(path: str | os.PathLike[str]) -> tuple[dict[str, Any], Arrays]:
    """The document and the arrays of a file, which must not be a model file."""
    try:
        document, arrays = unpacked(path)
    except ModelFileError as error:  # a checkpoint is packed as a model file is
        raise ModelFileError(str(error).replace("model file", "checkpoint")) from error
    if (kind := document.get("kind")) in KINDS:
        raise ModelFileError(f"it is a model file, of a {kind}, not a checkpoint")
    return document, arrays


def _written_state(name: str, state: State, draft: Draft) -> dict[str, Any]:
    """The plain values of a state; its arrays become tensors."""
    plain = {}
    for key, value in state.items():
        if isinstance(value, np.ndarray):
            draft.add(f"{name}/{key}", value)
        else:
            plain[key] = written_value(value, draft)
    return plain


def _read_state(name: str, plain: Any, arrays: Arrays, values: Values) -> dict[str, Any]:
    found = Fields(plain, f"{_KIND}.states[{name!r}]")
    start = f"{name}/"
    return {key: found.get(key, values.value) for key in plain} | {
        key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)
    }
