"""ONE_BLAS_THREAD: limits BLAS to one thread inside a `with` block."""

from __future__ import annotations

from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController


@cache
def _blas() -> ThreadpoolController:
    """The BLAS libraries of NumPy and SciPy; finding them takes milliseconds."""
    return ThreadpoolController().select(user_api="blas")


class _OneBlasThread:
    """BLAS on one thread while any thread of the program is inside."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._limits = _blas().limit(limits=1)
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limits.restore_original_limits()


ONE_BLAS_THREAD = _OneBlasThread()
