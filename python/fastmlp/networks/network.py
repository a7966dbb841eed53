"""Network: a stack of layers with its parameters, for estimators and for loops of your own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.utils import check_random_state

from fastmlp import _core
from fastmlp._threads import n_threads
from fastmlp.networks.layers import Layer, check_numbers, engine_spec
from fastmlp.table.engine_array import engine_table, engine_values


class Network:
    """A stack of layers with its parameters and gradients.

    Use a network from one thread at a time.

    Parameters
    ----------
    layers : sequence of Dense, Dropout, Scale and Embedding
        From the inputs to the outputs; each layer reads the outputs of the one before it. An
        Embedding can only be the first layer, a Dropout cannot.
    dtype : {"float32", "float64"}, default="float32"
        Type to compute in.
    random_state : int, RandomState or None, default=None
        Seed of the initial weights and of the dropout masks.
    n_jobs : int or None, default=None
        Threads of `forward` and `backward`. None: as many as CPU affinity, the container's quota,
        ``OMP_NUM_THREADS`` and threadpoolctl allow, and not 1 as in scikit-learn. -1: all cores.

    Attributes
    ----------
    parameters : list of ndarray
        Weights (inputs x outputs), bias (outputs,) and, if parametric, slopes (outputs,) of every
        Dense layer in turn, and those of the other layers: views of the network's own memory, so
        that writing to them changes the network.
    gradients_ : list of ndarray
        The last gradient with respect to each of `parameters`, views as well.

    Raises
    ------
    ValueError
        If sizes of layers do not match, or a parameter is out of its range.
    TypeError
        If `layers` holds something else, or a layer's field is of the wrong type.
    MemoryError
        If there is not enough memory for the parameters.

    Examples
    --------
    A training loop of your own, with a loss written in NumPy:

    >>> import numpy as np
    >>> from fastmlp import Dense, Network, Optimizer
    >>> X = np.linspace(-1, 1, 64, dtype="float32")[:, None]
    >>> y = X**2
    >>> network = Network([Dense(1, 16, "tanh"), Dense(16, 1)], random_state=0)
    >>> optimizer = Optimizer(network, solver="adam", learning_rate_init=0.02)
    >>> for epoch in range(300):
    ...     difference = network.forward(X, training=True) - y
    ...     network.backward(X, output_gradient=2 * difference / len(X))
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
        n_threads(n_jobs)  # raises if n_jobs is invalid
        if isinstance(layers, Layer):
            raise TypeError(f"layers must be a sequence of layers; got one: {layers!r}")
        if not isinstance(layers, Iterable):
            raise TypeError(f"layers must be a sequence of layers; got {layers!r}")
        self.layers = tuple(layers)
        self.dtype = np.dtype(dtype)
        self.n_jobs = n_jobs
        seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
        self._build(seed)

    def _build(self, seed: int) -> None:
        engine: Any = _core.NetworkF32 if self.dtype == np.float32 else _core.NetworkF64
        try:
            self._engine = engine([engine_spec(layer) for layer in self.layers], seed)
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
        """Views of the last gradient with respect to each of `parameters`."""
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

    def _table(self, X: Any) -> Any:
        table = X if issparse(X) else np.asarray(X)
        if table.dtype.kind not in "fiub":
            raise TypeError(f"X must hold numbers; got dtype {table.dtype}")
        return engine_table(table, self.dtype)

    def forward(self, X: Any, *, training: bool = False) -> NDArray[Any]:
        """Compute the outputs.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_rows, inputs)
            Sparse if, and only if, the first layer is.
        training : bool, default=False
            Whether dropout acts, with the masks that the next `backward` will use.

        Returns
        -------
        ndarray of shape (n_rows, outputs)

        Raises
        ------
        ValueError
            If X does not have as many columns as the network has inputs, or is sparse and the
            network is not, or the other way round.
        TypeError
            If X does not hold numbers.
        KeyboardInterrupt
            After Ctrl-C.
        """
        outputs: NDArray[Any] = self._engine.forward(
            self._table(X), bool(training), n_threads(self.n_jobs)
        )
        return outputs

    def backward(
        self,
        X: Any,
        y: ArrayLike | None = None,
        *,
        loss: str = "squared_error",
        sample_weight: ArrayLike | None = None,
        output_gradient: ArrayLike | None = None,
        delta: float = 1.0,
        quantile: float | Sequence[float] = 0.5,
        tweedie_power: float = 1.5,
        expectile: float = 0.5,
        focal_gamma: float = 2.0,
        label_smoothing: float = 0.0,
        heads: Sequence[int] = (),
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
    ) -> float | None:
        """Fill `gradients_` with the derivatives of a loss with respect to the parameters.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_rows, inputs)
            Sparse if, and only if, the first layer is.
        y : array-like of shape (n_rows,) or (n_rows, outputs), optional
            True values; for 'cross_entropy' and 'focal' the number of each row's class, or, for
            'cross_entropy', as floats, the probabilities of all classes, which add up to 1. For
            'gaussian' (n_rows, outputs / 2).
        loss : str, default="squared_error"
            'squared_error', 'absolute_error', 'huber', 'log_cosh', 'quantile', 'expectile';
            'poisson', 'gamma' or 'tweedie' (outputs are logarithms); 'binary_cross_entropy',
            'cross_entropy', 'binary_focal' or 'focal' (outputs are logits); 'gaussian' (the first
            half of the outputs are means, the others spreads: the standard deviations are
            ``softplus(spread) + 0.001``). The mean over rows and outputs. True values that are NaN
            do not count.
        sample_weight : array-like of shape (n_rows,), optional
        output_gradient : array-like of shape (n_rows, outputs), optional
            Derivative of a loss of your own with respect to the outputs, instead of `y`; weights of
            rows are part of it.
        delta, quantile, tweedie_power, expectile, focal_gamma, label_smoothing : float
            Parameters of the losses 'huber', 'quantile' (one for all outputs, or one for each),
            'tweedie' (in (1, 2)), 'expectile' (in (0, 1)), the focal losses (>= 0) and the
            cross-entropies.
        heads : sequence of int, default=()
            For 'cross_entropy' and 'focal': the classes of each of several classifications, whose
            logits follow one another in the outputs. y then has a column of class numbers for each;
            -1 does not count. (): all outputs are one classification.
        alpha, l1_ratio : float
            Penalty ``alpha * ((1 - l1_ratio) / 2 * ||W||^2 + l1_ratio * ||W||_1) / n`` on the
            weights, n the number of rows (the sum of their weights).

        Returns
        -------
        float or None
            The loss, penalty included; None with `output_gradient`.

        Raises
        ------
        ValueError
            If shapes do not match the network, both or none of `y` and `output_gradient` are given,
            or a parameter is out of its range.
        TypeError
            If X does not hold numbers.
        KeyboardInterrupt
            After Ctrl-C; `gradients_` is undefined then, the parameters are unchanged.
        """
        table = self._table(X)
        parameters = {
            "delta": delta,
            "tweedie_power": tweedie_power,
            "expectile": expectile,
            "focal_gamma": focal_gamma,
            "label_smoothing": label_smoothing,
        }
        check_numbers(**parameters, alpha=alpha, l1_ratio=l1_ratio)
        if not isinstance(loss, str):
            raise TypeError(f"loss must be a string; got {loss!r}")
        if (y is None) == (output_gradient is None):
            raise ValueError("exactly one of y and output_gradient must be given")
        if y is None:
            target = None
        elif loss == "focal" or (loss == "cross_entropy" and (heads or not _are_probabilities(y))):
            labels = np.asarray(y)
            if labels.dtype.kind not in "iu":
                raise ValueError(f"y must hold integer class numbers for loss={loss!r}")
            if labels.size and max(-int(labels.min()), int(labels.max())) > np.iinfo(np.int32).max:
                raise ValueError(f"y must hold class numbers; got {labels.min()}, {labels.max()}")
            target = engine_values(labels, np.dtype(np.int32))
        else:
            target = engine_values(y, self.dtype)
            if target.ndim not in (1, 2):
                raise ValueError(f"y must be 1-D or 2-D; got shape {target.shape}")
        given = None if output_gradient is None else engine_values(output_gradient, self.dtype)
        weights = None if sample_weight is None else engine_values(sample_weight, self.dtype)
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
            {
                "loss": loss,
                "quantiles": np.atleast_1d(np.asarray(quantile, dtype=np.float64)).tolist(),
                "heads": [*heads],
                **parameters,
            },
            alpha * l1_ratio,
            alpha * (1 - l1_ratio),
            n_threads(self.n_jobs),
        )
        return None if y is None else value


def _are_probabilities(y: ArrayLike) -> bool:
    """Whether y is a table of floats."""
    values = np.asarray(y)
    return values.ndim == 2 and values.dtype.kind == "f"
