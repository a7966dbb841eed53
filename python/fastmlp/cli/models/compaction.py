"""Smaller models of a model file, and how much their predictions differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fastmlp.cli.errors import DataError
from fastmlp.cli.models.files import describe, load_model
from fastmlp.cli.models.inputs import ModelInputs
from fastmlp.cli.models.scores import outputs_of, shown
from fastmlp.cli.tables.reading import TextFormat, open_table
from fastmlp.cli.training.interrupts import raising_late


def compact_model(
    model: str,
    table: str | None,
    how: TextFormat,
    output: str,
    *,
    method: str | None,
    options: Mapping[str, Any],
    dtype: str | None,
) -> Iterator[str]:
    """Write a smaller model of a model file; yields lines that describe the result.

    Parameters
    ----------
    model : str
        File.
    table : str or None
        File of rows like those to be predicted.
    how : TextFormat
    output : str
        File to write.
    method : {"distilled", "with_fewer_networks"} or None
        Method of the estimator that makes another one from the rows; None: it stays the same.
    options : mapping
        Arguments of the method.
    dtype : str or None
        Type of stored weights; see `TrainedModel.save`.

    Raises
    ------
    DataError, ValueError, TypeError
        If a file cannot be used.
    KeyboardInterrupt
        After Ctrl-C.
    """
    estimator, notes = load_model(model)
    X = None
    if table is not None:
        with open_table(table, how) as file:
            inputs = ModelInputs(estimator, file, how, notes.targets)
            X = inputs.for_model(inputs.of(file.whole()))
    smaller, noted = estimator, describe(model).notes
    if method is not None:
        if not hasattr(estimator, method):
            raise DataError(
                f"{model} is an {type(estimator).__name__}, one network: only --dtype makes it "
                "smaller"
            )
        with raising_late():
            smaller = getattr(estimator, method)(X, **options)
        noted = {name: value for name, value in noted.items() if name != "scores"}
    smaller.save(output, dtype=dtype, notes=noted)
    before, after = (Path(path).stat().st_size / 1e6 for path in (model, output))
    yield f"Model     {output}, {after:,.2f} MB, before {before:,.2f} MB"
    if method is not None:
        yield f"Networks  {len(smaller.networks_)}, before {len(estimator.networks_)}"
    if X is not None:
        old, new = (outputs_of(one, X) for one in (estimator, load_model(output)[0]))
        change = float(np.sqrt(np.mean(np.square(new - old))))
        of = "probabilities" if hasattr(estimator, "classes_") else "predictions"
        yield f"Change    {shown(change)} of the {of} for {len(old):,} rows (root mean square)"
