"""CheckpointedFit: a running fit whose state is saved to a file."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp.checkpoints import file
from fastmlp.checkpoints.checkpoint import Checkpoint
from fastmlp.checkpoints.identity import FitIdentity
from fastmlp.ensemble.splits import AssignmentSeed
from fastmlp.ensemble.state_keeper import State
from fastmlp.model_file.atomic import remove_leftovers

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_log = logging.getLogger("fastmlp")


@dataclass(eq=False)
class CheckpointedFit:
    """Keeps the states of a fit, and writes them to the file of its checkpoint.

    It is a `StateKeeper`. In its `with` block one thread writes the file, so that training never
    waits for a disk. After the block the file is there, until `remove`.

    Attributes
    ----------
    checkpoint : Checkpoint
    identity : FitIdentity
    saved : dict
        States that the fit resumes from.
    seed : int, RandomState or None
        Random numbers that the fit began with; `assignment` sets it if it `begins`.
    begins : bool
        Whether there was no file to resume from.
    seconds_before : float
        Time spent on it before this call.
    """

    checkpoint: Checkpoint
    identity: FitIdentity
    saved: Mapping[str, State] = field(default_factory=dict)
    seed: Any = None
    begins: bool = True
    seconds_before: float = 0.0

    def __post_init__(self) -> None:
        self._start = time.perf_counter()
        self._states = dict(self.saved)
        self._asked: dict[str, tuple[float, float]] = {}  # epoch and time when each was last due
        self._changed = Condition()
        self._is_dirty = self._is_closed = False
        self._thread = Thread(target=self._write_changes, name="fastmlp-checkpoint", daemon=True)

    @classmethod
    def of(
        cls, given: str | os.PathLike[str] | Checkpoint, identity: FitIdentity
    ) -> CheckpointedFit:
        """Take up the fit that a checkpoint holds, or begin one if there is none.

        Raises
        ------
        ValueError
            If the checkpoint is of another fit.
        ModelFileError
            If the file is not a checkpoint, or damaged.
        """
        checkpoint = given if isinstance(given, Checkpoint) else Checkpoint(given)
        path = os.fspath(checkpoint.path)
        try:
            found = file.read(path)
        except FileNotFoundError:
            return cls(checkpoint, identity)
        differences = identity.differences(found.identity)
        if differences:
            raise ValueError(
                f"the checkpoint {path!r} is of another fit, and is not overwritten. The fits "
                f"differ in {', '.join(differences)}. Pass another path, or delete the file to "
                "train from the start"
            )
        return cls(checkpoint, identity, found.states, found.seed, False, found.seconds)

    def assignment(
        self, n_networks: int, random_state: Any
    ) -> tuple[AssignmentSeed, np.random.RandomState]:
        """Assign rows to networks with the random numbers that the fit began with."""
        if self.begins:
            assignment, generator = AssignmentSeed.new(n_networks, random_state)
            self.seed = assignment.seed
            return assignment, generator
        assignment = AssignmentSeed(n_networks, self.seed)
        return assignment, assignment.generator()

    def __enter__(self) -> Self:
        """Begin to store states. A file that cannot be written is an error now, not after hours.

        Raises
        ------
        OSError
        """
        remove_leftovers(self.checkpoint.path)
        self._write()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()
        if kind is not None and not self._states:  # an empty file would be in the way
            self.remove()

    def is_due(self, name: str, epoch: float) -> bool:
        """Whether to keep a state now; see `StateKeeper`."""
        now = time.perf_counter()
        last_epoch, last_time = self._asked.setdefault(name, (epoch - 1, self._start))
        every = self.checkpoint.epochs
        is_due = now - last_time >= 60 * self.checkpoint.minutes or (
            every is not None and epoch - last_epoch >= every
        )
        if is_due:
            self._asked[name] = epoch, now
        return is_due

    def keep(self, states: Mapping[str, State]) -> None:
        """Keep states; see `StateKeeper`."""
        with self._changed:
            self._states |= states
            self._is_dirty = True
            self._changed.notify()

    def remove(self) -> None:
        """Remove the file: the fit has ended."""
        with suppress(OSError):
            os.unlink(os.path.realpath(self.checkpoint.path))  # a link stays, as when it is written

    def _write_changes(self) -> None:
        """Write what changes until the end; what fails is tried again with the next change."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_dirty or self._is_closed)
                if not self._is_dirty:
                    return
                self._is_dirty = False
            try:
                self._write()
            except (OSError, MemoryError) as error:  # a file is made in memory first
                _log.warning(
                    "the checkpoint %r could not be written and is unchanged; the fit continues: "
                    "%s",
                    os.fspath(self.checkpoint.path),
                    str(error) or "not enough memory",
                )

    def _write(self) -> None:
        with self._changed:
            states = dict(self._states)
        seconds = self.seconds_before + time.perf_counter() - self._start
        file.write(self.checkpoint.path, file.Contents(self.identity, self.seed, seconds, states))
