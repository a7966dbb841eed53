"""Kinds of units: which signs the weights of a network need so that it keeps constraints.

A sum of functions that never fall never falls, nor does such a function of another one. So a
network never falls in some columns if they reach its output only through monotone activations and
weights >= 0 (Sill 1998). With one kind of convex activation it would be convex in them too; units
that never rise, with weights <= 0 above them, are the concave ones that it takes besides (Runje &
Shankaranarayana 2023, https://arxiv.org/abs/2205.11775). Units that read none of these columns are
free, and bend the monotone ones through weights of any sign (Daniels & Velikova 2010,
https://doi.org/10.1109/TNN.2010.2044803).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastmlp._user_warnings import warn
from fastmlp.ensemble.constraints import Constraints
from fastmlp.networks import Embedding
from fastmlp.networks.layers import PERIODIC

_FEWEST = 8  # units of a kind in a hidden layer
_MANY_UNITS = 2048  # 4 million weights between two layers
_FREE_SHARE = 0.25  # of the units of a group that has columns with and without direction


@dataclass(frozen=True, eq=False)
class Units:
    """Features, or the units of a layer, as the next layer's weights see them.

    Parameters
    ----------
    directions : ndarray of shape (n_units,)
        1: never falls when columns with a direction move in it; -1: never rises; 0: reads none of
        these columns.
    groups : ndarray of bool of shape (n_units, n_groups)
        The groups of columns that may read it.
    """

    directions: NDArray[np.int8]
    groups: NDArray[np.bool_]

    @property
    def size(self) -> int:
        """Number of units."""
        return self.directions.size

    def embedded(self, embedding: Embedding) -> Units:
        """The features of an embedding of these."""
        directions, groups = self.directions[embedding.sources], self.groups[embedding.sources]
        n_periodic = PERIODIC * embedding.n_numbers * embedding.periodic
        # A function of these neither rises nor falls all along: nobody may read it.
        groups[:n_periodic][directions[:n_periodic] != 0] = False
        return Units(directions, groups)

    def signs_of(self, n: int) -> str:
        """Signs of factors of the first n: of those with a direction, so that they keep it."""
        directed = self.directions[:n] != 0
        return "".join(np.where(directed, "+", "*")) if directed.any() else ""

    def signs_to(self, above: Units) -> str:
        """Signs of the weights between these and the units above them, as layers have them."""
        below, to = self.directions[:, None], above.directions[None]
        shared = self.groups.astype(np.float32) @ above.groups.T.astype(np.float32) > 0
        signs = np.select(
            [~shared | ((below != 0) & (to == 0)), below == 0, below == to],
            [b"0", b"*", b"+"],
            b"-",
        )
        return signs.tobytes().decode()


def units_of_columns(constraints: Constraints, encoded: Sequence[Sequence[int]]) -> Units:
    """The columns of the encoded table; `encoded` has their positions by column of the raw one."""
    directions = np.zeros(sum(map(len, encoded)), dtype=np.int8)
    groups = np.zeros((directions.size, len(constraints.groups)), dtype=bool)
    for own, direction in zip(encoded, constraints.directions, strict=True):
        directions[own[0]] = direction  # what may follow is an indicator that the number is missing
    for number, group in enumerate(constraints.groups):
        for column in group:
            groups[encoded[column], number] = True
    return Units(directions, groups)


def hidden_units(constraints: Constraints, n_units: int) -> Units:
    """About as many units, of all kinds that there must be."""
    kinds: list[tuple[int, int, float]] = []  # group, direction, share of the units
    for number, group in enumerate(constraints.groups):
        directed = sum(constraints.directions[column] != 0 for column in group)
        free = 1.0 if directed == 0 else 0.0 if directed == len(group) else _FREE_SHARE
        shares = ((0, free), (1, (1 - free) / 2), (-1, (1 - free) / 2))
        kinds += [(number, direction, share) for direction, share in shares if share]
    counts = [
        max(_FEWEST, round(share * n_units / len(constraints.groups))) for _, _, share in kinds
    ]
    of_group = np.repeat([number for number, _, _ in kinds], counts)
    directions = np.repeat(np.array([direction for _, direction, _ in kinds], np.int8), counts)
    return Units(directions, of_group[:, None] == np.arange(len(constraints.groups)))


def warn_of_many_groups(constraints: Constraints) -> None:
    """Warn if hidden layers must be so wide that training takes very long."""
    least = _FEWEST * len(constraints.groups)
    if least > _MANY_UNITS:
        warn(
            f"interaction_cst has {len(constraints.groups):,} groups, which take at least "
            f"{least:,} units in each hidden layer and {least**2:,} weights between two layers of "
            "each network. List the groups that matter, or use 'no_interactions'"
        )


def output_units(constraints: Constraints, n_outputs: int) -> Units:
    """The raw outputs, which add up what the groups have."""
    direction = int(constraints.is_monotonic)
    everything = np.ones((n_outputs, len(constraints.groups)), dtype=bool)
    return Units(np.full(n_outputs, direction, dtype=np.int8), everything)
