"""Ctrl-C during work that ends early by itself and keeps what it has."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def raising_late() -> Iterator[None]:
    """Raise KeyboardInterrupt at the end, if Ctrl-C came and the block ran to its end.

    `fit` keeps the networks that Ctrl-C leaves; a command writes nothing then.
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
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if came:
        raise KeyboardInterrupt
