"""Regressor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from scipy.special import huber, xlogy
from sklearn.base import RegressorMixin
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import column_or_1d

from fastmlp._base import BaseMLP
from fastmlp._given import Targets
from fastmlp._metrics import metric_of
from fastmlp._network import Network
from fastmlp._progress import Callback, Metric
from fastmlp._rows import parts


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

    Takes raw tables. Parameters that mean what they mean in scikit-learn's MLPRegressor carry its
    names; those at "auto" are set by `preset`.

    Parameters
    ----------
    hidden_layer_sizes : int, sequence of int or "auto", default="auto"
        Units of each hidden layer; () is a linear model.
    activation : str or sequence of str, default="auto"
        One for all hidden layers or one each: 'identity', 'relu', 'leaky_relu', 'elu', 'selu',
        'gelu', 'silu', 'mish', 'tanh', 'logistic', 'softplus'.
    preset : {"default", "fast", "best", "plain"}, default="default"
        What "auto" stands for; see Notes.
    n_estimators : int or "auto", default="auto"
        Networks that are trained, in one call, and averaged. They differ in their start, the order
        of rows and the fold that they are validated on, and but for preset 'plain' in activation
        and rate; ten or more (twice the number of folds) are of two kinds, fewer of one; see Notes.
    categorical_features : "auto", array-like of str, int or bool, or None, default="auto"
        Columns of numbers that are categories nevertheless, by name, position or mask. Text,
        booleans and what a frame calls categorical are categories in any case: "auto", None and
        scikit-learn's "from_dtype" mean nothing but these.
    numeric_embedding : {"periodic", "piecewise_linear", "both", "auto"} or None, default="auto"
        What the network reads beside each number itself, in tables of up to 256 columns of
        numbers. "periodic": three learnt sums of 16 cosines of it (PBLD, Holzmüller et al. 2024).
        "piecewise_linear": four learnt functions of it that are straight between 17 knots (33
        beyond 5,000 rows), which share out the training rows, and level outside (Gorishniy et al.
        2022, with few outputs). "both": both. None: nothing. "auto": by kind of network, number
        of rows and task; see Notes.
    loss : str, default="squared_error"
        'squared_error', 'absolute_error', 'huber', 'quantile' or 'poisson'.
        What to minimise, the mean over rows and outputs, on the standardised target. 'poisson'
        predicts the mean of counts: the network's output is its logarithm.
    delta : float, default=1.0
        Of 'huber': where the quadratic part ends, in deviations of the target.
    quantile : float or sequence of float, default=0.5
        Of 'quantile': which one, in (0, 1), or several, in rising order, from one network.
    solver : {"adam", "sgd", "rmsprop"}, default="adam"
        Optimiser; with `weight_decay` Adam is AdamW.
    alpha : float, default=0.0
        Strength of the penalty in the loss, divided by the minibatch's rows as in scikit-learn:
        ``alpha * ((1 - l1_ratio) / 2 * ||W||^2 + l1_ratio * ||W||_1)``. The squared error is taken
        without scikit-learn's half, so twice its alpha is as strong.
    l1_ratio : float, default=0.0
        Share of L1 in the penalty, in [0, 1].
    weight_decay : float or "auto", default="auto"
        Decoupled decay: weights (not biases) shrink by ``learning rate * weight_decay`` at every
        step (Loshchilov & Hutter 2019).
    dropout : float, sequence of float or "auto", default="auto"
        Probability in [0, 1) that a hidden unit is left out of a training step; one for all hidden
        layers or one each.
    batch_size : int or "auto", default="auto"
        Rows per minibatch. 'auto': about 256; with preset 'plain' 64 up to 1,024 rows, 128 up to
        8,192, 256 up to 30,000, 512 up to 100,000, else 1,024.
    learning_rate : str, default="auto"
        Schedule of the learning rate: 'constant', 'invscaling', 'adaptive', 'cosine', 'one_cycle'
        or 'coslog4'. 'invscaling' and 'adaptive' are scikit-learn's, for any
        solver; 'cosine' falls along half a cosine to 0 over `max_iter` epochs, after a linear rise
        over `warmup_fraction`; 'one_cycle' rises from 1/25 of `learning_rate_init` and falls to
        1/250,000 of it (Smith & Topin 2018); 'coslog4' rises and falls four times along a
        cosine, each time twice as long as before (Holzmüller et al. 2024).
    learning_rate_init : float or "auto", default="auto"
        Largest learning rate. But for preset 'plain' that of Adam is relative to the size of
        layers: weights of a layer of n inputs move by 1/sqrt(n) of it, biases by a tenth; and
        'auto' is 0.002 for 'sgd', 0.004 for 'rmsprop'.
    learning_rate_factors : sequence of float or None, default=None
        A factor on the learning rate of each dense layer, the output layer included.
    power_t : float, default=0.5
        Exponent of 'invscaling'.
    warmup_fraction : float, default=0.1
        Part of all steps, in [0, 1), in which 'cosine' and 'one_cycle' rise.
    max_iter : int or "auto", default="auto"
        Epochs at most.
    time_limit : float or None, default=None
        Seconds for the training of all networks. The schedule is fitted into it at the pace of the
        first epochs, and each network gets at least one epoch. Results then depend on the machine.
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
        What the network is made of (sizes, activations, dropout, dtype) cannot change then. Where
        rows are not held out as they were in the first fit (other rows or targets, another
        `validation_fraction`, `partial_fit` in between), the networks keep their weights in the
        mean and there are no predictions out of fold.
    momentum : float, default=0.9
        Of solver 'sgd'.
    nesterovs_momentum : bool, default=True
        Of solver 'sgd'.
    early_stopping : bool, default=True
        Whether to watch the loss on a validation part, keep the weights of its best epoch and stop
        after `n_iter_no_change` epochs without progress. False: the training loss is watched and
        the last weights are kept. Tables of fewer than 10 rows are trained without,
        and so are those where one of the parts would weigh nothing.
    validation_fraction : float or "auto", default="auto"
        Part of the rows, in (0, 1), that `early_stopping` holds out where `fit` is not given
        `X_val`. Several networks have folds, no larger than this; how many decides on their kinds.
    eval_metric : str, callable or None, default=None
        What finds the best epoch in place of the validation loss: the name of a scikit-learn
        scorer, a scorer, or a function ``metric(y_true, y_pred)`` of what `predict` returns that
        gives a cost (those of scikit-learn named ``..._score`` are scores). Those that
        take `sample_weight` get it where there are weights.
    compute_importances : bool, default=False
        Whether `fit` finds `feature_importances_`.
    beta_1 : float, default=0.9
        Of solver 'adam': decay of the mean of gradients.
    beta_2 : float or "auto", default="auto"
        Of 'adam' and 'rmsprop': decay of the mean of squared gradients.
    epsilon : float, default=1e-8
        Of 'adam' and 'rmsprop': added to the root of that mean.
    n_iter_no_change : int, inf or "auto", default="auto"
        Training ends when more than this many epochs in a row brought no progress. 'auto': 40
        and as many more as lie before the best epoch; 20 for preset 'plain'.
    max_grad_norm : float or None, default=None
        Gradients whose common norm is larger are scaled down to it.
    standardize : bool, "robust" or "auto", default="auto"
        Whether numbers (and regression targets) are brought to mean 0 and deviation 1 inside,
        measured on the training part; "robust": numbers to median 0 and interquartile range 1,
        outliers drawn in to at most 3. Missing numbers become the mean or median; with False 0.
    dtype : {"float32", "float64"}, default="float32"
        Type to compute in.
    n_jobs : int or None, default=None
        Threads. None: what affinity, container, `OMP_NUM_THREADS` and threadpoolctl allow; -1: all
        cores. Small networks run on one in any case.
    callbacks : callable, sequence of callables or None, default=None
        Called after every epoch with an `EpochRecord`; one that returns true ends the training of
        that network. Networks that are trained at the same time take turns in calling.

    Attributes
    ----------
    networks_ : list of Network
        The networks, copies of them.
    estimator_weights_ : ndarray of shape (n_networks,)
        What each counts in the mean, together 1.
    histories_ : list of History
        What the training of each was like: epochs, curves, seconds, why it ended.
    coefs_, intercepts_ : list of ndarray
        Weights (inputs, outputs) and biases (outputs,) of the dense layers, read-only, where there
        is one network. They stand between standardised inputs and standardised targets.
    n_iter_ : int
        Epochs run, of the network that was trained longest.
    best_iteration_ : int or None
        Epoch (from 1) whose weights (but for preset 'plain', the mean up to it) were kept, the
        median over the networks; None without a validation part.
    loss_curve_, validation_curve_, metric_curve_ : list of float
        Training loss (mean over the epoch's minibatches, penalty included), validation loss and
        `eval_metric` after every epoch, the mean over the networks; the latter two None where
        there are none.
    learning_rate_curve_ : list of float
        Learning rate at the end of every epoch.
    loss_, best_loss_ : float
        The last training loss; the least of what was watched; means over the networks.
    stop_reason_ : str
        'max_iter', 'no_improvement', 'callback', 'time_limit', 'interrupted' or 'diverged': that of
        most networks.
    oof_prediction_ : ndarray, shaped like what `predict` returns
        Predictions of every training row by the networks that it was held out from; NaN where
        there are none. Of several networks with `early_stopping` and without `X_val`. The
        kinds of networks are weighed in them by what has the least loss on these very rows.
    fit_seconds_ : float
        Time that training took, all networks together.
    feature_importances_ : ndarray of shape (n_features_in_,)
        With `compute_importances`: by how much the coefficient of determination falls when a column
        of the validation rows is shuffled, the weighted mean over the networks.
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

    Notes
    -----
    What "auto" stands for:

    ====================  =====================  ==========  ==========  ================
    parameter             'default'              'fast'      'best'      'plain'
    ====================  =====================  ==========  ==========  ================
    n_estimators          10                     1           40          1
    hidden_layer_sizes    (128, 128, 128)        the same    the same    (256, 256)
    activation            silu, mish, selu       the same    the same    mish
    dropout               0 to 0.4, see below    the same    the same    0
    numeric_embedding     by kind, see below     the same    the same    None
    standardize           "robust"               the same    the same    True
    learning_rate         coslog4                the same    the same    cosine
    learning_rate_init    0.07 to 0.14           the same    the same    0.004
    beta_2                0.95                   the same    the same    0.999
    weight_decay          0.02                   the same    the same    0.05
    max_iter              256 to 512, see below  a quarter   the same    100
    n_iter_no_change      40 + best epoch        the same    the same    20
    validation_fraction   0.2                    the same    the same    0.1
    ====================  =====================  ==========  ==========  ================

    Networks differ in activation and learning rate, in turn. Where `n_estimators` is twice the
    number of folds or more (ten, with a fifth held out or `X_val` in its place), the first round of
    folds is for networks that suit tables with little noise, the next for such that suit noisy
    ones, and so on: without dropout, with fine waves and pieces (beyond 2,500 rows with a dropout
    of 0.1 and pieces alone), or with a dropout of 0.4 (0.3) and coarse waves. How much each kind
    counts (`estimator_weights_`) is what has the least loss on rows held out. Other networks have a
    dropout of 0.25, and pieces; up to 2,500 rows also waves. `max_iter` is that of up to 4,096 rows
    and falls with the root of their number; 512 is for the first kind, up to 2,500 rows. But for
    'plain' networks also have a learnt factor on each input, a learnt slope in each unit's
    activation, a start that is fitted to the data, dropout and decay that fade out in the second
    half of training, and learning rates by layer, as in RealMLP (Holzmüller et al. 2024); with
    `early_stopping`, what is validated and kept is the mean of the weights over about the last
    three epochs. 'plain' is a stack of dense layers and nothing else.

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
        "quantile": [Interval(Real, 0, 1, closed="neither"), "array-like"],
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] | Literal["auto"] = "auto",
        activation: str | Sequence[str] = "auto",
        *,
        preset: Literal["default", "fast", "best", "plain"] = "default",
        n_estimators: int | Literal["auto"] = "auto",
        categorical_features: Any = "auto",
        numeric_embedding: Literal["periodic", "piecewise_linear", "both", "auto"] | None = "auto",
        loss: Literal[
            "squared_error", "absolute_error", "huber", "quantile", "poisson"
        ] = "squared_error",
        delta: float = 1.0,
        quantile: float | Sequence[float] = 0.5,
        solver: Literal["adam", "sgd", "rmsprop"] = "adam",
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
        weight_decay: float | Literal["auto"] = "auto",
        dropout: float | Sequence[float] | Literal["auto"] = "auto",
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: Literal[
            "auto", "constant", "invscaling", "adaptive", "cosine", "one_cycle", "coslog4"
        ] = "auto",
        learning_rate_init: float | Literal["auto"] = "auto",
        learning_rate_factors: Sequence[float] | None = None,
        power_t: float = 0.5,
        warmup_fraction: float = 0.1,
        max_iter: int | Literal["auto"] = "auto",
        time_limit: float | None = None,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 0.0,
        verbose: int = 0,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = True,
        validation_fraction: float | Literal["auto"] = "auto",
        eval_metric: str | Callable[..., float] | None = None,
        compute_importances: bool = False,
        beta_1: float = 0.9,
        beta_2: float | Literal["auto"] = "auto",
        epsilon: float = 1e-8,
        n_iter_no_change: float | Literal["auto"] = "auto",
        max_grad_norm: float | None = None,
        standardize: bool | Literal["robust", "auto"] = "auto",
        dtype: Literal["float32", "float64"] = "float32",
        n_jobs: int | None = None,
        callbacks: Callback | Sequence[Callback] | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.preset = preset
        self.n_estimators = n_estimators
        self.categorical_features = categorical_features
        self.numeric_embedding = numeric_embedding
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
        self.time_limit = time_limit
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.eval_metric = eval_metric
        self.compute_importances = compute_importances
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
        try:
            values = y if y.dtype.kind in "fiub" else y.astype(np.float64)
        except ValueError as error:
            raise ValueError(
                f"{name} must hold numbers, Classifier is for labels: {error}"
            ) from error
        if values.ndim == 2 and values.shape[1] == 1:
            values = column_or_1d(values, warn=True)
        if values.ndim > 2:
            raise ValueError(f"{name} must be 1-D or 2-D; got shape {values.shape}")
        if self.loss == "poisson" and np.any(values < 0):
            raise ValueError(f"{name} must not be negative for loss='poisson'")
        n_outputs = 1 if values.ndim == 1 else values.shape[1]
        if self._several_quantiles and values.ndim == 2:
            raise ValueError(f"{name} must be 1-D for several quantiles; got shape {values.shape}")
        # Of what is fitted now: `loss` and `quantile` may be set to something else later.
        self._fitted_quantiles = self._quantiles if self._several_quantiles else None
        if reset:
            self.n_outputs_ = n_outputs
            self._one_dimensional = values.ndim == 1
        elif (n_outputs, values.ndim == 1) != (self.n_outputs_, self._one_dimensional):
            raise ValueError(
                f"{name} must have {self.n_outputs_} output(s), as the model was fitted; got "
                f"shape {values.shape}"
            )
        return Targets(values.reshape(values.shape[0], n_outputs))

    @property
    def _several_quantiles(self) -> bool:
        return self.loss == "quantile" and np.ndim(self.quantile) == 1

    @property
    def _quantiles(self) -> list[float]:
        return [float(quantile) for quantile in np.atleast_1d(np.asarray(self.quantile))]

    @property
    def _network_outputs(self) -> int:
        return len(self._quantiles) if self._several_quantiles else int(self.n_outputs_)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        quantiles = np.asarray(self.quantile)
        if quantiles.ndim > 1 or quantiles.size == 0 or quantiles.dtype.kind not in "fiu":
            raise ValueError(f"quantile must be a number or a sequence of them; got {quantiles!r}")
        if not np.all((quantiles > 0) & (quantiles < 1)):
            raise ValueError(f"quantile must be in (0, 1); got {self.quantile!r}")
        if quantiles.ndim == 1 and not np.all(np.diff(quantiles) > 0):
            raise ValueError(f"quantile must hold rising numbers; got {self.quantile!r}")
        if quantiles.ndim == 1 and self.loss != "quantile":
            raise ValueError("quantile can hold several numbers for loss='quantile' only")

    def _standardise_targets(
        self, targets: NDArray[Any], rows: NDArray[Any] | None, weights: Any
    ) -> None:
        clamps = self.preset != "plain" and self.loss != "poisson"
        self._target_range: tuple[Any, Any] | None = (np.inf, -np.inf) if clamps else None
        self._target_shift = np.zeros(self.n_outputs_)
        self._target_scale = np.ones(self.n_outputs_)
        if not self._setting("standardize") or self.loss == "poisson":
            return
        shift = mean_of(lambda y: y, targets, rows, weights)
        deviation = np.sqrt(mean_of(lambda y: (y - shift) ** 2, targets, rows, weights))
        if not np.isfinite(deviation).all():
            raise ValueError("y holds values too large to be standardised")
        # Rounding leaves a constant target a deviation of the size of its last digit.
        constant = deviation <= 10 * np.finfo(np.float64).eps * np.abs(shift)
        self._target_shift = shift
        self._target_scale = np.where(constant, 1.0, deviation)

    def _see_targets(self, targets: NDArray[Any], weights: NDArray[Any] | None) -> None:
        if self._target_range is not None:
            known = targets if weights is None else targets[weights > 0]
            lowest, highest = self._target_range
            self._target_range = (
                np.minimum(lowest, known.min(axis=0)),
                np.maximum(highest, known.max(axis=0)),
            )

    def _scaled_targets(self, targets: NDArray[Any]) -> NDArray[Any]:
        scaled = np.empty((targets.shape[0], self._network_outputs), dtype=self._dtype)
        with np.errstate(over="ignore"):
            for some in parts(targets):
                scaled[some] = (targets[some] - self._target_shift) / self._target_scale
        if not np.isfinite(scaled).all():
            raise ValueError(f"y holds values too large for {self._dtype}")
        return scaled

    def _initialise_output(
        self, network: Network, y: NDArray[Any], sample_weight: NDArray[Any] | None
    ) -> None:
        if self.loss == "poisson":
            # The output is a logarithm: start at the mean's.
            mean = mean_of(lambda y: y, y, None, sample_weight)
            network.parameters[-2][...] *= 0.1
            network.parameters[-1][...] = np.log(np.maximum(mean, 1e-6))

    def _in_units(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """Outputs behind the link, (n_rows, network outputs), as predictions of the target."""
        predicted: NDArray[np.float64] = outputs.astype(np.float64)
        predicted *= self._target_scale
        predicted += self._target_shift
        if self._target_range is not None:
            np.clip(predicted, *self._target_range, out=predicted)
        if self._fitted_quantiles is not None:
            # Networks may cross where they know little; sorted they are closer to the truth
            # (Chernozhukov, Fernández-Val & Galichon 2010).
            predicted.sort(axis=1)
            return predicted
        return predicted[:, 0] if self._one_dimensional else predicted

    def _metric(self, targets: Targets, weights: NDArray[Any] | None) -> Metric:
        y_true = targets.values[:, 0] if self._one_dimensional else targets.values

        def predict(outputs: NDArray[np.float64]) -> NDArray[Any]:
            return self._in_units(np.exp(outputs) if self._link == "exponential" else outputs)

        return metric_of(self.eval_metric, y_true, weights, predict, None, None)

    def _score_of(
        self, outputs: NDArray[Any], targets: Targets, weights: NDArray[Any] | None
    ) -> float:
        return self._goodness(targets.values, self._in_units(outputs), weights)

    def _loss_of(
        self, outputs: NDArray[Any], targets: Targets, weights: NDArray[Any] | None
    ) -> float:
        predicted = self._in_units(outputs).reshape(outputs.shape)
        error = (predicted - targets.values) / self._target_scale
        if self.loss == "squared_error":
            losses = error**2
        elif self.loss == "absolute_error":
            losses = np.abs(error)
        elif self.loss == "huber":
            losses = huber(self.delta, error)
        elif self.loss == "quantile":
            quantiles = np.array(self._quantiles)
            losses = np.maximum(-quantiles * error, (1 - quantiles) * error)
        else:  # poisson
            losses = predicted - xlogy(targets.values, predicted)
        return float(np.average(losses.mean(axis=1), weights=weights))

    def _goodness(self, y: NDArray[Any], predicted: NDArray[Any], weights: Any) -> float:
        """R2, or for several quantiles the mean of what takes its place for each."""
        if self._fitted_quantiles is None:
            return float(r2_score(y, predicted, sample_weight=weights))
        scores = [
            d2_pinball_score(y, predicted[:, k], sample_weight=weights, alpha=quantile)
            for k, quantile in enumerate(self._fitted_quantiles)
        ]
        return float(np.mean(scores))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Tell how good predictions are.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
            The coefficient of determination; for several quantiles the mean over them of the
            fraction of pinball loss explained (`sklearn.metrics.d2_pinball_score`).
        """
        return self._goodness(y, self.predict(X), sample_weight)

    def _keep_out_of_fold(self, outputs: NDArray[Any]) -> None:
        self.oof_prediction_ = self._in_units(outputs)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Regressor:
        """Train one epoch more on the given rows.

        The first call builds the network and learns the standardisation; later calls keep both
        and the optimiser's state, so it should hold enough rows to tell what columns are like.
        There is no validation part; 'cosine', 'one_cycle' and 'coslog4' become a constant learning
        rate: `learning_rate_init`, and 3% of it after a `fit` that has brought the rate down; with
        'constant' it is all of `learning_rate_init` in any case. What needs validation rows
        (`eval_metric`, `compute_importances`) does nothing here.

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
        ndarray of shape (n_samples,), (n_samples, n_outputs) or (n_samples, n_quantiles)
            In the unit of the target, float64. Several quantiles never cross. But for preset
            'plain' and Poisson no prediction leaves the range of the training targets.
        """
        return self._in_units(self._predict_outputs(X))
