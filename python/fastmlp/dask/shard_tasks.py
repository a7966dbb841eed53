"""What workers do with a shard: the rows of several partitions, on which networks are trained."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp.dask.network_task import is_ending
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import RowSubset
from fastmlp.estimators.checked_arguments import encoded_rows
from fastmlp.rounds.messages import RoundStart, Update
from fastmlp.rounds.participant import Participant
from fastmlp.rounds.plan import Plan
from fastmlp.streaming.sources.blocks import Block
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.rows import Rows
from fastmlp.tasks import Task

_log = logging.getLogger("distributed.worker.fastmlp")

# Of each fit and shard on this worker: the networks, with their optimisers, and the table's rows.
_participants: dict[tuple[str, int], list[Participant]] = {}


class Encoding(NamedTuple):
    """How rows are encoded."""

    encoder: DenseEncoder
    task: Task
    settings: Settings
    estimator: str


@dataclass(frozen=True)
class Shard:
    """Which rows a task is about.

    Attributes
    ----------
    fit : str
        Names the call of `fit`.
    number : int
    seed : int
        Seed with which the sample is drawn.
    n_sample : int
        Rows of the sample.
    """

    fit: str
    number: int
    seed: int
    n_sample: int

    def sampled(self, n_rows: int) -> Rows:
        """The rows of the sample, the same ones in each call."""
        if n_rows <= self.n_sample:
            return np.arange(n_rows, dtype=np.uint32)
        generator = np.random.default_rng((self.seed, self.number))
        rows = generator.choice(n_rows, self.n_sample, replace=False, shuffle=False)
        return np.sort(rows).astype(np.uint32)


def encode_block(block: Block, encoding: Encoding) -> RowSubset | None:
    """Encode a partition; None if it has no rows."""
    assert block.y is not None
    if not len(block.y):
        return None
    try:
        return encoded_rows(
            block.X,
            block.y,
            block.weight,
            encoding.encoder,
            encoding.task,
            np.dtype(encoding.settings.dtype),
            encoding.estimator,
        )
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{block.where}: {error}") from error


def joined(parts: Sequence[RowSubset | None], n_rows: int | None = None) -> RowSubset:
    """The rows of several partitions as one table.

    Raises
    ------
    ValueError
        If there are not `n_rows`, where that is known.
    """
    known = [part for part in parts if part is not None]
    found = sum(part.n_rows for part in known)
    if n_rows not in (None, found):
        raise ValueError(
            f"partitions of X had {n_rows} rows when they were first computed, and now have "
            f"{found}: their source has changed, or they are random. client.persist(X) computes "
            "them once"
        )
    weights: Any = [part.sample_weight for part in known]
    return RowSubset(
        np.concatenate([part.X for part in known]),
        np.concatenate([part.y for part in known]),
        None if weights[0] is None else np.concatenate(weights),
    )


def sample_of(data: RowSubset, shard: Shard) -> RowSubset:
    """Some rows, for the client."""
    rows = shard.sampled(data.n_rows)
    weights = None if data.sample_weight is None else data.sample_weight[rows]
    return RowSubset(data.X[rows], data.y[rows], weights)


def held_out_of(data: RowSubset, shard: Shard, plan: Plan) -> NDArray[np.bool_] | None:
    """Which rows of the sample each network holds out, (n_rows, n_networks); None: none are."""
    participants, splits = plan.participants(data, shard.number)
    _participants[shard.fit, shard.number] = participants
    held_out = np.zeros((data.n_rows, len(splits)), dtype=bool)
    for network, split in enumerate(splits):
        if split.validation is None:
            return None
        held_out[split.validation.rows, network] = True
    return held_out[shard.sampled(data.n_rows)]


def train_round(
    data: RowSubset, shard: Shard, plan: Plan, starts: Sequence[RoundStart], n_threads: int
) -> list[Update]:
    """Do a round of all networks, as many at a time as there are threads.

    A worker that had not had this shard before begins with new optimisers.
    """
    key = (shard.fit, shard.number)
    if key not in _participants:
        _participants[key], _ = plan.participants(data, shard.number)
    participants = _participants[key]
    own_threads = max(1, n_threads // len(starts))
    began = time.perf_counter()

    def answer(start: RoundStart) -> Update:
        return participants[start.network].answer(start, own_threads, lambda: is_ending(shard.fit))

    try:
        with ThreadPoolExecutor(min(n_threads, len(starts))) as pool:
            updates = list(pool.map(answer, starts))
    except KeyboardInterrupt:  # the client asked for it
        return []
    _log.info(
        "fit %s, shard %d: round %d of %d networks on %d rows in %.1f s",
        shard.fit,
        shard.number,
        starts[0].number + 1,
        len(starts),
        data.n_rows,
        time.perf_counter() - began,
    )
    return updates


def forget(fit: str, number: int | None = None) -> None:
    """Free what a worker keeps of a shard, or of all shards of a fit."""
    for key in [key for key in _participants if key[0] == fit and number in (None, key[1])]:
        del _participants[key]
