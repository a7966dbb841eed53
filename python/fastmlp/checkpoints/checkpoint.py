"""Checkpoint: where and how often the state of a fit is saved."""

from __future__ import annotations

import os
from dataclasses import dataclass
from numbers import Integral, Real


@dataclass(frozen=True)
class Checkpoint:
    """Where and how often the state of a fit is saved, so that it can continue after a kill.

    Pass it, or just a path, as ``fit(..., checkpoint=...)``. The same call of `fit` continues from
    the file and ends with the model of an uninterrupted fit, bit for bit. A fit that has ended
    removes its file.

    Parameters
    ----------
    path : str or PathLike
        Path of the file. Its folder must exist.
    minutes : float, default=1.0
        Minutes after which the state of a network is saved again, at the end of an epoch; counted
        from the last time or from the beginning of the fit.
    epochs : int or None, default=None
        Epochs after which the state is saved if `minutes` have not passed. None: only time counts.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastmlp import Checkpoint, Regressor
    >>> path = os.path.join(tempfile.mkdtemp(), "houses.checkpoint")
    >>> X, y = [[float(i)] for i in range(40)], [2.0 * i for i in range(40)]
    >>> model = Regressor(max_iter=4, n_estimators=2)
    >>> model.fit(X, y, checkpoint=Checkpoint(path, epochs=2)).n_iter_
    4
    >>> os.path.exists(path)  # nothing is left to go on with
    False
    """

    path: str | os.PathLike[str]
    minutes: float = 1.0
    epochs: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.path, str | os.PathLike) or isinstance(os.fspath(self.path), bytes):
            raise TypeError(
                f"checkpoint must be a path, a fastmlp.Checkpoint or None; got {self.path!r}"
            )
        if not isinstance(self.minutes, Real) or not self.minutes > 0:
            raise ValueError(f"minutes must be a positive number; got {self.minutes!r}")
        if self.epochs is not None and (not isinstance(self.epochs, Integral) or self.epochs < 1):
            raise ValueError(f"epochs must be a positive integer or None; got {self.epochs!r}")
