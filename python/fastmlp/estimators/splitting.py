"""`groups`, `time` and `cv` of `fit`: splitters that decide which rows validate which networks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from reprlib import repr as shortened
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import _num_samples

from fastmlp._user_warnings import warn
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import FEWEST_ROWS
from fastmlp.ensemble.splitters import (
    RANDOM,
    GivenSplitter,
    GroupSplitter,
    Splitter,
    TimeSplitter,
)
from fastmlp.estimators.fit_arguments import FitArguments
from fastmlp.prediction.conformal import group_labels
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.feature_names import feature_names_of
from fastmlp.table.identifiers import is_named_identifier
from fastmlp.table.labels import is_missing
from fastmlp.table.rows import Rows, Table
from fastmlp.table.sparse_encoder import Encoder
from fastmlp.table.text import as_text, is_text, quoted, quoted_few, says_missing

SPLITTING = ("groups", "time", "cv")


def splitter_of(
    given: FitArguments, settings: Settings, encoder: Encoder, table: Table
) -> Splitter:
    """The splitter for the arguments of `fit`.

    Parameters
    ----------
    given : FitArguments
    settings : Settings
    encoder : Encoder
    table : ndarray or sparse array
        Encoded X.

    Raises
    ------
    ValueError, TypeError
        If one of the arguments is invalid, or does not go with others.
    """
    name = next((name for name in SPLITTING if getattr(given, name) is not None), None)
    if name is None:
        return RANDOM
    n_rows = table.shape[0]
    given.check_none(
        ("X_val", "y_val", "sample_weight_val"), f"if {name} decides which rows validate networks"
    )
    if given.time is not None:
        given.check_none(
            ("groups", "cv"),
            "if time is given; cv takes pairs of row numbers for divisions by both",
        )
    if not settings.early_stopping:
        raise ValueError(f"{name} needs early_stopping=True: otherwise no rows are held out")
    if n_rows < FEWEST_ROWS:
        raise ValueError(
            f"{name} needs at least {FEWEST_ROWS} rows to hold some out; X has {n_rows}"
        )
    if given.time is not None:
        return TimeSplitter(_times(given, encoder, table))
    if isinstance(given.groups, str):
        given = replace(given, groups=_named_groups(given, encoder))
    if given.cv is not None:
        return GivenSplitter(_parts(given, n_rows))
    return GroupSplitter(_groups(given.groups, n_rows))


def _named_groups(given: FitArguments, encoder: Encoder) -> NDArray[Any]:
    """The labels in the column of X whose name was given."""
    name = given.groups
    position = _position_of("groups", name, encoder)
    is_category = isinstance(encoder, DenseEncoder) and (
        encoder.columns[position].kind == "category"
    )
    if is_category or is_named_identifier(name):
        warn(
            f"{name!r} is an input too, but a model learns nothing about the labels of groups that "
            f"are not in X. If there will be new groups, use fit(X.drop(columns={name!r}), y, "
            f"groups=X[{name!r}])"
        )
    return _named_values(given.X, name)


def _named_values(X: Any, name: str) -> NDArray[Any]:
    """The values in a column of X."""
    from fastmlp.table.frames import as_frame  # X has names, so it is a frame

    values: NDArray[Any] = as_frame(X)[name].to_numpy()
    return values


def _position_of(argument: str, name: str, encoder: Encoder) -> int:
    """The position of the column of X that an argument names."""
    names = [] if encoder.feature_names is None else encoder.feature_names.tolist()
    if name not in names:
        raise ValueError(
            f"{argument}={name!r} is not a column of X, which has "
            f"{quoted_few(names) if names else 'no names'}"
        )
    return names.index(name)


def _check_no_position(argument: str, value: Any, of_row: str) -> None:
    """Raise for a single value that is not a name, such as a position."""
    if np.ndim(value) == 0:
        raise TypeError(
            f"{argument} must hold the {of_row} of each row, or be the name of a column of X; got "
            f"{value!r}. For a column without a name, pass its values, such as X[:, 0]"
        )


def _groups(groups: Any, n_rows: int) -> NDArray[np.int32]:
    """The number of each row's group."""
    _check_no_position("groups", groups, "label")
    labels = group_labels(groups, n_rows)
    if None in labels:
        raise ValueError("groups must have a label for each row; some are missing")
    number_of = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    if len(number_of) < 2:
        raise ValueError(f"groups must hold at least two different labels; got {labels[0]!r} alone")
    return np.array([number_of[label] for label in labels], dtype=np.int32)


def _check_length(name: str, length: int, n_rows: int) -> None:
    if length != n_rows:
        raise ValueError(f"{name} must have a value for each of {n_rows} rows; got {length}")


def _times(given: FitArguments, encoder: Encoder, table: Table) -> NDArray[np.float64]:
    """The time of each row as a number."""
    time = given.time
    if isinstance(time, str):
        position = _position_of("time", time, encoder)
        if not isinstance(encoder, DenseEncoder):
            raise TypeError("time must hold the time of each row if X is sparse; got a name")
        times = _numbers_of_times(encoder, position, table)
        return _checked_times(times, _named_values(given.X, time))
    _check_no_position("time", time, "time")
    _check_length("time", _num_samples(time), table.shape[0])
    column = _as_table(time)
    _check_finite(column)
    encoder, table = DenseEncoder.learn(column, name="time")
    if encoder.n_columns > 1:
        raise ValueError(f"time must be one column; got {encoder.n_columns}")
    return _checked_times(_numbers_of_times(encoder, 0, table), column)


