"""Regressor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import RegressorMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import column_or_1d

from fastmlp._base import BaseMLP, Targets, parts
from fastmlp._progress import Callback


def mean_of(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    y: NDArray[Any],
    rows: NDArray[Any] | None,
    weights: NDArray[Any] | None,
) -> NDArray[np.float64]:
    """Weighted mean of function(y) over the rows: all of them, or those given."""
    total, weight = np.zeros(y.shape[1]), 0.0
    for some in parts(y, rows):
        values = function(y[some].astype(np.float64))
        if weights is not None:
            own = weights[some].astype(np.float64)
            values = values * own[:, None]
        total += values.sum(axis=0)
        weight += len(values) if weights is None else own.sum()
    return total / weight


class Regressor(RegressorMixin, BaseMLP):
    """Multilayer perceptron for regression.

    Inputs and targets are standardised inside; a tenth of the rows is held out to find the best
    epoch. Parameters that mean what they mean in scikit-learn's MLPRegressor carry its names.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(256, 256)
        Units of each hidden layer; () is a linear model.
    activation : str or sequence of str, default="mish"
        One for all hidden layers or one each: 'identity', 'relu', 'leaky_relu', 'elu', 'selu',
        'gelu', 'silu', 'mish', 'tanh', 'logistic', 'softplus'.
    loss : str, default="squared_error"
        'squared_error', 'absolute_error', 'huber', 'quantile' or 'poisson'.
        What to minimise, the mean over rows and outputs, on the standardised target. 'poisson'
        predicts the mean of counts: the network's output is its logarithm.
    delta : float, default=1.0
        Of 'huber': where the quadratic part ends, in deviations of the target.
    quantile : float, default=0.5
        Of 'quantile': which one, in (0, 1).
    solver : {"adam", "sgd", "rmsprop"}, default="adam"
        Optimiser; with `weight_decay` Adam is AdamW.
    alpha : float, default=0.0
        Strength of the penalty in the loss, divided by the minibatch's rows as in scikit-learn:
        ``alpha * ((1 - l1_ratio) / 2 * ||W||^2 + l1_ratio * ||W||_1)``. The squared error is taken
        without scikit-learn's half, so twice its alpha is as strong.
    l1_ratio : float, default=0.0
        Share of L1 in the penalty, in [0, 1].
    weight_decay : float, default=0.05
        Decoupled decay: weights (not biases) shrink by ``learning rate * weight_decay`` at every
        step (Loshchilov & Hutter 2019).
    dropout : float or sequence of float, default=0.0
        Probability in [0, 1) that a hidden unit is left out of a training step; one for all hidden
        layers or one each.
    batch_size : int or "auto", default="auto"
        Rows per minibatch. 'auto': 64 up to 1,024 rows, 128 up to 8,192, 256 up to 30,000, 512 up
        to 100,000, else 1,024.
    learning_rate : {"constant", "invscaling", "adaptive", "cosine", "one_cycle"}, default="cosine"
        Schedule of the learning rate. 'invscaling' and 'adaptive' are scikit-learn's, for any
        solver; 'cosine' falls along half a cosine to 0 over `max_iter` epochs, after a linear rise
        over `warmup_fraction`; 'one_cycle' rises from 1/25 of `learning_rate_init` and falls to
        1/250,000 of it (Smith & Topin 2018).
    learning_rate_init : float, default=4e-3
        Largest learning rate.
    learning_rate_factors : sequence of float or None, default=None
        A factor on the learning rate of each layer, the output layer included.
    power_t : float, default=0.5
        Exponent of 'invscaling'.
    warmup_fraction : float, default=0.1
        Part of all steps, in [0, 1), in which 'cosine' and 'one_cycle' rise.
    max_iter : int, default=100
        Epochs.
    shuffle : bool, default=True
        Whether rows come in another order in every epoch.
    random_state : int, RandomState instance or None, default=None
        Seed of initial weights, order of rows, dropout and validation split. The same seed gives
        the same bits for any number of threads.
    tol : float, default=0.0
        A loss counts as progress when it falls by more than this.
    verbose : int, default=0
        1: a progress bar; 2: a line per epoch.
    warm_start : bool, default=False
        Whether `fit` goes on with the network, standardisation and optimiser state of the last one.
        What the network is made of (sizes, activations, dropout, dtype) cannot change then.
    momentum : float, default=0.9
        Of solver 'sgd'.
    nesterovs_momentum : bool, default=True
        Of solver 'sgd'.
    early_stopping : bool, default=True
        Whether to watch the loss on a validation part, keep the weights of its best epoch and stop
        after `n_iter_no_change` epochs without progress. False: the training loss is watched and
        the last weights are kept. Tables of fewer than 10 rows are trained without.
    validation_fraction : float, default=0.1
        Part of the rows, in (0, 1), that `early_stopping` holds out where `fit` is not given
        `X_val`.
    beta_1 : float, default=0.9
        Of solver 'adam': decay of the mean of gradients.
    beta_2 : float, default=0.999
        Of 'adam' and 'rmsprop': decay of the mean of squared gradients.
    epsilon : float, default=1e-8
        Of 'adam' and 'rmsprop': added to the root of that mean.
    n_iter_no_change : int or inf, default=20
        Training ends when more than this many epochs in a row brought no progress.
    max_grad_norm : float or None, default=None
        Gradients whose common norm is larger are scaled down to it.
    standardize : bool, default=True
        Whether inputs (and regression targets) are brought to mean 0 and deviation 1 inside,
        measured on the training part.
    dtype : {"float32", "float64"}, default="float32"
        Type to compute in.
    n_jobs : int or None, default=None
        Threads. None: what affinity, container, `OMP_NUM_THREADS` and threadpoolctl allow; -1: all
        cores. Small networks run on one in any case.
    callbacks : callable, sequence of callables or None, default=None
        Called after every epoch with an `EpochRecord`; one that returns true ends training.

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        Weights (inputs, outputs) and biases (outputs,) of the layers, read-only. They stand between
        standardised inputs and standardised targets.
    n_iter_ : int
        Epochs run.
    best_iteration_ : int or None
        Epoch (from 1) whose weights were kept; None without a validation part.
    loss_curve_, validation_curve_ : list of float
        Training loss (mean over the epoch's minibatches, penalty included) and validation loss
        after every epoch; the latter None without a validation part.
    learning_rate_curve_ : list of float
        Learning rate at the end of every epoch.
    loss_, best_loss_ : float
        The last training loss; the least loss of those watched.
    stop_reason_ : str
        'max_iter', 'no_improvement', 'callback', 'interrupted' or 'diverged'.
    t_ : int
        Optimiser steps.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features where X had string names.
    n_layers_, n_outputs_ : int
        Layers, input and output included; units of the output layer.
    out_activation_ : str
        Function between the last layer and the prediction.

    See Also
    --------
    Classifier : The same for classes.
    sklearn.neural_network.MLPRegressor : scikit-learn's network.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import train_test_split
    >>> from fastmlp import Regressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> model = Regressor(random_state=0).fit(X_train, y_train)
    >>> model.predict(X_test[:2]).shape
    (2,)
    >>> model.score(X_test, y_test) > 0.3
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMLP._parameter_constraints,
        "loss": [StrOptions({"squared_error", "absolute_error", "huber", "quantile", "poisson"})],
        "delta": [Interval(Real, 0, None, closed="neither")],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (256, 256),
        activation: str | Sequence[str] = "mish",
        *,
        loss: Literal[
            "squared_error", "absolute_error", "huber", "quantile", "poisson"
        ] = "squared_error",
        delta: float = 1.0,
        quantile: float = 0.5,
        solver: Literal["adam", "sgd", "rmsprop"] = "adam",
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
        weight_decay: float = 0.05,
        dropout: float | Sequence[float] = 0.0,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: Literal[
            "constant", "invscaling", "adaptive", "cosine", "one_cycle"
        ] = "cosine",
        learning_rate_init: float = 4e-3,
        learning_rate_factors: Sequence[float] | None = None,
        power_t: float = 0.5,
        warmup_fraction: float = 0.1,
        max_iter: int = 100,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 0.0,
        verbose: int = 0,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 20,
        max_grad_norm: float | None = None,
        standardize: bool = True,
        dtype: Literal["float32", "float64"] = "float32",
        n_jobs: int | None = None,
        callbacks: Callback | Sequence[Callback] | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.delta = delta
        self.quantile = quantile
        self.solver = solver
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.learning_rate_factors = learning_rate_factors
        self.power_t = power_t
        self.warmup_fraction = warmup_fraction
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_grad_norm = max_grad_norm
        self.standardize = standardize
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.callbacks = callbacks

    @property
    def _engine_loss(self) -> str:
        return self.loss

    @property
    def _link(self) -> str:
        return "exponential" if self.loss == "poisson" else "identity"

    def _encode_targets(self, y: Any, *, reset: bool, name: str = "y") -> Targets:
        if issparse(y):
            raise TypeError(f"{name} must be a dense array; got a sparse matrix")
        if y.dtype.kind in "mM":
            raise TypeError(f"{name} must hold numbers; got dates or durations")
        values = y if y.dtype.kind in "fiub" else y.astype(np.float64)
        if values.ndim == 2 and values.shape[1] == 1:
            values = column_or_1d(values, warn=True)
        if values.ndim > 2:
            raise ValueError(f"{name} must be 1-D or 2-D; got shape {values.shape}")
        if self.loss == "poisson" and np.any(values < 0):
            raise ValueError(f"{name} must not be negative for loss='poisson'")
        n_outputs = 1 if values.ndim == 1 else values.shape[1]
        if reset:
            self.n_outputs_ = n_outputs
            self._one_dimensional = values.ndim == 1
        elif (n_outputs, values.ndim == 1) != (self.n_outputs_, self._one_dimensional):
            raise ValueError(
                f"{name} must have {self.n_outputs_} output(s), as the model was fitted; got "
                f"shape {values.shape}"
            )
        return Targets(values.reshape(values.shape[0], n_outputs))

    def _standardise_targets(
        self, targets: NDArray[Any], rows: NDArray[Any] | None, weights: Any
    ) -> None:
        self._target_shift = np.zeros(self.n_outputs_)
        self._target_scale = np.ones(self.n_outputs_)
        if not self.standardize or self.loss == "poisson":
            return
        shift = mean_of(lambda y: y, targets, rows, weights)
        deviation = np.sqrt(mean_of(lambda y: (y - shift) ** 2, targets, rows, weights))
        if not np.isfinite(deviation).all():
            raise ValueError("y holds values too large to be standardised")
        # Rounding leaves a constant target a deviation of the size of its last digit.
        constant = deviation <= 10 * np.finfo(np.float64).eps * np.abs(shift)
        self._target_shift = shift
        self._target_scale = np.where(constant, 1.0, deviation)

    def _scaled_targets(self, targets: NDArray[Any]) -> NDArray[Any]:
        scaled = np.empty(targets.shape, dtype=self._dtype)
        with np.errstate(over="ignore"):
            for some in parts(targets):
                scaled[some] = (targets[some] - self._target_shift) / self._target_scale
        if not np.isfinite(scaled).all():
            raise ValueError(f"y holds values too large for {self._dtype}")
        return scaled

    def _initialise_output(self, y: NDArray[Any], sample_weight: NDArray[Any] | None) -> None:
        if self.loss == "poisson":
            # The output is a logarithm: start at the mean's.
            mean = mean_of(lambda y: y, y, None, sample_weight)
            self._network.parameters[-1][...] = np.log(np.maximum(mean, 1e-6))

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Regressor:
        """Train one epoch more on the given rows.

        The first call builds the network and learns the standardisation; later calls keep both
        and the optimiser's state. There is no validation part; 'cosine' and 'one_cycle' become
        a constant learning rate.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self
            The estimator.
        """
        self._partial_fit(X, y, sample_weight)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the unit of the target, float64.
        """
        outputs = self._predict_outputs(X).astype(np.float64)
        outputs *= self._target_scale
        outputs += self._target_shift
        return outputs[:, 0] if self._one_dimensional else outputs
