"""Saving of trained estimators, of any kind."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from fastmlp.model_file.atomic import write_whole
from fastmlp.model_file.check_rows import add_outputs, agree, read_rows, written_rows
from fastmlp.model_file.draft import Draft
from fastmlp.model_file.envelope import KINDS, ROUNDED_WEIGHTS, Contents, closed, opened
from fastmlp.model_file.errors import ModelFileError
from fastmlp.model_file.parameters import written_parameters
from fastmlp.model_file.reading import read_model
from fastmlp.prediction.rounded_weights import SmallDtype, check_small_dtype


def save_model(
    model: Any,
    path: str | os.PathLike[str] | BinaryIO,
    *,
    include_optimizer: bool,
    check_rows: Any,
    dtype: SmallDtype | None,
    notes: Mapping[str, Any] | None,
) -> None:
    """Write a model file; see `TrainedModel.save`."""
    kind = type(model).__name__
    if kind not in KINDS or not type(model).__module__.startswith("fastmlp."):
        raise TypeError(
            f"a model file can hold a {', '.join(KINDS[:-1])} or {KINDS[-1]}, but not other "
            f"classes such as {kind}. Use pickle instead"
        )
    check_small_dtype(dtype)
    draft = Draft(stored=dtype, features=[] if dtype is None else [ROUNDED_WEIGHTS])
    parts = model._written(draft, include_optimizer)
    parts = {"parameters": written_parameters(model, draft), **parts}
    if notes is not None:
        parts["notes"] = dict(notes)
    if check_rows is not None:
        X, y = check_rows if _is_pair(check_rows) else (check_rows, None)
        parts["check_rows"] = written_rows(X, draft)
    data = closed(kind, parts, draft)
    loaded, contents = _read_again(model, data)
    if check_rows is not None:
        _add_outputs(model, loaded, X, contents, draft)
        if dtype is not None:
            _print_cost(model, loaded, X, y, dtype)
        data = closed(kind, parts, draft)
    if hasattr(path, "write"):
        path.write(data)
    else:
        write_whole(path, data)


def _is_pair(check_rows: Any) -> bool:
    """Whether these are a table and its targets, rather than two rows."""
    is_pair = isinstance(check_rows, tuple) and len(check_rows) == 2
    return is_pair and len(getattr(check_rows[0], "shape", np.shape(check_rows[0]))) == 2


def _read_again(model: Any, data: bytes) -> tuple[Any, Contents]:
    """Load the model from the new file: a file that cannot be loaded must not be saved."""
    contents = opened(data)
    try:
        return read_model(type(model), contents), contents
    except ModelFileError as error:
        raise ValueError(f"a model file cannot hold this model: {error}") from error


def _add_outputs(model: Any, loaded: Any, X: Any, contents: Contents, draft: Draft) -> None:
    """Add what the loaded model predicts for the rows as a file holds them."""
    fields = contents.document.object("check_rows")
    rows = read_rows(fields, contents.tensors, contents.values)
    outputs = loaded._outputs_of(rows)
    given = model._outputs_of(rows)
    expected = model._outputs_of(X)
    if not agree(given, expected, model):
        raise ValueError(
            "check_rows hold values that a model file cannot store exactly: predictions of the "
            f"stored rows differ by up to {np.abs(given - expected).max():g}. Pass other rows"
        )
    add_outputs(outputs, draft)


def _print_cost(model: Any, loaded: Any, X: Any, y: Any, dtype: str) -> None:
    """Print how predictions for the check rows change with weights in fewer bytes."""
    exact, rounded = (np.asarray(one._outputs_of(X)) for one in (model, loaded))
    difference = np.sqrt(np.mean((exact - rounded) ** 2))
    cost = f"predictions for {len(exact)} check rows change by {difference:.2g} (root mean square)"
    if y is not None:
        scores = [one.score(X, y) for one in (model, loaded)]
        cost += f", their score from {scores[0]:.6g} to {scores[1]:.6g}"
    print(f"weights of {dtype}: {cost}")