def _numbers_of_times(
    encoder: DenseEncoder, position: int, table: NDArray[Any]
) -> NDArray[np.float64]:
    column = encoder.columns[position]
    if column.kind != "numeric":
        labels = quoted_few(column.categories) if column.categories else "labels"
        raise TypeError(f"time must hold numbers or dates; got {labels}")
    # For a date that is elapsed days; phases of year, week and day follow in the next columns.
    return np.asarray(table[:, encoder.encoded_by_column[position][0]], dtype=np.float64)


def _check_finite(column: Any) -> None:
    """Raise for infinite times, before they are read as a column of a table."""
    numbers = np.asarray(column)
    if numbers.dtype.kind == "f" and (infinite := np.isinf(numbers)).any():
        row = int(np.argmax(infinite.any(axis=1)))
        raise ValueError(f"time must be finite in every row; it is infinite in row {row}")


def _checked_times(times: NDArray[np.float64], column: Any) -> NDArray[np.float64]:
    """The times, which no row may lack; messages show the values that they were read from."""
    lacking = np.flatnonzero(np.isnan(times))
    if lacking.size:
        values = np.asarray(column, dtype=object).ravel()
        unread = next((row for row in lacking if not _stands_for_missing(values[row])), None)
        if unread is not None:
            raise ValueError(
                f"time must hold a date or a number in every row; got {quoted(values[unread])} in "
                f"row {unread}"
            )
        raise ValueError(
            f"time must not be missing in any row; it is missing in {lacking.size} of "
            f"{times.size}. Drop these rows"
        )
    if times.min() == times.max():
        raise ValueError("time must hold at least two different times")
    return times


def _stands_for_missing(value: Any) -> bool:
    return is_missing(value) or (is_text(value) and says_missing(as_text(value)))


def _as_table(column: Any) -> Any:
    """A column as a table: a frame where it is of a library of frames."""
    if hasattr(column, "to_frame"):
        frame = column.to_frame()
        return frame if hasattr(frame, "columns") else np.asarray(column)[:, None]
    if feature_names_of(column, "time") is not None:
        return column
    return np.asarray(column).reshape(len(column), -1)


def _parts(given: FitArguments, n_rows: int) -> list[tuple[Rows, Rows]]:
    """Pairs of training rows and held-out rows, by a splitter of scikit-learn or as they are."""
    cv = given.cv
    if hasattr(cv, "split") and not isinstance(cv, str | type):
        pairs = cv.split(given.X, given.y, given.groups)
    elif isinstance(cv, Iterable) and not isinstance(cv, str):
        given.check_none(("groups",), "if cv holds pairs, which say what is held out themselves")
        pairs = cv
    else:
        raise TypeError(
            "cv must be a splitter such as sklearn.model_selection.GroupKFold(), or pairs of "
            f"arrays of row numbers (train, test); got {cv!r}. Random folds are the default: "
            "validation_fraction=0.2 means five"
        )
    parts = [_checked_pair(number, pair, n_rows) for number, pair in enumerate(pairs)]
    if not parts:
        raise ValueError("cv must have at least one pair of training rows and held-out rows")
    return parts


def _checked_pair(number: int, pair: Any, n_rows: int) -> tuple[Rows, Rows]:
    name = f"cv: pair {number}"
    try:
        train, test = pair
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} must be two arrays of row numbers; got {shortened(pair)}. A single pair is "
            "cv=[(train, test)]"
        ) from None
    masks = [
        _mask(f"{name}: {part}", rows, n_rows) for part, rows in (("train", train), ("test", test))
    ]
    if (masks[0] & masks[1]).any():
        row = int(np.argmax(masks[0] & masks[1]))
        raise ValueError(f"{name} has row {row} in both arrays")
    return tuple(np.flatnonzero(mask).astype(np.uint32) for mask in masks)  # type: ignore[return-value]


def _mask(name: str, rows: Any, n_rows: int) -> NDArray[np.bool_]:
    """Row numbers, or a mask of rows, as a mask."""
    rows, mask = np.asarray(rows), np.zeros(n_rows, dtype=bool)
    if rows.ndim != 1 or rows.dtype.kind not in "iub" or not rows.size:
        raise ValueError(
            f"{name} must be an array of row numbers; got an array of shape {rows.shape} and type "
            f"{rows.dtype}"
        )
    if rows.dtype.kind == "b":
        _check_length(name, rows.size, n_rows)
        mask |= rows
        return mask
    if rows.min() < 0 or rows.max() >= n_rows:
        raise ValueError(
            f"{name} must be numbers of rows of X, from 0 to {n_rows - 1}; got {rows.min()} to "
            f"{rows.max()}"
        )
    mask[rows] = True
    if np.count_nonzero(mask) != rows.size:
        raise ValueError(f"{name} has a row more than once")
    return mask
