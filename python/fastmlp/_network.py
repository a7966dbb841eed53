"""Networks for people who write their own training loop."""

import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from fastmlp import _core
from fastmlp._threads import n_threads

LOSSES = (
    "squared_error",
    "absolute_error",
    "huber",
    "quantile",
    "poisson",
    "binary_cross_entropy",
    "cross_entropy",
)
WAVES, PIECES = 3, 4  # of each number in an Embedding
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
        Numbers of units before and behind the layer.
    activation : str, default="identity"
        One of 'identity', 'relu', 'leaky_relu' (slope 0.01), 'elu', 'selu', 'gelu' (exact),
        'silu', 'mish', 'tanh', 'logistic', 'softplus'.
    parametric : bool, default=False
        Whether every unit has a slope of its own, 1 at the start and learnt:
        ``z + slope * (activation(z) - z)``.
    """

    inputs: int
    outputs: int
    activation: str = "identity"
    parametric: bool = False


@dataclass(frozen=True)
class Dropout:
    """Sets values to zero with probability `rate` in training and scales up the others.

    Parameters
    ----------
    rate : float
        In [0, 1).
    """

    rate: float


@dataclass(frozen=True)
class Scale:
    """One learnt factor per feature, 1 at the start: ``X * scale``.

    Parameters
    ----------
    width : int
        Number of features.
    """

    width: int


@dataclass(frozen=True)
class Embedding:
    """First layer of a network on a table: numbers and category codes to what Dense layers can use.

    A row is read as [numbers, flags, category codes]. It becomes [3 waves of each number, 4 pieces
    of each, the numbers, the flags, the categories]. A wave is a learnt sum of 16 cosines of the
    number (the PBLD embedding of Holzmüller et al. 2024). A piece is a learnt function of it that
    is straight between knots and level outside (Gorishniy et al. 2022, with few outputs).

    Parameters
    ----------
    n_numbers : int
        Columns that become waves and pieces.
    n_flags : int, default=0
        Columns that are passed on as they are.
    periodic : bool, default=True
        Whether there are waves.
    sigma : float, default=0.1
        Deviation of the initial frequencies, in periods per unit of the number.
    knots : array-like of shape (n_numbers, n_knots), default=()
        For each number its knots, two or more, ascending (equal ones count once), as many for
        all; without them there are no pieces.
    categories : sequence of (int, int), default=()
        For each code column the number of codes (1 to size; 0 is unknown) and the width of the
        learnt vector that stands for each; width 0 is one-hot.
    """

    n_numbers: int
    n_flags: int = 0
    periodic: bool = True
    sigma: float = 0.1
    knots: Sequence[Sequence[float]] | NDArray[Any] = field(default=(), repr=False)
    categories: Sequence[tuple[int, int]] = ()

    def __post_init__(self) -> None:
        """Keep the knots as tuples, so that layers can be compared and do not change."""

        def kept(value: Any) -> Any:
            value = value.tolist() if isinstance(value, np.ndarray) else value
            return tuple(map(kept, value)) if isinstance(value, list | tuple) else value

        object.__setattr__(self, "knots", kept(self.knots))

    @property
    def outputs(self) -> int:
        """Numbers that a row becomes."""
        of_each = 1 + WAVES * self.periodic + PIECES * bool(self.knots)
        return (
            self.n_numbers * of_each
            + self.n_flags
            + sum(width or size for size, width in self.categories)
        )

    @property
    def has_parameters(self) -> bool:
        """Whether there is anything to learn in it."""
        embeds = self.n_numbers > 0 and (self.periodic or bool(self.knots))
        return embeds or any(width > 0 for _, width in self.categories)


Layer = Dense | Dropout | Scale | Embedding

_KINDS: dict[str, tuple[Any, str]] = {  # what the fields of layers must be
    **dict.fromkeys(
        ("inputs", "outputs", "width", "n_numbers", "n_flags"), (Integral, "an integer")
    ),
    **dict.fromkeys(("rate", "sigma"), (Real, "a number")),
    **dict.fromkeys(("parametric", "periodic"), (bool, "True or False")),
    "activation": (str, "a string"),
    "categories": (Sequence, "a sequence of pairs of integers"),
    "knots": (tuple, "an array or a sequence of sequences of numbers"),
}


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _describe(layer: Layer) -> dict[str, Any]:
    """Hand the layer to the engine, which checks what lies between its sizes."""
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
        if name == "knots" and fits:
            fits = all(isinstance(own, tuple) for own in value)
            fits = fits and all(isinstance(knot, Real) for own in value for knot in own)
        if not fits:
            raise TypeError(f"{kind}.{name} must be {words}; got {reprlib.repr(value)}")
        if expected is Integral and not -(2**63) <= value < 2**63:
            raise ValueError(f"{kind}.{name} is too large: {value}")
    return described


def engine_array(X: NDArray[Any]) -> NDArray[Any]:
    """X as the core can read it in place; types that it does not know are converted."""
    if X.dtype.kind == "b":
        return X.view(np.uint8)
    known = X.dtype.kind in "iu" or X.dtype in (np.float32, np.float64)
    if not known:
        return X.astype(np.float32 if X.dtype == np.float16 else np.float64)
    if not X.dtype.isnative or not X.flags.aligned:
        return X.astype(X.dtype.newbyteorder("="))
    return X


class Network:
    """A stack of layers with its parameters and gradients.

    Not for several threads at once: every call reads the parameters anew.

    Parameters
    ----------
    layers : sequence of Dense, Dropout, Scale and Embedding
        From the inputs to the outputs; each takes what the one before it gives. An Embedding can
        only be the first, a Dropout cannot.
    dtype : {"float32", "float64"}, default="float32"
        Type to compute in.
    random_state : int, RandomState or None, default=None
        Seed of the initial weights and of the dropout masks.
    n_jobs : int or None, default=None
        Threads; None is all that the process may use.

    Attributes
    ----------
    parameters : list of ndarray
        Weights (inputs x outputs), bias (outputs,) and, if parametric, slopes (outputs,) of every
        Dense layer in turn, and those of the other layers: views of the network's own memory, so
        that writing to them changes the network.
    gradients_ : list of ndarray
        The last gradient by each of `parameters`, views as well.

    Examples
    --------
    A loop of one's own, with a loss written in NumPy:

    >>> import numpy as np
    >>> from fastmlp import Dense, Network, Optimizer
    >>> X = np.linspace(-1, 1, 64, dtype="float32")[:, None]
    >>> y = X**2
    >>> network = Network([Dense(1, 16, "tanh"), Dense(16, 1)], random_state=0)
    >>> optimizer = Optimizer(network, solver="adam", learning_rate_init=0.02)
    >>> for epoch in range(300):
    ...     difference = network.forward(X, training=True) - y
    ...     network.gradients(X, output_gradient=2 * difference / len(X))
    ...     norm = optimizer.step()
    >>> bool(np.mean((network.forward(X) - y) ** 2) < 1e-3)
    True
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        dtype: Literal["float32", "float64"] = "float32",
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
    ) -> None:
        if dtype not in ("float32", "float64", np.float32, np.float64):
            raise ValueError(f"dtype must be 'float32' or 'float64'; got {dtype!r}")
        if n_jobs == 0:
            raise ValueError("n_jobs must not be 0; None and -1 use all cores")
        if isinstance(layers, Layer):
            raise TypeError(f"layers must be a sequence of layers; got one: {layers!r}")
        self.layers = tuple(layers)
        self.dtype = np.dtype(dtype)
        self.n_jobs = n_jobs
        seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
        self._build(seed)

    def _build(self, seed: int) -> None:
        engine: Any = _core.NetworkF32 if self.dtype == np.float32 else _core.NetworkF64
        try:
            self._engine = engine([_describe(layer) for layer in self.layers], seed)
        except MemoryError as error:
            raise MemoryError("there is not enough memory for the parameters of layers") from error
        arrays = self._engine.arrays()
        self._parameters: list[NDArray[Any]] = [values for _, _, values, _ in arrays]
        self._gradients: list[NDArray[Any]] = [gradients for _, _, _, gradients in arrays]

    def __repr__(self) -> str:
        return f"Network({list(self.layers)!r}, dtype={self.dtype.name!r})"

    @property
    def parameters(self) -> list[NDArray[Any]]:
        """Views of the parameters, layer by layer."""
        return list(self._parameters)

    def parameters_of(self, kind: str) -> list[NDArray[Any]]:
        """Views of the parameters of that name, such as "weights" or "bias", layer by layer."""
        return [values for _, name, values, _ in self._engine.arrays() if name == kind]

    @property
    def gradients_(self) -> list[NDArray[Any]]:
        """Views of the last gradient by each of `parameters`."""
        return list(self._gradients)

    def __getstate__(self) -> dict[str, Any]:
        return {
            "layers": self.layers,
            "dtype": self.dtype,
            "n_jobs": self.n_jobs,
            "seed": self._engine.seed,
            "steps": self._engine.steps,
            "parameters": [np.array(values) for values in self.parameters],
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.layers = state["layers"]
        self.dtype = state["dtype"]
        self.n_jobs = state["n_jobs"]
        self._build(state["seed"])
        self._engine.steps = state["steps"]
        for own, saved in zip(self.parameters, state["parameters"], strict=True):
            own[...] = saved

    def _table(self, X: ArrayLike) -> NDArray[Any]:
        table = np.asarray(X)
        if table.dtype.kind not in "fiub":
            raise TypeError(f"X must hold numbers; got dtype {table.dtype}")
        return engine_array(table)

    def forward(self, X: ArrayLike, *, training: bool = False) -> NDArray[Any]:
        """Compute the outputs.

        Parameters
        ----------
        X : array-like of shape (n_rows, inputs)
        training : bool, default=False
            Whether dropout acts; its masks are those that the next `gradients` will use.

        Returns
        -------
        ndarray of shape (n_rows, outputs)
        """
        outputs: NDArray[Any] = self._engine.forward(self._table(X), training)
        return outputs

    def gradients(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        loss: str = "squared_error",
        sample_weight: ArrayLike | None = None,
        output_gradient: ArrayLike | None = None,
        delta: float = 1.0,
        quantile: float | Sequence[float] = 0.5,
        label_smoothing: float = 0.0,
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
    ) -> float | None:
        """Fill `gradients_` with the derivatives of a loss by the parameters.

        Parameters
        ----------
        X : array-like of shape (n_rows, inputs)
        y : array-like of shape (n_rows,) or (n_rows, outputs), optional
            True values; for 'cross_entropy' the number of each row's class.
        loss : str, default="squared_error"
            'squared_error', 'absolute_error', 'huber', 'quantile', 'poisson' (outputs are
            logarithms), 'binary_cross_entropy' or 'cross_entropy' (outputs are logits). The mean
            over rows and outputs.
        sample_weight : array-like of shape (n_rows,), optional
        output_gradient : array-like of shape (n_rows, outputs), optional
            Derivative of a loss of one's own by the outputs, in place of `y`.
        delta, quantile, label_smoothing : float
            Of the losses 'huber', 'quantile' (one for all outputs, or one for each) and the
            cross-entropies.
        alpha, l1_ratio : float
            Penalty ``alpha * ((1 - l1_ratio) / 2 * ||W||^2 + l1_ratio * ||W||_1) / n`` on the
            weights, n the number of rows (the sum of their weights).

        Returns
        -------
        float or None
            The loss, penalty included; None with `output_gradient`.
        """
        table = self._table(X)
        if (y is None) == (output_gradient is None):
            raise ValueError("exactly one of y and output_gradient must be given")
        if y is None:
            target = None
        elif loss == "cross_entropy":
            labels = np.asarray(y)
            if labels.dtype.kind not in "iu":
                raise ValueError("y must hold integer class numbers for loss='cross_entropy'")
            if labels.size and max(-int(labels.min()), int(labels.max())) > np.iinfo(np.int32).max:
                raise ValueError(f"y must hold class numbers; got {labels.min()}, {labels.max()}")
            target = np.ascontiguousarray(labels, dtype=np.int32)
        else:
            target = np.ascontiguousarray(y, dtype=self.dtype)
            if target.ndim not in (1, 2):
                raise ValueError(f"y must be 1-D or 2-D; got shape {target.shape}")
        given = None if output_gradient is None else np.asarray(output_gradient, dtype=self.dtype)
        weights = (
            None if sample_weight is None else np.ascontiguousarray(sample_weight, dtype=self.dtype)
        )
        if weights is not None and not np.all(np.isfinite(weights) & (weights >= 0)):
            raise ValueError("sample_weight must hold finite numbers >= 0")
        if not (0 <= alpha < np.inf and 0 <= l1_ratio <= 1):
            raise ValueError(
                f"alpha must be >= 0 and finite, l1_ratio in [0, 1]; got {alpha} and {l1_ratio}"
            )
        value: float = self._engine.backward(
            table,
            target,
            weights,
            given,
            loss,
            delta,
            np.atleast_1d(np.asarray(quantile, dtype=np.float64)).tolist(),
            label_smoothing,
            alpha * l1_ratio,
            alpha * (1 - l1_ratio),
            n_threads(self.n_jobs),
        )
        return None if y is None else value


class Optimizer:
    """Moves a network's parameters against its last gradients.

    Parameters
    ----------
    network : Network
    solver : {"adam", "sgd", "rmsprop"}, default="adam"
    learning_rate_init : float, default=1e-3
        Learning rate where `step` is not given another.
    momentum, nesterovs_momentum : float and bool, default=0.9 and True
        Of 'sgd'.
    beta_1, beta_2, epsilon : float, default=0.9, 0.999 and 1e-8
        Of 'adam'; 'rmsprop' uses the last two.
    weight_decay : float, default=0
        Decoupled decay (AdamW): weights shrink by ``learning_rate * weight_decay`` at every step.
    max_grad_norm : float or None, default=None
        Gradients whose common norm is larger are scaled down to it.
    learning_rate_factors : sequence of float or (float, float), default=None
        A factor on the learning rate of every layer with parameters, or one on its weights' and
        one on its biases'.
    weight_decay_factors : sequence of float or None, default=None
        A factor on the weight decay of every layer with parameters.
    """

    def __init__(
        self,
        network: Network,
        *,
        solver: str = "adam",
        learning_rate_init: float = 1e-3,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        max_grad_norm: float | None = None,
        learning_rate_factors: Sequence[float | tuple[float, float]] | None = None,
        weight_decay_factors: Sequence[float] | None = None,
    ) -> None:
        if not isinstance(network, Network):
            raise TypeError(f"network must be a fastmlp.Network; got {network!r}")
        if not 0 < learning_rate_init < np.inf:
            raise ValueError(
                f"learning_rate_init must be positive and finite; got {learning_rate_init}"
            )
        if max_grad_norm is not None and not max_grad_norm > 0:
            raise ValueError(f"max_grad_norm must be positive or None; got {max_grad_norm}")
        self._network = network
        self.learning_rate_init = learning_rate_init
        self.max_grad_norm = max_grad_norm
        self._options: dict[str, Any] = {
            "solver": solver,
            "momentum": momentum,
            "nesterov": nesterovs_momentum,
            "beta_1": beta_1,
            "beta_2": beta_2,
            "epsilon": epsilon,
            "weight_decay": weight_decay,
            "learning_rate_factors": [
                tuple(map(float, np.broadcast_to(factor, 2)))  # weights', biases'
                for factor in (() if learning_rate_factors is None else learning_rate_factors)
            ],
            "weight_decay_factors": list(
                map(float, () if weight_decay_factors is None else weight_decay_factors)
            ),
        }
        self._build()

    @property
    def network(self) -> Network:
        """The network that is moved."""
        return self._network

    def _build(self) -> None:
        engine: Callable[..., Any] = (
            _core.OptimizerF32 if self._network.dtype == np.float32 else _core.OptimizerF64
        )
        self._engine = engine(self._network._engine, **self._options)

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name != "_engine"}
        moments = [np.array(moment) for moment in self._engine.moments()]
        return state | {"moments": moments, "steps": self._engine.steps}

    def __setstate__(self, state: dict[str, Any]) -> None:
        moments, steps = state.pop("moments"), state.pop("steps")
        self.__dict__.update(state)
        self._build()
        self._engine.steps = steps
        for own, saved in zip(self._engine.moments(), moments, strict=True):
            own[...] = saved

    def step(self, learning_rate: float | None = None) -> float:
        """Move the parameters once.

        Parameters
        ----------
        learning_rate : float, optional
            In place of `learning_rate_init`.

        Returns
        -------
        float
            Norm of the whole gradient, before it was clipped.
        """
        rate = self.learning_rate_init if learning_rate is None else learning_rate
        if not 0 < rate < np.inf:
            raise ValueError(f"learning_rate must be positive and finite; got {rate}")
        norm: float = self._engine.step(self._network._engine, rate, self.max_grad_norm or 0.0)
        return norm
