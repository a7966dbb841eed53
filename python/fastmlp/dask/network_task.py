"""The training of one network as a task of a Dask worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from distributed import Worker, get_worker

from fastmlp import _core
from fastmlp.ensemble.evaluation import Evaluation
from fastmlp.ensemble.member import Member
from fastmlp.ensemble.progress import EpochRecord
from fastmlp.ensemble.splits import RowSubset
from fastmlp.ensemble.training_run import TrainingRun
from fastmlp.table.rows import Rows
from fastmlp.table.scaling import Scaling

# Below the worker's own logger, so that its page of the dashboard shows these lines too.
_log = logging.getLogger("distributed.worker.fastmlp")

_SECONDS_BETWEEN_REPORTS = 0.1  # epochs of small tables take less than a message

# Networks that are to end, of all fits on this worker; by the fit alone: all of its networks.
_ending: set[tuple[str, int | None]] = set()


class PlacedRows(NamedTuple):
    """A RowSubset whose tables are elsewhere: their positions among those that a task gets."""

    X: int | None
    y: int | None
    sample_weight: int | None
    rows: Rows | None
    offset: int | None

    def among(self, tables: Sequence[Any]) -> RowSubset:
        """The RowSubset itself."""

        def table(position: int | None) -> Any:
            return None if position is None else tables[position]

        return RowSubset(
            table(self.X),
            table(self.y),
            table(self.sample_weight),
            self.rows,
            table(self.offset),
        )


@dataclass(frozen=True)
class NetworkTask:
    """What is needed to train one network, except for the tables.

    Attributes
    ----------
    fit : str
        Names the call of `fit`.
    member, train, validation, others, n_rows, options, evaluation, index
        Of the TrainingRun.
    scaling : Scaling
    threads : int
        To train on.
    time_limit : float
        Seconds.
    reports : bool
        Whether records of the epochs are wanted.
    """

    fit: str
    member: Member
    train: PlacedRows
    validation: PlacedRows | None
    others: Sequence[PlacedRows]
    n_rows: int
    options: dict[str, Any]
    evaluation: Evaluation
    index: int
    scaling: Scaling
    threads: int
    time_limit: float
    reports: bool


class Trained(NamedTuple):
    """What a TrainingRun records, and the records of its last epochs, which were not sent."""

    member: Member
    n_steps: int
    measured: list[list[float]]
    records: list[EpochRecord]


class _Reports:
    """Sends records to the client, a few times a second, as events that the dashboard shows too."""

    def __init__(self, task: NetworkTask, worker: Worker) -> None:
        self.is_wanted = task.reports
        self.unsent: list[EpochRecord] = []
        self._task, self._worker = task, worker
        self._sent = time.monotonic()

    def skip(self, n_epochs: int) -> None:
        """There are none: tasks begin with the first epoch."""

    def record(self, record: EpochRecord) -> bool:
        """Take a record; true if the client has asked to end this network."""
        self.unsent.append(record)
        if time.monotonic() - self._sent > _SECONDS_BETWEEN_REPORTS:
            records = [asdict(record) for record in self.unsent]
            self._worker.log_event(topic_of(self._task.fit), {"records": records})
            self.unsent, self._sent = [], time.monotonic()
        return is_ending(self._task.fit, self._task.index)

    def ended(self, reason: str) -> None:
        """The client sees that by itself."""


def train_network(task: NetworkTask, tables: Sequence[Any]) -> Trained | None:
    """Train a network; None if the order to end came before it began.

    The task's own member is not changed, so a task may be run again.
    """
    if is_ending(task.fit):
        return None
    run = TrainingRun(
        task.member.copy(),
        task.train.among(tables),
        task.validation and task.validation.among(tables),
        task.options,
        task.evaluation,
        task.index,
        task.n_rows,
        [rows.among(tables) for rows in task.others],
    )
    kind = run.member.recipe.spec.kind
    name = f"fit {task.fit}, network {task.index} ({kind})"
    _log.info("%s: %d rows, threads: %d", name, run.train.n_rows, task.threads)
    reports = _Reports(task, get_worker())
    run.run(
        task.scaling.engine,
        _core.ThreadBudget(task.threads, 1),
        reports,
        lambda: is_ending(task.fit),
        task.time_limit,
    )
    history = run.latest.history
    _log.info(
        "%s: ended by %s after %d epochs in %.1f s",
        name,
        history.stop_reason,
        history.n_iter,
        history.seconds,
    )
    return Trained(run.latest, run.n_steps, run.measured, reports.unsent)


def topic_of(fit: str) -> str:
    """The topic of the events that hold records of a fit's epochs."""
    return f"fastmlp-{fit}"


def end_network(fit: str, index: int | None) -> None:
    """End a network of a fit on this worker after its epoch; None: all, at once."""
    _ending.add((fit, index))


def is_ending(fit: str, index: int | None = None) -> bool:
    """Whether a network is to end; None: the whole fit."""
    return (fit, index) in _ending
