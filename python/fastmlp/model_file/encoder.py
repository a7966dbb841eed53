"""Encoders of tables in a model file: columns, their categories, and what reads them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.model_file.draft import Draft, NotStorable
from fastmlp.model_file.fields import (
    Fields,
    Kind,
    WrongKind,
    flag,
    integer,
    list_of,
    maybe,
    one_of,
    plain_fields,
    text,
    tuple_of,
)
from fastmlp.model_file.tensors import Tensors
from fastmlp.model_file.values import Values, written_value
from fastmlp.table.column import Column, Reader
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.sparse_encoder import Encoder, SparseEncoder

_COLUMN: dict[str, Kind[Any]] = {
    "name": text,
    "kind": one_of(("numeric", "binary", "category", "constant")),
    "missing": flag,
    "rare": integer(),
}
_SPARSE: dict[str, Kind[Any]] = {
    "n_columns": integer(1),
    "n_numeric": integer(1),
    "dtype": one_of(("float32", "float64")),
}


@cache
def _readers() -> dict[str, tuple[type[Any], dict[str, Kind[Any]]]]:
    """Readers of columns as numbers: class and fields."""
    # Not with the module: most columns need none, and these take 4 ms to import.
    from fastmlp.table.date_text import WRITTEN
    from fastmlp.table.dates import PERIODS, Dates
    from fastmlp.table.durations import Durations
    from fastmlp.table.number_text import SEPARATORS, NumberText

    def separators(value: Any) -> tuple[str, ...]:
        found = tuple_of(text, 2)(value)
        if found not in SEPARATORS:
            raise WrongKind(f"one of {SEPARATORS}")
        return found

    return {
        "dates": (Dates, {"order": one_of(WRITTEN), "periods": tuple_of(one_of(PERIODS))}),
        "durations": (Durations, {}),
        "number_text": (NumberText, {"separators": separators, "prefix": text, "unit": text}),
    }


def written_encoder(encoder: Encoder, draft: Draft) -> dict[str, Any]:
    """The encoder as an object."""
    names = encoder.feature_names
    own: dict[str, Any] = {"names": None if names is None else list(map(str, names))}
    if isinstance(encoder, SparseEncoder):
        for name, array in (("position", encoder.position), ("scale", encoder.scale)):
            if array is not None:
                draft.add(f"encoder.{name}", array)
        sizes = {"n_columns": encoder.n_columns, "n_numeric": encoder.n_numeric}
        return {"kind": "sparse", **own, **sizes, "dtype": encoder.dtype.name}
    learnt = encoder.learnt
    return {
        "kind": "table",
        **own,
        "n_columns": encoder.n_columns,
        "columns": None if learnt is None else [_written_column(one, draft) for one in learnt],
        "listed": sorted(encoder.listed),
    }


def _written_column(column: Column, draft: Draft) -> dict[str, Any]:
    try:
        categories = [written_value(label, draft) for label in column.categories]
    except NotStorable as error:
        raise NotStorable(
            f"{error}, a category of column {column.name!r}: convert the column to text"
        ) from None
    own = {**plain_fields(column, _COLUMN), "categories": categories, "reader": None}
    for name, (kind, fields) in _readers().items():
        if type(column.reader) is kind:
            own["reader"] = {"kind": name, **plain_fields(column.reader, fields)}
    return own


def read_encoder(fields: Fields, tensors: Tensors, values: Values) -> Encoder:
    """The encoder of a file."""
    names = _read_names(fields)
    if fields.get("kind", one_of(("table", "sparse"))) == "sparse":
        return _read_sparse(fields, tensors, names)
    n_columns = fields.get("n_columns", integer(1))
    if names is not None and names.size != n_columns:
        raise fields.error(f"has {names.size} names for {n_columns} columns")
    listed = frozenset(fields.get("listed", list_of(integer(0, n_columns - 1))))
    if not fields.has("columns"):
        return DenseEncoder(names, n_columns, n_columns, listed=listed)
    columns = tuple(_read_column(one, values) for one in fields.objects("columns", title="name"))
    if len(columns) != n_columns:
        raise fields.error(f"describes {len(columns)} of {n_columns} columns")
    return DenseEncoder.of_columns(names, columns, listed)


def _read_names(fields: Fields) -> NDArray[Any] | None:
    names = fields.get("names", maybe(list_of(text)))
    return None if names is None else np.array(names, dtype=object)


def _read_column(fields: Fields, values: Values) -> Column:
    own = fields.get_all(_COLUMN)
    categories = fields.get("categories", values.labels)
    kind, n = own["kind"], len(categories)
    fits = {"binary": n == 2, "category": n > 0}.get(kind, n == 0)
    if not fits or len({*categories}) < n:
        raise fields.error(f"is of kind {kind!r} and must not have these {n} categories")
    return Column(**own, categories=tuple(categories), reader=_read_reader(fields, kind))


def _read_reader(fields: Fields, kind: str) -> Reader | None:
    if not fields.has("reader"):
        return None
    if kind != "numeric":
        raise fields.error(f"is of kind {kind!r}, which has no reader")
    own = fields.object("reader")
    reader, kinds = _readers()[own.get("kind", one_of(_readers()))]
    made: Reader = reader(**own.get_all(kinds))
    return made


def _read_sparse(fields: Fields, tensors: Tensors, names: NDArray[Any] | None) -> SparseEncoder:
    own = fields.get_all(_SPARSE)
    n_columns, n_numeric = own["n_columns"], own["n_numeric"]
    if names is not None and names.size != n_columns:
        raise fields.error(f"has {names.size} names for {n_columns} columns")
    position = scale = None
    if "encoder.position" in tensors:
        position = tensors.take("encoder.position", "int32", (n_columns,))
        kept = position[position != -1]
        if not np.array_equal(kept, np.arange(n_numeric)):
            raise fields.error("must keep its columns in their order")
    elif n_columns != n_numeric:
        raise fields.error(f"keeps {n_numeric} of {n_columns} columns, but says not which")
    if "encoder.scale" in tensors:
        scale = tensors.any("encoder.scale", (n_numeric,))
        if scale.dtype not in (np.float32, np.float64) or not (
            np.isfinite(scale).all() and (scale > 0).all()
        ):
            raise fields.error("must scale its columns by positive numbers")
    return SparseEncoder(names, n_columns, n_numeric, position, scale, np.dtype(own["dtype"]))
