"""Notes: names and scores that the command line and services store with a model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastmlp.model_file.description import Description
from fastmlp.prediction.pipeline import Pipeline


@dataclass(frozen=True)
class Notes:
    """Names and scores that are noted in a model file.

    Parameters
    ----------
    targets : tuple of str
        Columns that the model was trained to predict.
    outputs : tuple of str
        Names of the columns of a prediction that has several: the targets, or quantiles.
    scores : mapping
        Scores of held-out rows, by target.
    """

    targets: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def names_of(self, n_outputs: int) -> list[str]:
        """Names of the columns of a prediction: numbers, unless they are noted."""
        is_known = len(self.outputs) == n_outputs
        return [*self.outputs] if is_known else [str(k) for k in range(n_outputs)]

    def written(self) -> dict[str, Any]:
        """As `save` takes them."""
        finite = {
            target: {name: value for name, value in own.items() if math.isfinite(value)}
            for target, own in self.scores.items()
        }
        return {"targets": [*self.targets], "outputs": [*self.outputs], "scores": finite}

    @classmethod
    def of(cls, description: Description, pipeline: Pipeline) -> Notes:
        """The notes of a file, as far as they are of this form: others may note other things.

        Names that are not noted are those that the model knows.
        """
        notes = description.notes
        return cls(
            _names(notes.get("targets")) or pipeline.target_names or (),
            _names(notes.get("outputs")) or pipeline.output_names or (),
            _scores(notes.get("scores")),
        )


def _names(value: Any) -> tuple[str, ...]:
    are_names = isinstance(value, list) and all(isinstance(name, str) for name in value)
    return tuple(value) if are_names else ()


def _scores(value: Any) -> dict[str, dict[str, float]]:
    are_scores = isinstance(value, dict) and all(map(_are_numbers, value.values()))
    return value if are_scores else {}


def _are_numbers(values: Any) -> bool:
    return isinstance(values, dict) and all(isinstance(one, int | float) for one in values.values())
