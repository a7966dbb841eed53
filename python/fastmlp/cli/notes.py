"""What the command line notes in a model file beside the model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastmlp.model_file.description import Description

Scores = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Notes:
    """What `fastmlp train` knows beside the model.

    Parameters
    ----------
    targets : tuple of str
        Names of the columns to predict.
    scores : mapping
        Of held-out rows, by target.
    """

    targets: tuple[str, ...] = ()
    scores: Scores = field(default_factory=dict)

    def written(self) -> dict[str, Any]:
        """As `save` takes them."""
        finite = {
            target: {name: value for name, value in own.items() if math.isfinite(value)}
            for target, own in self.scores.items()
        }
        return {"targets": list(self.targets), "scores": finite}

    @classmethod
    def of(cls, description: Description) -> Notes:
        """The notes of a file, as far as they are those of `fastmlp train`."""
        targets, scores = (description.notes.get(name) for name in ("targets", "scores"))
        are_names = isinstance(targets, list) and all(isinstance(name, str) for name in targets)
        are_scores = isinstance(scores, dict) and all(map(_are_numbers, scores.values()))
        return cls(tuple(targets) if are_names else (), scores if are_scores else {})


def _are_numbers(values: Any) -> bool:
    return isinstance(values, dict) and all(isinstance(one, float) for one in values.values())
