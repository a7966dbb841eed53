"""Folds of rows that cannot be listed: a row's hash decides which networks hold it out."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from fastmlp.ensemble.splits import FEWEST_ROWS
from fastmlp.ensemble.splitters import n_folds_of

_HASHES = 2**32


def mixed(hashes: NDArray[np.uint32], salt: int) -> NDArray[np.uint32]:
    """Hashes of hashes, different for each salt: the last step of MurmurHash3 (Appleby 2011)."""
    h = hashes ^ np.uint32(salt * 0x9E3779B9 % _HASHES)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return h


@dataclass(frozen=True)
class HeldOutRange:
    """Rows that are held out from one network: those whose mixed hash lies in a range.

    Equal rows have equal hashes, so a network is never validated on a copy of a training row.

    Attributes
    ----------
    salt : int
        Of the hashes. Networks of another round of folds, or of a fit with another seed, have
        another one.
    first, end : int
        The range.
    """

    salt: int
    first: int
    end: int

    def holds(self, hashes: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Whether rows with these hashes are held out."""
        h = mixed(hashes, self.salt)
        inside: NDArray[np.bool_] = h >= self.first
        inside &= h < self.end  # a Python integer may be 2^32, which no uint32 is
        return inside


def held_out_ranges(
    n_networks: int,
    fraction: float | None,
    n_rows: int,
    random_state: np.random.RandomState,
) -> list[HeldOutRange | None]:
    """Choose what is held out from each network, as `split_rows` does for tables in memory.

    From one network a fraction of the rows is held out. Of several networks each has a fold.

    Parameters
    ----------
    n_networks : int
    fraction : float or None
        None: hold out no rows.
    n_rows : int
        Rows of the table.
    random_state : RandomState
    """
    if fraction is None or n_rows < FEWEST_ROWS:
        return [None] * n_networks
    salt = int(random_state.randint(_HASHES, dtype=np.uint32))
    if n_networks == 1:
        return [HeldOutRange(salt, 0, ceil(fraction * _HASHES))]
    n_folds = n_folds_of(n_rows, fraction)
    bounds = [-(-_HASHES * fold // n_folds) for fold in range(n_folds + 1)]
    return [
        HeldOutRange(salt + index // n_folds, bounds[index % n_folds], bounds[index % n_folds + 1])
        for index in range(n_networks)
    ]
