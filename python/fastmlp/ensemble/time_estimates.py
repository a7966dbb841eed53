"""How long the training of an ensemble takes, and how many networks a deadline leaves time for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from math import inf, sqrt
from statistics import median
from typing import Any

import numpy as np

from fastmlp import _core
from fastmlp.ensemble.training_run import TrainingRun

# A network is worth training if there is time for this share of its epochs, since the schedule is
# shortened to fit. Half the epochs raised the RMSE by 4% and the log-loss by 0.1%, one network in
# place of ten by 7% and 34% (docs/tabular.md). With far fewer epochs, networks learn too little.
LEAST_SHARE = 0.5
# Of large tables, whose networks are nearly alike: one of 16 epochs has an RMSE of 12.98 on
# nycflights13, two of 8 epochs have 13.22 together.
LEAST_SHARE_OF_LARGE = 0.8

VALIDATION_COST = 1 / 3  # of a row, relative to training: there is no backward pass

# A pilot's epochs have two minibatches, up to so many rows. The first epoch, in which memory is
# used for the first time, is not counted.
_PILOT_ROWS, _PILOT_EPOCHS = 4096, 8
_PILOT_WORK = 2e8  # rows times parameters: networks of millions of parameters get fewer rows
_PILOT_SECONDS, _PILOT_SHARE = 0.05, 0.02  # most time for all pilots, also as a share of the limit

# Two threads train a network of a large table 1.75 times as fast as one: a power of their number.
_SPEED_UP = 0.8

# Multiply-adds per second and thread that small networks reach at least; to tell without a pilot
# that a fit is short.
_SLOWEST_PACE = 2e9


def wall_seconds(seconds: Sequence[float], n_threads: int) -> float:
    """Return how long networks take side by side if each worker has a fixed share of them.

    So the time of a `time_limit` is shared.

    Parameters
    ----------
    seconds : sequence of float
        Estimated time of each network on one thread.
    """
    if not seconds:
        return 0.0
    workers = min(len(seconds), n_threads)
    # Threads that share a network wait for each other: n of them are not n times as fast. This errs
    # on the side of fewer networks.
    return max(sum(seconds[worker::workers]) for worker in range(workers)) / sqrt(
        n_threads // workers
    )


def handed_over_seconds(seconds: Sequence[float], n_threads: int) -> float:
    """Return how long networks take if threads without one join those that still run.

    Parameters
    ----------
    seconds : sequence of float
        Estimated time of each network on one thread, in the order in which they begin.
    """
    waiting, total = list(reversed(seconds)), 0.0
    running: list[float] = []  # seconds that are left of each
    while waiting or running:
        while waiting and len(running) < n_threads:
            running.append(waiting.pop())
        speed = (n_threads / len(running)) ** _SPEED_UP  # of each
        first = min(running)
        total += first / speed
        running = [left - first for left in running if left > first]
    return total


def least_share(run: TrainingRun) -> float:
    """Return the share of its epochs for which a network of this kind is worth training."""
    return LEAST_SHARE_OF_LARGE if _kind(run) == "large" else LEAST_SHARE


def n_within(
    seconds: Sequence[float], time_limit: float, n_threads: int, n_first: int, share: float
) -> int:
    """Choose how many networks to train: the first ones, as many as are worth it, at least one.

    Parameters
    ----------
    seconds : sequence of float
        Estimated time of each network on one thread.
    time_limit : float
        For all of them, side by side on `n_threads` threads.
    n_first : int
        Networks of the first round, which ends before another one begins.
    share : float
        Share of its epochs that there must be time for.
    """
    for n_networks in range(len(seconds), 1, -1):
        own = seconds[:n_networks]
        total = wall_seconds(own[:n_first], n_threads) + wall_seconds(own[n_first:], n_threads)
        if share * total <= time_limit:
            return n_networks
    return 1


def training_seconds(run: TrainingRun, seconds_per_row: float) -> float:
    """Estimate the time for all epochs of a network; an upper one, as patience may end it."""
    return seconds_per_row * _rows_of_epoch(run) * float(run.options["max_iter"])


def held_out_seconds(runs: Sequence[TrainingRun], paces: Sequence[float], n_threads: int) -> float:
    """Estimate the time to predict the validation rows of all networks once."""
    seconds = sum(
        VALIDATION_COST * pace * run.validation.n_rows
        for run, pace in zip(runs, paces, strict=True)
        if run.validation is not None
    )
    return seconds / n_threads


def is_long(runs: Sequence[TrainingRun], n_threads: int, seconds: float) -> bool:
    """Whether training may take so long at all, without measuring."""
    work = sum(
        3.0 * _rows_of_epoch(run) * run.options["max_iter"] * _n_parameters(run) for run in runs
    )
    return bool(work > seconds * n_threads * _SLOWEST_PACE)


def _n_parameters(run: TrainingRun) -> int:
    return sum(values.size for values in run.member.network.parameters)


def _rows_of_epoch(run: TrainingRun) -> float:
    """Rows of an epoch, those of validation counted by their cost."""
    validation = 0 if run.validation is None else run.validation.n_rows
    return run.n_rows + VALIDATION_COST * validation


def estimated_paces(
    runs: Sequence[TrainingRun],
    inputs: _core.Standardisation,
    time_limit: float,
    n_threads: int,
) -> list[float]:
    """Estimate each network's seconds per row and epoch on one thread, by pilots for each kind.

    They run side by side as training will, since cores share caches, memory and power. The networks
    and their optimisers are not changed.
    """
    first_of_kind: dict[str, TrainingRun] = {}
    for run in runs:
        first_of_kind.setdefault(_kind(run), run)
    workers = min(n_threads, len(runs))
    n_pilots = max(workers, len(first_of_kind))
    pilots = list(islice(cycle(first_of_kind.values()), n_pilots))
    most = min(_PILOT_SECONDS, _PILOT_SHARE * time_limit) / -(-n_pilots // workers)
    with ThreadPoolExecutor(workers) as pool:
        paces = list(pool.map(lambda run: _seconds_per_row(run, inputs, most), pilots))
    # Of pilots of the same kind the slowest one, which had others beside it all the time.
    slowest: dict[str, float] = {}
    for run, pace in zip(pilots, paces, strict=True):
        slowest[_kind(run)] = max(pace, slowest.get(_kind(run), 0.0))
    return [slowest[_kind(run)] for run in runs]


def _kind(run: TrainingRun) -> str:
    return run.member.recipe.spec.kind


def _seconds_per_row(run: TrainingRun, inputs: _core.Standardisation, most_seconds: float) -> float:
    """Train a copy of the member on a few of its rows; at least one epoch of them."""
    start = time.perf_counter()
    rows = run.train.rows
    rows = np.arange(run.train.n_rows, dtype=np.uint32) if rows is None else rows
    most = min(_PILOT_ROWS, 2 * int(run.options["batch_size"]))
    n_rows = int(np.clip(_PILOT_WORK / _n_parameters(run), 16, most))
    subset = run.train._replace(rows=rows[:: max(1, rows.size // n_rows)][:n_rows])
    pilot = run.member.copy()
    ends: list[float] = []  # of epochs

    def on_epoch(
        epoch: int, loss: float, validation_loss: float, rate: float, seconds: float, *_: Any
    ) -> tuple[bool, float | None]:
        ends.append(seconds)
        return time.perf_counter() - start >= most_seconds, None

    changes = {"time_limit": inf, "reports_outputs": False, "max_iter": _PILOT_EPOCHS}
    _core.train(
        pilot.network._engine,
        pilot.optimizer._engine,
        inputs,
        subset.for_engine(pilot.network.dtype),
        None,
        run.options | changes,
        _core.ThreadBudget(1, 1),
        on_epoch,
        None,
    )
    # One epoch may have been held up by other programs.
    return median(np.diff(ends) if len(ends) > 1 else ends) / subset.n_rows
