"""Sites: owners of rows, and what they send."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any, Protocol, runtime_checkable

import numpy as np

from fastmlp._threads import n_threads
from fastmlp.ensemble.splits import RowSubset
from fastmlp.estimators.checked_arguments import (
    check_given_targets,
    checked_targets,
    encoded_rows,
)
from fastmlp.federated.sketch import TableSketch
from fastmlp.rounds.messages import RoundStart, Update
from fastmlp.rounds.participant import Participant
from fastmlp.rounds.plan import Plan
from fastmlp.table.encoder import DenseEncoder


@runtime_checkable
class Site(Protocol):
    """Interface to the rows of a site: three methods, whose results are all that leaves it.

    `LocalSite` implements it for rows in memory. For rows on another machine, pass an object whose
    methods forward to a `LocalSite` there, over a transport of your choice: arguments and results
    can be pickled. Unpickle only what comes over a connection that is authenticated on both sides,
    because a pickle can run any code.

    A method that raises EOFError or OSError, such as ConnectionError and TimeoutError, says that
    the site cannot be reached: `train` may do so in any round, and the site is then left out of it.
    Other exceptions end the fit.

    Methods are called from a thread of their own for each site, never two at a time.
    """

    def sketch(self, categorical_features: Any, *, classifies: bool) -> TableSketch:
        """Return the statistics of the columns that all sites need to encode and scale rows alike.
        Not called if `fit` gets a `schema`.
        """

    def prepare(self, plan: Plan, number: int) -> None:
        """Encode the rows and make networks to train; `number` is the site's, from 0."""

    def train(self, starts: Sequence[RoundStart]) -> list[Update]:
        """Do a round of each network that is asked for."""


class LocalSite:
    """A site whose rows are in the memory of this process.

    Parameters
    ----------
    X : array-like or frame of shape (n_samples, n_features)
        A raw table, as for `fastmlp.Regressor.fit`; not sparse.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : array-like of shape (n_samples,), default=None
    n_jobs : int or None, default=None
        Threads, as the parameter of estimators.

    Raises
    ------
    ValueError, TypeError
        If `n_jobs` is not what it should be.

    Examples
    --------
    To see what a site would send about its columns:

    >>> import numpy as np
    >>> from fastmlp import federated
    >>> site = federated.LocalSite(np.arange(200.0).reshape(100, 2), np.arange(100.0))
    >>> sketch = site.sketch("from_dtype", classifies=False)
    >>> sketch.n_rows, len(sketch.columns)
    (100, 2)
    >>> sketch.columns[0].numbers[0].values[:3].tolist()
    [0.0, 6.0, 12.0]
    """

    def __init__(
        self, X: Any, y: Any, sample_weight: Any = None, *, n_jobs: int | None = None
    ) -> None:
        self._X = X
        self._y = y
        self._sample_weight = sample_weight
        self._n_threads = n_threads(n_jobs)
        self._participants: list[Participant] = []
        self._stop = Event()

    def sketch(self, categorical_features: Any, *, classifies: bool) -> TableSketch:
        """Sketch columns and target.

        Raises
        ------
        ValueError, TypeError
            If X, y or `categorical_features` are not what they should be.
        """
        check_given_targets(self._y, "y")
        encoder, encoded = DenseEncoder.learn(self._X, categorical_features)
        y = checked_targets(self._y, encoded, 1, self)
        return TableSketch.of(self._X, encoder, encoded, y, classifies=classifies)

    def prepare(self, plan: Plan, number: int) -> None:
        """Encode the rows, hold some out, and make a participant of each network.

        Raises
        ------
        ValueError, TypeError
            If X or y does not fit the plan.
        """
        self._participants, _ = plan.participants(self._encoded(plan), number)
        self._stop.clear()

    def train(self, starts: Sequence[RoundStart]) -> list[Update]:
        """Do a round of each network that is asked for.

        Raises
        ------
        RuntimeError
            Before `prepare`.
        """
        if not self._participants:
            raise RuntimeError("prepare must be called before train")
        return [
            self._participants[start.network].answer(start, self._n_threads, self._stop.is_set)
            for start in starts
        ]

    def interrupt(self) -> None:
        """End `train`, which runs in another thread."""
        self._stop.set()

    def _encoded(self, plan: Plan) -> RowSubset:
        return encoded_rows(
            self._X,
            self._y,
            self._sample_weight,
            plan.encoder,
            plan.task,
            np.dtype(plan.settings.dtype),
            plan.estimator,
        )


def sites_of(given: Any, target: str | None, weight: str | None, n_jobs: int | None) -> list[Site]:
    """Make sites of what users pass as `sites`; `target` and `weight` are columns of files."""
    if isinstance(given, str) or not isinstance(given, Sequence):
        shown = repr(given) if isinstance(given, str | Path | None) else type(given).__name__
        raise TypeError(
            "sites must be a list of sites, such as [(X_1, y_1), (X_2, y_2)] or a list of paths; "
            f"got {shown}"
        )
    if not given:
        raise ValueError("sites must hold at least one site")
    for name, column in {"y": target, "sample_weight": weight}.items():
        if not isinstance(column, str | None):
            raise TypeError(
                f"{name} must be the name of a column of sites that are files, or None; tables in "
                f"memory are tuples (X, y) in sites. Got {type(column).__name__}"
            )
    return [_site_of(site, target, weight, n_jobs) for site in given]


def _site_of(given: Any, target: str | None, weight: str | None, n_jobs: int | None) -> Site:
    """Make a site of what users pass: a site, a tuple of arrays or frames, or a file."""
    if isinstance(given, str | Path):
        return _site_of_file(Path(given), target, weight, n_jobs)
    if isinstance(given, tuple) and 2 <= len(given) <= 3:
        return LocalSite(*given, n_jobs=n_jobs)
    if isinstance(given, Site):
        return given
    raise TypeError(
        "sites must hold tuples (X, y) or (X, y, sample_weight), paths of files, or objects with "
        f"the methods of federated.Site; got {type(given).__name__}"
    )


def _site_of_file(
    path: Path, target: str | None, weight: str | None, n_jobs: int | None
) -> LocalSite:
    if target is None:
        raise ValueError(f"y must name the target column of files; sites hold {str(path)!r}")
    try:
        from pyarrow import dataset
    except ImportError as error:
        raise ImportError(
            'sites that are files need pyarrow: pip install "fastmlp[cli]"'
        ) from error
    table = dataset.dataset(path, format=path.suffix.lstrip(".") or "parquet").to_table()
    for name in filter(None, (target, weight)):
        if name not in table.column_names:
            raise ValueError(f"{str(path)!r} has no column {name!r}; it has {table.column_names}")
    y = table[target].to_numpy()
    sample_weight = None if weight is None else table[weight].to_numpy()
    X = table.drop_columns([name for name in (target, weight) if name is not None])
    return LocalSite(X, y, sample_weight, n_jobs=n_jobs)
