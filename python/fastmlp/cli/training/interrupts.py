"""Ctrl-C during work that ends early by itself and keeps what it has."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def raising_late() -> Iterator[None]:
    """Raise KeyboardInterrupt at the end, if Ctrl-C came and the block ran to its end.

    `fit` keeps the networks that Ctrl-C leaves, and a warning says so. A command writes nothing
    then, and the warning is not shown.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # it is ignored, or taken
        yield
        return
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"(Training i|I)nterrupted by user", UserWarning)
            yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if came:
        raise KeyboardInterrupt
