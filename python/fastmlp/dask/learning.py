"""Statistics of a table that encoding needs: learnt from each partition, and then merged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, NamedTuple, cast

import dask
from dask.delayed import Delayed
from distributed import Client
from numpy.typing import NDArray

from fastmlp.dask.clients import computed
from fastmlp.streaming.block_columns import ColumnsReader, Contradiction
from fastmlp.streaming.columns import ColumnsLearner
from fastmlp.streaming.counted_labels import CountedLabels
from fastmlp.streaming.readings import Reading, labels_of, reading_of, readings_of
from fastmlp.streaming.sources.blocks import Block
from fastmlp.streaming.target_learners import LearntTargets, TargetLearner
from fastmlp.table.encoder import DenseEncoder, positions_of
from fastmlp.table.feature_names import feature_names_of
from fastmlp.table.reading import RawTable, read_table
from fastmlp.table.training_range import TrainingRange

_HEAD_ROWS = 2**15  # whose values say how columns are read


class LearntTable(NamedTuple):
    """What is learnt of all partitions."""

    encoder: DenseEncoder
    training_range: TrainingRange
    targets: LearntTargets
    n_rows: list[int]  # of each partition; 0: none, or none that counts


class _Learners(NamedTuple):
    """Learners of a partition, empty."""

    reader: ColumnsReader
    columns: ColumnsLearner
    targets: TargetLearner
    is_strict: bool


class _Part(NamedTuple):
    """What was learnt from a partition, or the values of a column that contradict."""

    columns: ColumnsLearner
    targets: TargetLearner
    n_rows: int


class _Other(NamedTuple):
    """Values of a column that cannot be read as those of the first rows."""

    position: int
    labels: CountedLabels


def learn_table(
    client: Client,
    partitions: Sequence[Delayed],
    categorical_features: Any,
    new_targets: Callable[[NDArray[Any]], TargetLearner],
) -> LearntTable:
    """Learn the columns and the targets of all partitions.

    Workers read each partition, once, or once more if its values contradict the first rows. They
    return sketches: counts of labels, ranges, numbers of missing values.

    Parameters
    ----------
    client : Client
    partitions : sequence of Delayed
        Each computes a `Block`.
    categorical_features : "from_dtype" or array-like
        As the estimators' parameter.
    new_targets : callable
        Makes a `TargetLearner` of the targets of the first rows.
    """
    head = _head(client, partitions)
    table = read_table(head.X, "X")
    names = feature_names_of(head.X)
    listed = frozenset(positions_of(categorical_features, names, table.n_columns))
    known: dict[int, Reading] = {}
    is_strict = True
    while True:
        reader = ColumnsReader(readings_of([table], listed, known), [table])
        settled = {p for p, reading in known.items() if reading == "labels"}
        columns = ColumnsLearner(reader, table, names, listed, settled)
        learners = _Learners(reader, columns, new_targets(head.y), is_strict)
        placed = dask.delayed(learners, traverse=False)
        parts = computed(client, [dask.delayed(_learn)(one, placed) for one in partitions])
        other = next((part for part in parts if isinstance(part, _Other)), None)
        if other is None:
            try:
                return _merged(learners, parts)
            except Contradiction as found:
                other = _Other(found.position, found.labels)
        reading = _reading_with(other, table, reader)
        if reading != reader.readings[other.position]:
            known[other.position] = reading
        elif is_strict:  # most values are as before; the others count as missing
            is_strict = False
        else:
            known[other.position] = "labels"


def _head(client: Client, partitions: Sequence[Delayed]) -> Block:
    """The first rows: of the first partition that has any."""
    for partition in partitions:
        (head,) = computed(client, [dask.delayed(_first_rows)(partition)])
        if head.y is not None and len(head.y):
            return cast(Block, head)
    raise ValueError("X has no rows")


def _first_rows(block: Block) -> Block:
    X = block.X.iloc[:_HEAD_ROWS] if hasattr(block.X, "iloc") else block.X[:_HEAD_ROWS]
    assert block.y is not None
    return block._replace(X=X, y=block.y[:_HEAD_ROWS], weight=None)


def _learn(block: Block, learners: _Learners) -> _Part | _Other | None:
    """Learn from a partition, on a worker; None if it has no rows."""
    assert block.y is not None
    if not len(block.y):
        return None
    reader, columns, targets, is_strict = learners
    columns, targets = deepcopy((columns, targets))
    try:
        counted = None if block.weight is None else block.weight > 0
        read = reader.read(read_table(block.X, f"X ({block.where})"), counted, strict=is_strict)
        targets.learn(block.y, block.weight)
    except Contradiction as found:
        return _Other(found.position, found.labels)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{block.where}: {error}") from error
    n_rows = len(block.y)
    columns.learn(read, n_rows if counted is None else int(counted.sum()), asks=False)
    # Rows that all have the weight 0 are not trained on.
    counts = block.weight is None or bool(block.weight.any())
    return _Part(columns, targets, n_rows if counts else 0)


def _merged(learners: _Learners, parts: Sequence[_Part | None]) -> LearntTable:
    columns, targets = learners.columns, learners.targets
    for part in parts:
        if part is not None:
            columns.merge(part.columns)
            targets.merge(part.targets)
    n_rows = [0 if part is None else part.n_rows for part in parts]
    if not any(n_rows):
        raise ValueError("sample_weight must have at least one positive weight")
    encoder, _, training_range = columns.finish()
    return LearntTable(encoder, training_range, targets.finish(), n_rows)


def _reading_with(other: _Other, head: RawTable, reader: ColumnsReader) -> Reading:
    """How a column is read, given its first values and those that contradict them."""
    labels = other.labels
    if reader.readings[other.position] != "labels":  # else they are all the values
        labels = labels_of([head.column(other.position)]).with_labels_of(labels)
    return reading_of(labels)
