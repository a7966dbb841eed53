"""Bar: a progress bar in terminals and notebooks, and occasional lines in logs."""

from __future__ import annotations

import sys
import time
from shutil import get_terminal_size
from typing import Any

from tqdm.asyncio import tqdm_asyncio
from tqdm.auto import tqdm

_SECONDS = 10.0  # between two lines of a log
_FIRST_SECONDS = 1.0  # before the first one
_COLUMNS = 80  # of terminals of unknown width


class Bar:
    """A progress bar on the standard error stream; without such a stream nothing is shown.

    Parameters
    ----------
    total : int
        Steps that are expected.
    unit : str
        What a step is.
    """

    def __init__(self, total: int, unit: str) -> None:
        self._total = total
        self._unit = unit
        self._done = 0
        self._shown = ""
        self._start = time.monotonic()
        self._last = self._start - _SECONDS + _FIRST_SECONDS
        self._stream = sys.stderr
        in_notebook = tqdm is not tqdm_asyncio
        # Services and pythonw have no such stream.
        overwrites = in_notebook or (self._stream is not None and self._stream.isatty())
        columns = None if get_terminal_size((0, 0)).columns else _COLUMNS
        self._bar: Any = tqdm(total=total, unit=unit, ncols=columns) if overwrites else None

    def expect(self, total: int, unit: str | None = None) -> None:
        """Expect another number of steps in all, perhaps in another unit."""
        self._total = total
        self._unit = unit or self._unit
        if self._bar is not None:
            self._bar.total, self._bar.unit = total, self._unit
            self._bar.refresh()

    def advance(self, shown: str = "", steps: int = 1) -> None:
        """Take so many steps, and show the text beside the bar."""
        self._done += steps
        self._shown = shown
        if self._bar is not None:
            self._bar.set_postfix_str(shown, refresh=False)
            self._bar.update(steps)
        elif time.monotonic() - self._last >= _SECONDS:
            self._write_line()

    @property
    def is_full(self) -> bool:
        """Whether all expected steps were taken."""
        return self._done >= self._total

    def close(self, shown: str = "") -> None:
        """Show the bar as full, with this text beside it, and end it."""
        self._shown = shown
        self._total = self._done
        if self._bar is None:
            self._write_line()
            return
        self._bar.total = self._done
        self._bar.set_postfix_str(self._shown, refresh=False)
        self._bar.close()

    def _write_line(self) -> None:
        self._last = time.monotonic()
        if self._stream is not None:
            line = tqdm_asyncio.format_meter(
                self._done,
                self._total,
                self._last - self._start,
                unit=self._unit,
                postfix=self._shown,
                bar_format="{percentage:3.0f}% {n_fmt}/{total_fmt} {unit}s "
                "[{elapsed}<{remaining}]{postfix}",
            )
            print(line, file=self._stream, flush=True)
