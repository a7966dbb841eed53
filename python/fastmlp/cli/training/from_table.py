"""Training from a table in a file: the model, its held-out scores, its report and picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastmlp import Classifier, Regressor
from fastmlp.cli.models.scores import Scores, outputs_of, scores_of
from fastmlp.cli.tables.reading import TextFormat
from fastmlp.cli.training.data import read_training_data, read_validation_data
from fastmlp.cli.training.held_out import latest_rows
from fastmlp.cli.training.interrupts import raising_late
from fastmlp.cli.training.plot import picture
from fastmlp.cli.training.report import HeldOutPredictions, out_of_fold, report, validation_rows
from fastmlp.cli.training.roles import Roles, TaskName
from fastmlp.cli.training.targets import named
from fastmlp.model_file.notes import Notes

ESTIMATORS = {"regression": Regressor, "classification": Classifier}


@dataclass(frozen=True)
class TrainingResult:
    """A trained model and what is known about it.

    Attributes
    ----------
    model : Regressor or Classifier
    targets : tuple of str
    held_out : HeldOutPredictions or None
    scores : dict
        Scores of the held-out rows, by target.
    report : str
        Lines to print.
    """

    model: Any
    targets: tuple[str, ...]
    held_out: HeldOutPredictions | None
    scores: Mapping[str, Scores]
    report: str

    @property
    def summary(self) -> str:
        """Columns, layers and training of the networks, in lines to print."""
        return str(self.model.summary())

    def save(self, path: str) -> None:
        """Write the model file, with the names of the targets and the scores."""
        outputs = self.model._fitted.task.output_names or self.targets
        self.model.save(path, notes=Notes(self.targets, outputs, self.scores).written())

    def picture(self) -> Any:
        """A matplotlib Figure of the losses and of the held-out predictions."""
        if self.held_out is None:
            return picture(self.model, (), np.empty(0), np.empty(0))
        return picture(self.model, self.targets, self.held_out.y, self.held_out.outputs)


def train_model(
    table: str,
    how: TextFormat,
    roles: Roles,
    task: TaskName | None,
    parameters: Mapping[str, Any],
    validation: str | None,
    checkpoint: str | None,
) -> TrainingResult:
    """Train on a table in a file.

    Parameters
    ----------
    table : str
    how : TextFormat
        How to read this file and `validation`, if they are text.
    roles : Roles
        Roles of the columns.
    task : {"regression", "classification"} or None
        None: found out.
    parameters : mapping
        Parameters of the estimator.
    validation : str or None
        A table to validate on.
    checkpoint : str or None
        File that keeps the training.

    Raises
    ------
    DataError, ValueError, TypeError
        If a table cannot be used.
    KeyboardInterrupt
        After Ctrl-C.
    """
    data = read_training_data(table, how, roles, task)
    others = None if validation is None else read_validation_data(validation, how, roles, data)
    training = data.X, data.targets.y, data.weight
    validation_part = None
    if others is not None:
        which = f"of {validation}"
        validation_part = others.X, others.targets.y, others.weight
    elif data.time is not None and parameters["extrapolation"] == "linear":
        # `fit(time=)` would learn the linear part from later rows too.
        which, is_latest = f"the latest by {roles.time!r}", latest_rows(data.time)
        training, validation_part = data.part(~is_latest), data.part(is_latest)
    X, y, weight = training
    training = X, named(y, data.targets.names), weight
    categories = list(roles.categories) or "from_dtype"
    model = ESTIMATORS[data.targets.task](**parameters, categorical_features=categories)
    with raising_late():
        if validation_part is None:
            model.fit(*training, groups=data.groups, time=data.time, checkpoint=checkpoint)
            held_out = out_of_fold(model, data, roles)
        else:
            X_val, y_val, weight_val = validation_part
            model.fit(
                *training,
                X_val=X_val,
                y_val=y_val,
                sample_weight_val=weight_val,
                checkpoint=checkpoint,
            )
            held_out = validation_rows(y_val, outputs_of(model, X_val), weight_val, which)
    names = data.targets.names
    scores = {}
    if held_out is not None:
        scores = scores_of(model, names, held_out.y, held_out.outputs, held_out.weight)
    text = report(table, data, model, held_out, scores)
    return TrainingResult(model, names, held_out, scores, text)
