"""Layers of a network: their configuration; the engine computes them."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

PERIODIC, PIECEWISE_LINEAR = 3, 4  # features of each number in an Embedding
ACTIVATIONS = (
    "identity",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "tanh",
    "logistic",
    "softplus",
)


@dataclass(frozen=True)
class Dense:
    """Fully connected layer: ``activation(X @ weights + bias)``.

    Parameters
    ----------
    inputs, outputs : int
        Number of units before and after the layer.
    activation : str, default="identity"
        One of 'identity', 'relu', 'leaky_relu' (slope 0.01), 'elu', 'selu', 'gelu' (exact),
        'silu', 'mish', 'tanh', 'logistic', 'softplus'.
    parametric : bool, default=False
        Whether each unit has a learnt slope, 1 at the start:
        ``z + slope * (activation(z) - z)``.
    sparse : bool, default=False
        Whether the layer reads SciPy's sparse rows; only the first layer of a network can.
    signs : str, default=""
        Sign constraint of each weight, row by row (inputs x outputs), which an Optimizer's steps
        keep: "*" any number, "+" at least 0, "-" at most 0, "0" zero. "": no constraints.
    """

    inputs: int
    outputs: int
    activation: str = "identity"
    parametric: bool = False
    sparse: bool = False
    signs: str = field(default="", repr=False)


@dataclass(frozen=True)
class Dropout:
    """In training, set values to zero with probability `rate` and scale up the others.

    Parameters
    ----------
    rate : float
        In [0, 1).
    """

    rate: float


@dataclass(frozen=True)
class Scale:
    """A learnt factor for each feature, 1 at the start: ``X * scale``.

    Parameters
    ----------
    width : int
        Number of features.
    signs : str, default=""
        Sign constraint of each factor; see `Dense`.
    """

    width: int
    signs: str = field(default="", repr=False)


@dataclass(frozen=True)
class Embedding:
    """First layer of a network on a table: turns numbers and category codes into features.

    A row is read as [numbers, flags, category codes]. It becomes [3 periodic features of each
    number, 4 piecewise-linear features of each number, the numbers, the flags, the categories].
    A periodic feature is a learnt sum of 16 cosines of the number (the PBLD embedding of
    `Holzmüller et al. 2024 <https://arxiv.org/abs/2407.04491>`_). A piecewise-linear feature is a
    learnt function of the number that is linear between bin edges and constant outside
    (`Gorishniy et al. 2022 <https://arxiv.org/abs/2203.05556>`_, with few outputs).

    Parameters
    ----------
    n_numbers : int
        Columns that are embedded.
    n_flags : int, default=0
        Columns that are passed on as they are.
    periodic : bool, default=True
        Whether there are periodic features.
    sigma : float, default=0.1
        Standard deviation of the initial frequencies, in periods per unit of the number.
    bin_edges : array-like of shape (n_numbers, n_edges), default=()
        For each number two or more bin edges, ascending (equal ones count once), the same number of
        them for all. Without them there are no piecewise-linear features.
    categories : sequence of (int, int), default=()
        For each column of codes the number of codes (1 to size; 0 is unknown) and the width of the
        learnt vector for each code; width 0 is one-hot.
    signs : str, default=""
        For each number, the sign constraint of the weights of its piecewise-linear features; see
        `Dense`. With "+" they never fall as the number rises.
    """

    n_numbers: int
    n_flags: int = 0
    periodic: bool = True
    sigma: float = 0.1
    bin_edges: Sequence[Sequence[float]] | NDArray[Any] = field(default=(), repr=False)
    categories: Sequence[tuple[int, int]] = ()
    signs: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Keep sequences as tuples, so that layers can be compared and do not change."""

        def kept(value: Any) -> Any:
            value = value.tolist() if isinstance(value, np.ndarray) else value
            return tuple(map(kept, value)) if isinstance(value, list | tuple) else value

        object.__setattr__(self, "bin_edges", kept(self.bin_edges))
        object.__setattr__(self, "categories", kept(self.categories))

    @property
    def outputs(self) -> int:
        """Number of features that a row becomes."""
        of_each = 1 + PERIODIC * self.periodic + PIECEWISE_LINEAR * bool(self.bin_edges)
        return (
            self.n_numbers * of_each
            + self.n_flags
            + sum(width or size for size, width in self.categories)
        )

    @property
    def sources(self) -> NDArray[np.intp]:
        """For each feature, the position in the row of what it is made of."""
        of_each = PERIODIC * self.periodic + PIECEWISE_LINEAR * bool(self.bin_edges)
        numbers, plain = np.arange(self.n_numbers), np.arange(self.n_numbers + self.n_flags)
        widths = [width or size for size, width in self.categories]
        codes = np.repeat(plain.size + np.arange(len(widths)), widths)
        return np.concatenate([np.tile(numbers, of_each), plain, codes])

    @property
    def has_parameters(self) -> bool:
        """Whether the layer has anything to learn."""
        embeds = self.n_numbers > 0 and (self.periodic or bool(self.bin_edges))
        return embeds or any(width > 0 for _, width in self.categories)


Layer = Dense | Dropout | Scale | Embedding


def no_such_layer(layer: NoReturn) -> NoReturn:
    """Ends what is done by kinds of layers: mypy finds each place where a new kind is missing."""
    raise TypeError(f"layers of the kind {type(layer).__name__} are not known here")


_KINDS: dict[str, tuple[Any, str]] = {  # what the fields of layers must be
    **dict.fromkeys(
        ("inputs", "outputs", "width", "n_numbers", "n_flags"), (Integral, "an integer")
    ),
    **dict.fromkeys(("rate", "sigma"), (Real, "a number")),
    **dict.fromkeys(("parametric", "periodic", "sparse"), (bool, "True or False")),
    **dict.fromkeys(("activation", "signs"), (str, "a string")),
    "categories": (Sequence, "a sequence of pairs of integers"),
    "bin_edges": (tuple, "an array or a sequence of sequences of numbers"),
}


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_numbers(**parameters: Any) -> None:
    """Raise TypeError for parameters that are not numbers."""
    for name, value in parameters.items():
        if not isinstance(value, Real) or isinstance(value, bool):
            raise TypeError(f"{name} must be a number; got {value!r}")


def engine_spec(layer: Layer) -> dict[str, Any]:
    """Describe a layer to the engine, which checks the sizes.

    Raises
    ------
    TypeError, ValueError
        If a field is of another type, or a number too large for the engine.
    """
    if not isinstance(layer, Layer):
        raise TypeError(
            "layers must hold fastmlp.Dense, Dropout, Scale and Embedding; got "
            f"{type(layer).__name__}"
        )
    kind = type(layer).__name__
    described = {"kind": kind.lower(), **vars(layer)}
    for name, value in vars(layer).items():
        expected, words = _KINDS[name]
        fits = _is_integer(value) if expected is Integral else isinstance(value, expected)
        if name == "categories" and fits:
            fits = all(np.shape(pair) == (2,) and all(map(_is_integer, pair)) for pair in value)
            described[name] = [tuple(pair) for pair in value] if fits else []
        if name == "bin_edges" and fits:
            fits = all(isinstance(own, tuple) for own in value)
            # A table has thousands of edges; to ask each one takes milliseconds.
            types = {type(edge) for own in value for edge in own} if fits else ()
            fits = fits and all(issubclass(kind, Real) for kind in types)
        if not fits:
            raise TypeError(f"{kind}.{name} must be {words}; got {reprlib.repr(value)}")
        if expected is Integral and not -(2**63) <= value < 2**63:
            raise ValueError(f"{kind}.{name} is too large: {value}")
    return described
