"""Weights in fewer bytes: float16, bfloat16, and int8 with a scale for each column.

The weights of dense layers and the vectors of categories are rounded: nearly all of a network. All
other parameters (biases, slopes, factors of features, embeddings of numbers) are not rounded: they
are few, and an embedding's frequencies are multiplied by numbers of any size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastmlp.networks.layers import Dense, Dropout, Embedding, Layer, Scale, no_such_layer

if TYPE_CHECKING:
    from fastmlp.prediction.pipeline import TrainedNetwork

SmallDtype = Literal["float16", "bfloat16", "int8"]
SMALL_DTYPES: tuple[SmallDtype, ...] = get_args(SmallDtype)

_LARGEST_INT8 = 127


@dataclass(frozen=True, eq=False)
class RoundedWeights:
    """A matrix of weights in fewer bytes. Immutable.

    Parameters
    ----------
    dtype : {"float16", "bfloat16", "int8"}
    values : ndarray of shape (n_rows, n_columns)
        In C's order, of type float16, int8, or uint16: the upper halves of floats, which are
        bfloat16 numbers.
    scale : ndarray of shape (n_columns,) or None
        Factor on the columns of int8, float32; a column has the weights of one unit, or one number
        of all categories' vectors. None for the other types.
    """

    dtype: SmallDtype
    values: NDArray[Any]
    scale: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, weights: NDArray[Any], dtype: SmallDtype) -> RoundedWeights:
        """Round each weight to the nearest number of the type, of two to the even one.

        Raises
        ------
        ValueError
            If a weight is too large for the type.
        """
        weights = np.ascontiguousarray(weights)  # networks hold those of few units transposed
        with np.errstate(over="ignore"):  # infinities are an error below
            if dtype == "float16":
                rounded = cls(dtype, weights.astype(np.float16))
            elif dtype == "bfloat16":
                rounded = cls(dtype, _upper_halves(weights.astype(np.float32)))
            elif dtype == "int8":
                scale = (np.abs(weights).max(axis=0) / _LARGEST_INT8).astype(np.float32)
                scale[scale == 0] = 1
                rounded = cls(dtype, np.rint(weights / scale).astype(np.int8), scale)
            else:
                raise ValueError(f"dtype must be one of {SMALL_DTYPES}; got {dtype!r}")
        if not np.isfinite(rounded.as_floats()).all():
            raise ValueError(
                f"weights of up to {np.abs(weights).max():.3g} are too large for dtype={dtype!r}"
            )
        return rounded

    def as_floats(self, dtype: DTypeLike = np.float32) -> NDArray[Any]:
        """The weights that the numbers stand for, (n_rows, n_columns)."""
        if self.dtype == "bfloat16":
            floats = (self.values.astype(np.uint32) << 16).view(np.float32)
        else:
            floats = self.values.astype(np.float32)
        if self.scale is not None:
            floats *= self.scale
        return floats.astype(dtype, copy=False)


def _upper_halves(floats: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The upper halves of the floats' bits, rounded: bfloat16 numbers."""
    bits = np.ascontiguousarray(floats).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def is_rounded(layers: Sequence[Layer]) -> list[bool]:
    """Whether each parameter of a network is rounded, in the order of `Network.parameters`."""
    rounded = []
    for layer in layers:
        if isinstance(layer, Dense):
            rounded += [True, False] + [False] * layer.parametric  # weights, bias, slopes
        elif isinstance(layer, Scale):
            rounded += [False]
        elif isinstance(layer, Embedding):
            if layer.n_numbers:
                rounded += [False] * (2 * layer.periodic + bool(layer.bin_edges))
            rounded += [True for _, width in layer.categories if width]
        elif not isinstance(layer, Dropout):
            no_such_layer(layer)
    return rounded


def check_small_dtype(dtype: SmallDtype | None) -> None:
    """Raise ValueError if that is neither such a type nor None."""
    if dtype is not None and dtype not in SMALL_DTYPES:
        raise ValueError(f"dtype must be one of {list(SMALL_DTYPES)} or None; got {dtype!r}")


def with_rounded_weights(network: TrainedNetwork, dtype: SmallDtype) -> TrainedNetwork:
    """The network with its weights and vectors of categories rounded.

    Those that have this type already are not changed.

    Raises
    ------
    ValueError
        If a weight is too large for the type.
    """
    is_done = [isinstance(one, RoundedWeights) and one.dtype == dtype for one in network.parameters]
    return replace(
        network,
        parameters=tuple(
            RoundedWeights.of(values, dtype) if rounds and not done else one
            for one, values, rounds, done in zip(
                network.parameters,
                network.arrays,
                is_rounded(network.layers),
                is_done,
                strict=True,
            )
        ),
    )
