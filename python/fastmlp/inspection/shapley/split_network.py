"""A network cut after the sums of its first hidden units, up to where columns only add up.

The layers before the first dense one take each column by itself, and a dense layer adds up what it
reads. So the sums of a row that has some columns from another one are its own plus a difference for
each of these columns. All differences are computed once; for a coalition they are added up, and
only the layers from the activation on are computed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp import _core
from fastmlp.networks import Dense, Dropout
from fastmlp.networks.layers import Layer
from fastmlp.prediction.compiled import compiled_network
from fastmlp.prediction.link import Link
from fastmlp.prediction.pipeline import TrainedNetwork
from fastmlp.prediction.rounded_weights import is_rounded


@dataclass(frozen=True, eq=False)
class SplitNetwork:
    """A network that predicts coalitions of columns.

    Attributes
    ----------
    sums : PredictorF32 or PredictorF64
        From encoded rows to the sums of the first hidden units, before their activation.
    rest : CoalitionNetworkF32 or CoalitionNetworkF64
        From there on.
    groups : list of list of int
        For each column of the raw table its columns in the encoded one.
    """

    sums: Any
    rest: Any
    groups: list[list[int]]

    @classmethod
    def of(
        cls,
        network: TrainedNetwork,
        inputs: _core.Standardisation | None,
        link: Link,
        groups: list[list[int]],
    ) -> SplitNetwork:
        """Cut a network with a hidden layer on dense rows.

        Parameters
        ----------
        inputs : Standardisation or None
            Standardisation of the encoded columns.
        link : Link
        """
        at = first_dense(network)
        dense: Any = network.layers[at]
        slopes = _parameters(network, at, at + 1)[2:]
        head = (*network.layers[:at], replace(dense, activation="identity", parametric=False))
        arrays = _parameters(network, 0, at + 1)
        sums = TrainedNetwork(head, arrays[: len(arrays) - len(slopes)])
        others = _parameters(network, at + 1, len(network.layers))
        behind = [one for one in network.layers[at + 1 :] if not isinstance(one, Dropout)]
        rest = compiled_network(TrainedNetwork(tuple(behind), others), None, link)
        wide = network.dtype == np.float64
        cut = _core.CoalitionNetworkF64 if wide else _core.CoalitionNetworkF32
        return cls(
            compiled_network(sums, inputs, Link("identity")),
            cut(dense.activation, slopes[0].tolist() if slopes else [], rest),
            groups,
        )

    def column_sums(
        self, table: NDArray[Any], reference: NDArray[Any], n_threads: int
    ) -> NDArray[Any]:
        """What each column changes in the sums of a reference row, (n_rows, n_columns, n_units)."""
        rows = np.tile(reference, (len(table), len(self.groups), 1))
        for column, group in enumerate(self.groups):
            rows[:, column, group] = table[:, group]
        sums = self.sums.predict(rows.reshape(-1, reference.size), n_threads)
        changes: NDArray[Any] = sums - self.sums.predict(reference[None], n_threads)
        return changes.reshape(len(table), len(self.groups), -1)

    def predict(
        self,
        table: NDArray[Any],
        background: NDArray[Any],
        members: NDArray[np.bool_],
        n_threads: int,
    ) -> NDArray[Any]:
        """Outputs after the inverse link, (n_rows, n_background, n_coalitions, n_outputs).

        Parameters
        ----------
        table, background : ndarray of shape (n_rows or n_background, n_encoded)
        members : ndarray of bool, shape (n_background, n_coalitions, n_columns)
            Which columns come from a row of the table.
        n_threads : int
        """
        reference = background[0]
        outputs: NDArray[Any] = self.rest.predict(
            self.column_sums(table, reference, n_threads),
            self.column_sums(background, reference, n_threads),
            self.sums.predict(background, n_threads),
            members.view(np.uint8),
            n_threads,
        )
        return outputs


def first_dense(network: TrainedNetwork) -> int:
    """Position of the first dense layer."""
    return next(i for i, layer in enumerate(network.layers) if isinstance(layer, Dense))


def has_hidden_layer(layers: tuple[Layer, ...]) -> bool:
    """Whether there are hidden layers."""
    return sum(isinstance(layer, Dense) for layer in layers) > 1


def _parameters(network: TrainedNetwork, first: int, last: int) -> tuple[NDArray[Any], ...]:
    """The parameters of the layers from `first` to before `last`."""
    start, stop = (len(is_rounded(network.layers[:i])) for i in (first, last))
    return network.arrays[start:stop]
