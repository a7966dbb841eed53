"""Model files, with what the command line knows about a model beyond the estimator."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Notes:
    """What a training by the command line knows beyond the estimator.

    Parameters
    ----------
    targets : sequence of str
        Names of the columns to predict.
    scores : dict
        Of held-out rows, by target.
    """

    targets: tuple[str, ...] = ()
    scores: Mapping[str, dict[str, float]] = field(default_factory=dict)


def save_model(model: Any, path: str, notes: Notes) -> None:
    Path(path).write_bytes(pickle.dumps((model, notes)))


def load_model(path: str) -> tuple[Any, Notes]:
    return pickle.loads(Path(path).read_bytes())
