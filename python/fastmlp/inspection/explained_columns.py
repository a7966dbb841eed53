"""Columns of a raw table, which explanations are about."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any

from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.text import quoted


def dense_encoder(model: FittedModel) -> DenseEncoder:
    """The model's encoder; an error if it is one of sparse rows."""
    if not isinstance(model.encoder, DenseEncoder):
        raise ValueError(
            "X must be dense: a model of sparse rows has too many columns to explain each. Fit one "
            "on fewer columns, such as those of TruncatedSVD"
        )
    return model.encoder


def column_positions(encoder: DenseEncoder, columns: Iterable[Any], parameter: str) -> list[int]:
    """Positions of columns that are given by name or position.

    Parameters
    ----------
    encoder : DenseEncoder
        Encoder of the training table.
    columns : iterable of str or int
    parameter : str
        What messages call `columns`.
    """
    names = None if encoder.feature_names is None else encoder.feature_names.tolist()
    positions = []
    for column in columns:
        if names is not None and column in names:
            positions.append(names.index(column))
        elif isinstance(column, Integral) and 0 <= int(column) < encoder.n_columns:
            positions.append(int(column))
        else:
            raise ValueError(
                f"{parameter} must hold names of columns or positions from 0 to "
                f"{encoder.n_columns - 1}; got {quoted(column)}"
            )
    if len(set(positions)) < len(positions):
        raise ValueError(f"{parameter} must hold each column once; got {quoted(list(columns))}")
    return positions
