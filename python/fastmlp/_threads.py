"""How many threads a call may use."""

from functools import cache
from numbers import Integral

from fastmlp import _core


@cache
def _cores() -> int:
    """Cores that the process may use, container's quota included; looked up once."""
    import joblib  # not before many rows come: predictors load without

    return int(joblib.cpu_count())


def check_n_jobs(n_jobs: int | None) -> None:
    """Raise if that is not a number of threads."""
    if n_jobs == 0 or not isinstance(n_jobs, Integral | None):
        raise ValueError(
            "n_jobs must be a number of threads, -1 for all cores, or None for those that the "
            f"environment allows; got {n_jobs!r}"
        )


def n_threads(n_jobs: int | None) -> int:
    """Threads for ``n_jobs``.

    None: what the affinity mask, the container's quota, ``OMP_NUM_THREADS`` and threadpoolctl
    allow. Negative: counted from all cores, as in joblib (-1 is all of them). Anything else is
    refused.
    """
    check_n_jobs(n_jobs)
    if n_jobs is None:
        return min(_core.available_threads(), _cores())
    if n_jobs < 0:
        return max(1, _cores() + 1 + n_jobs)
    return min(n_jobs, 1024)
