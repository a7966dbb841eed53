"""Deadline: the time that a call of `fit` may take."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from math import inf


@dataclass(frozen=True)
class Deadline:
    """When a call must have ended.

    Attributes
    ----------
    seconds : float
        For the whole call; infinite if there is no limit.
    end : float
        On the clock of `time.perf_counter`.
    """

    seconds: float = inf
    end: float = inf

    @classmethod
    def after(cls, seconds: float | None) -> Deadline:
        """A deadline in this many seconds; None: never."""
        return cls() if seconds is None else cls(seconds, time.perf_counter() + seconds)

    def after_spending(self, seconds: float) -> Deadline:
        """The deadline of a call that continues one which has taken so many seconds."""
        return replace(self, end=self.end - seconds)

    def after_share(self, share: float) -> Deadline:
        """A deadline after this share of the remaining time."""
        return replace(self, end=time.perf_counter() + share * self.left)

    @property
    def is_set(self) -> bool:
        """Whether there is a limit."""
        return self.end < inf

    @property
    def left(self) -> float:
        """Seconds that are left, at least 0."""
        return max(self.end - time.perf_counter(), 0.0)
