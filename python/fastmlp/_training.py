"""Training the networks of one fit: one after the other or several at a time, under one clock."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from math import inf
from threading import Event
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp import _core
from fastmlp._network import Network, Optimizer
from fastmlp._progress import EpochRecord, Metric, Progress
from fastmlp._recipe import Recipe
from fastmlp._rows import Rows


class Part(NamedTuple):
    """A table with its targets and weights, and which of its rows are meant (None: all)."""

    X: NDArray[Any]
    y: NDArray[Any]
    sample_weight: NDArray[Any] | None
    rows: Rows | None = None

    @property
    def n_rows(self) -> int:
        """Rows that are meant."""
        return self.X.shape[0] if self.rows is None else self.rows.size


@dataclass(frozen=True)
class History:
    """What the training of one network was like.

    Attributes
    ----------
    n_iter : int
        Epochs run.
    best_iteration : int or None
        Epoch (from 1) whose weights were kept; None where the last ones were.
    loss_curve, validation_curve, metric_curve, learning_rate_curve : list of float
        After every epoch; without a validation part or metric empty.
    stop_reason : str
        'max_iter', 'no_improvement', 'callback', 'time_limit', 'interrupted' or 'diverged'.
    seconds : float
        Time in training.
    """

    n_iter: int = 0
    best_iteration: int | None = None
    best_loss: float = inf
    loss_curve: list[float] = field(default_factory=list, repr=False)
    validation_curve: list[float] = field(default_factory=list, repr=False)
    metric_curve: list[float] = field(default_factory=list, repr=False)
    learning_rate_curve: list[float] = field(default_factory=list, repr=False)
    stop_reason: str = ""
    seconds: float = 0.0

    def extended(
        self, result: _core.TrainResult, metric_curve: list[float], seconds: float
    ) -> History:
        """The same with one more call of the engine."""
        best = result["best_epoch"]
        watched = result["watched_curve"] or result["validation_curve"]
        return History(
            n_iter=self.n_iter + result["n_iter"],
            best_iteration=self.n_iter + best if best else None,
            best_loss=min(watched if best else result["loss_curve"], default=inf),
            loss_curve=self.loss_curve + result["loss_curve"],
            validation_curve=self.validation_curve + result["validation_curve"],
            metric_curve=self.metric_curve + metric_curve,
            learning_rate_curve=self.learning_rate_curve + result["learning_rates"],
            stop_reason=result["reason"],
            seconds=self.seconds + seconds,
        )


@dataclass(eq=False)
class Member:
    """One network of an estimator, its optimiser and what its training was like."""

    network: Network
    optimizer: Optimizer
    recipe: Recipe
    optimizer_options: dict[str, Any]
    weight: float = 1.0  # in the mean over all networks, relative to the others'
    history: History = field(default_factory=History)
    samples_seen: int = 0  # over all epochs
    rate_share: float = 1.0  # of partial_fit's learning rate in the largest: less after `fit`

    def renew_optimizer(self) -> None:
        """Forget the optimiser's state."""
        self.optimizer = Optimizer(self.network, **self.optimizer_options)


@dataclass(eq=False)
class Job:
    """One call of the engine: a member, its rows, its options."""

    member: Member
    train: Part
    validation: Part | None
    options: dict[str, Any]
    metric: Metric | None = None
    number: int = 0
    ran: bool = False

    def run(
        self,
        inputs: _core.Standardisation,
        n_threads: int,
        progress: Progress,
        stops: Callable[[], bool] | None,
        time_limit: float = inf,
    ) -> None:
        """Train, and take down what it was like."""
        metric_curve: list[float] = []

        def on_epoch(
            epoch: int,
            loss: float,
            validation_loss: float,
            learning_rate: float,
            seconds: float,
            outputs: NDArray[np.float64] | None,
        ) -> tuple[bool, float | None]:
            shown, watched = np.nan, None
            if self.metric is not None and outputs is not None:
                shown, watched = self.metric(outputs)
                metric_curve.append(shown)
            record = EpochRecord(
                epoch, loss, validation_loss, learning_rate, shown, seconds, self.number
            )
            return progress.take(record), watched

        watches = self.metric is not None and self.validation is not None
        start = time.perf_counter()
        result = _core.train(
            self.member.network._engine,
            self.member.optimizer._engine,
            inputs,
            self.train,
            self.validation,
            self.options
            | {"n_threads": n_threads, "time_limit": time_limit, "reports_outputs": watches},
            on_epoch if progress.wanted or watches else None,
            stops,
        )
        self.ran = True
        self.member.samples_seen += self.train.n_rows * result["n_iter"]
        if np.isnan(metric_curve).any():
            warnings.warn(
                f"eval_metric was not a number after {np.isnan(metric_curve).sum()} of "
                f"{len(metric_curve)} epochs, which then count as without progress",
                RuntimeWarning,
                stacklevel=2,
            )
        seconds = time.perf_counter() - start
        self.member.history = self.member.history.extended(result, metric_curve, seconds)


def train_all(
    jobs: Sequence[Job],
    inputs: _core.Standardisation,
    n_threads: int,
    progress: Progress,
    time_limit: float = inf,
) -> None:
    """Run the jobs, as many at a time as there are threads; each has its share of the others.

    Threads that train one network each never wait for each other, so several networks at a time
    are faster than one after the other. Ctrl-C and exceptions in callbacks end all of them; jobs
    that have not begun then are left out (`ran`), but for the first.
    """
    end = time.perf_counter() + time_limit
    workers = min(n_threads, len(jobs))

    def share_of_time(place: int) -> float:
        rounds_left = -(-(len(jobs) - place) // workers)
        return max(end - time.perf_counter(), 0.0) / rounds_left

    if workers == 1:
        for place, job in enumerate(jobs):
            job.run(inputs, n_threads, progress, None, share_of_time(place))
            if job.member.history.stop_reason == "interrupted":
                return
        return

    # No job begins before all are submitted: Ctrl-C on the way would lose sight of one at work.
    gate, stop = Event(), Event()
    begun = False

    def work(place: int) -> None:
        gate.wait()
        if begun and (place == 0 or not stop.is_set()):
            job = jobs[place]
            job.run(inputs, n_threads // workers, progress, stop.is_set, share_of_time(place))
            if job.member.history.stop_reason == "interrupted":  # by a callback
                stop.set()

    with ThreadPoolExecutor(workers) as pool:
        try:
            futures = [pool.submit(work, place) for place in range(len(jobs))]
            begun = True
            gate.set()
            _wait_for(futures)
        except KeyboardInterrupt:
            if not begun:
                raise
            stop.set()
            gate.set()
            wait(futures)
        finally:
            stop.set()
            gate.set()
    for future in futures:
        future.result()


def _wait_for(futures: Sequence[Future[None]]) -> None:
    """Wait for all, or for the first that fails.

    Now and then Python is let in: a signal that another thread took does not end the waiting.
    """
    while True:
        done, running = wait(futures, timeout=0.05, return_when=FIRST_EXCEPTION)
        if not running or any(future.exception() for future in done):
            return
