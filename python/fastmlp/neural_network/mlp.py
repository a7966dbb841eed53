"""`MLPRegressor` and `MLPClassifier`: scikit-learn's estimators with the engine in them.

They inherit everything that scikit-learn's do before and after the numbers are crunched: parameters
and their checks, warnings, attributes, tags, what is printed. What is replaced is training with
minibatches, the loss and gradient that L-BFGS asks for, and prediction.
"""

from __future__ import annotations

import warnings
from copy import copy
from itertools import pairwise
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn import neural_network as sklearn_mlp
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron as _Base
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import validate_data

from fastmlp._threads import n_threads
from fastmlp.neural_network.blas import ONE_BLAS_THREAD
from fastmlp.neural_network.engine import Engine, Snapshot
from fastmlp.neural_network.kept_beside import Beside
from fastmlp.neural_network.training import EngineOptimizer, Session, shuffle

# Frames up to scikit-learn's own: warnings come from its module, as far as filters can see.
_SKLEARN = 2
# So many rows, or one for so many weights, are predicted faster by NumPy: it needs nothing made of
# the weights.
_FEW_ROWS, _WEIGHTS_PER_ROW = 64, 1000
# Kept beside the models, which look as scikit-learn's do: what predictions are made with, and what
# the next partial_fit goes on with.
_SNAPSHOTS: Beside[Snapshot] = Beside()
_ENGINES: Beside[tuple[Engine, EngineOptimizer]] = Beside()

# Where a subclass has a network pass of its own, that is what is asked for.
_PASSES = ("_forward_pass", "_backprop", "_compute_loss_grad")
# The losses that the engine knows, with the activation of the outputs.
_KNOWN = {
    ("squared_error", "identity"),
    ("poisson", "exp"),
    ("log_loss", "logistic"),
    ("log_loss", "softmax"),
}

_CONSTRAINTS: dict[str, list[Any]] = {
    "n_jobs": [
        Interval(Integral, 1, None, closed="left"),
        Interval(Integral, None, -1, closed="right"),
        None,
    ],
    "dtype": [StrOptions({"auto", "float32", "float64"})],
}


class _EngineMixin:
    """scikit-learn's private steps of an MLP, on the engine."""

    def _converted(self: Any, X: Any) -> Any:
        """X in the type to compute in."""
        if self.dtype in ("auto", X.dtype.name):
            return X
        with np.errstate(over="ignore"):
            converted = X.astype(self.dtype, copy=False)
        if not np.isfinite(converted.data if issparse(converted) else converted).all():
            raise ValueError(f"X holds values that {self.dtype} cannot hold")
        return converted

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        X, y = super()._validate_input(X, y, incremental, reset)  # type: ignore[misc]
        return self._converted(X), y

    def _fit(self, X: Any, y: Any, sample_weight: Any = None, incremental: bool = False) -> Any:
        # A failed call leaves the estimator as it was.
        before = {
            name: copy(value) if isinstance(value, list) and name.endswith("_") else value
            for name, value in self.__dict__.items()
        }
        if "_optimizer" in before:
            before["_optimizer"] = copy(before["_optimizer"])
        _SNAPSHOTS.pop(self)
        try:
            return super()._fit(X, y, sample_weight, incremental)  # type: ignore[misc]
        except ConvergenceWarning:
            raise  # where warnings are errors: the model is trained all the same
        except BaseException:
            self.__dict__.update(before)
            for name in self.__dict__.keys() - before.keys():
                del self.__dict__[name]
            raise

    def _is_known(self: Any) -> bool:
        """Whether the engine can compute what this class and its parameters ask for."""
        own = any(getattr(type(self), name) is not getattr(_Base, name) for name in _PASSES)
        return (
            not own
            and self.activation in ("identity", "logistic", "tanh", "relu")
            and (self.loss, self.out_activation_) in _KNOWN
            and all(isinstance(w, np.ndarray) for w in self.coefs_ + self.intercepts_)
        )

    def _score(self: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        # scikit-learn's before 1.9 fails on labels of text.
        predictions = self._predict(X, check_input=False)
        if predictions.dtype.kind == "f" and not np.isfinite(predictions).all():
            return np.nan
        score = accuracy_score if is_classifier(self) else r2_score
        return float(score(y, predictions, sample_weight=sample_weight))

    def _new_optimizer(self: Any) -> AdamOptimizer | SGDOptimizer:
        """scikit-learn's optimiser: it keeps the state between calls and the rules of schedules."""
        parameters = self.coefs_ + self.intercepts_
        if self.solver == "adam":
            return AdamOptimizer(
                parameters, self.learning_rate_init, self.beta_1, self.beta_2, self.epsilon
            )
        return SGDOptimizer(
            parameters,
            self.learning_rate_init,
            self.learning_rate,
            self.momentum,
            self.nesterovs_momentum,
            self.power_t,
        )

    def _split(self: Any, X: Any, y: Any, sample_weight: Any) -> tuple[Any, ...]:
        """X, y and weights of the training part, then of the validation part."""
        classifies = is_classifier(self)
        given = [X, y] if sample_weight is None else [X, y, sample_weight]
        parts = train_test_split(
            *given,
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=y if classifies and self.n_outputs_ == 1 else None,
        )
        train, validation = parts[::2], parts[1::2]
        if validation[0].shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' "
                "or the size of your dataset."
            )
        if classifies:
            validation[1] = self._label_binarizer.inverse_transform(validation[1])
        none = [None] * (3 - len(given))
        return (*train, *none, *validation, *none)

    def _checked_batch_size(self: Any, n_rows: int) -> int:
        if self.batch_size == "auto":
            return min(200, n_rows)
        if self.batch_size > n_rows:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=_SKLEARN + 1,
            )
        return int(min(self.batch_size, n_rows))

    def _engine(self: Any, X: Any) -> tuple[Engine, EngineOptimizer]:
        """The engine with this model's weights and its optimiser's state."""
        engine, optimizer = _ENGINES.pop(self) or (None, None)
        if engine is None or not engine.is_of(self, X):
            engine, optimizer = Engine(self, X), None
            engine.network.prepare()
        if optimizer is None or not optimizer.is_of(self._optimizer):
            return engine, EngineOptimizer(engine, self._optimizer)
        optimizer.load(self._optimizer)
        return engine, optimizer

    def _session(
        self: Any, engine: Engine, X: Any, y: Any, weight: Any, batch_size: int
    ) -> Session:
        threads = n_threads(self.n_jobs)
        return Session(self, engine, X, y, weight, batch_size=batch_size, n_threads=threads)

    def _fit_stochastic(
        self: Any,
        X: Any,
        y: Any,
        sample_weight: Any,
        activations: Any,
        deltas: Any,
        coef_grads: Any,
        intercept_grads: Any,
        layer_units: Any,
        incremental: bool,
    ) -> None:
        if not self._is_known():
            rest = (activations, deltas, coef_grads, intercept_grads, layer_units, incremental)
            super()._fit_stochastic(X, y, sample_weight, *rest)  # type: ignore[misc]
            return
        if not incremental or not hasattr(self, "_optimizer"):
            self._optimizer = self._new_optimizer()
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        X_val = y_val = weight_val = None
        if self.early_stopping:
            X, y, sample_weight, X_val, y_val, weight_val = self._split(X, y, sample_weight)
        n_rows = X.shape[0]
        batch_size = self._checked_batch_size(n_rows)
        engine, optimizer = self._engine(X)
        session = self._session(engine, X, y, sample_weight, batch_size)
        converged, interrupted = True, False
        # After early stopping scikit-learn's best weights are the model's own, trained in place.
        best = getattr(self, "_best_coefs", None)
        own_best = best if self.coefs_ is best else None
        watched = type(self)._update_no_improvement_count is not _Base._update_no_improvement_count
        try:
            self.n_iter_ = 0
            for _ in range(self.max_iter):
                if self.shuffle:
                    shuffle(session.rows, self._random_state)
                rate = optimizer.learning_rate_of(self._optimizer)
                self.loss_ = np.float64(session.run_epoch(optimizer, rate))
                self.n_iter_ += 1
                self.t_ += n_rows
                if self.early_stopping or watched:
                    session.store_weights()  # for the score, or a subclass that looks
                if self._ends_epoch(X_val, y_val, weight_val) or incremental:
                    break
            else:
                converged = False
        except KeyboardInterrupt:
            interrupted = True
            warnings.warn("Training interrupted by user.", stacklevel=_SKLEARN)
        # An interrupted epoch tore the running means; non-finite weights will be refused.
        if not interrupted and engine.is_finite():
            optimizer.store(self._optimizer)
            if incremental:
                _ENGINES[self] = engine, optimizer
        if self.early_stopping:
            if own_best is not None and self._best_coefs is own_best:  # none was better since
                self._best_coefs, self._best_intercepts = self.coefs_, self.intercepts_
            self.coefs_, self.intercepts_ = self._best_coefs, self._best_intercepts
        else:
            session.store_weights()
        if not converged:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=_SKLEARN,
            )

    def _ends_epoch(self: Any, X_val: Any, y_val: Any, weight_val: Any) -> bool:
        """Take down the epoch just run, and say whether it was the last."""
        self.loss_curve_.append(self.loss_)
        if self.verbose:
            print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
        self._update_no_improvement_count(self.early_stopping, X_val, y_val, weight_val)
        self._optimizer.iteration_ends(self.t_)
        if self._no_improvement_count > self.n_iter_no_change:
            what = "Validation score" if self.early_stopping else "Training loss"
            message = (
                f"{what} did not improve more than tol={self.tol:f} for "
                f"{self.n_iter_no_change:d} consecutive epochs."
            )
            if self._optimizer.trigger_stopping(message, self.verbose):
                return True
            self._no_improvement_count = 0
        return False

    def _fit_lbfgs(self: Any, X: Any, y: Any, sample_weight: Any, *rest: Any) -> None:
        wanted, shapes = list(pairwise(rest[-1])), [np.shape(coef) for coef in self.coefs_]
        if shapes != wanted:
            raise ValueError(
                f"hidden_layer_sizes, X and y ask for weights of shapes {wanted}; those to go on "
                f"with have {shapes}"
            )
        if not self._is_known():
            super()._fit_lbfgs(X, y, sample_weight, *rest)  # type: ignore[misc]
            return
        self._lbfgs = self._session(Engine(self, X), X, y, sample_weight, X.shape[0])
        try:
            # Its vectors are short. The threads of BLAS would spin between two evaluations, on the
            # cores that these need.
            with ONE_BLAS_THREAD:
                super()._fit_lbfgs(X, y, sample_weight, *rest)  # type: ignore[misc]
        finally:
            del self._lbfgs
        if self.dtype != "auto":  # SciPy's answer is in float64
            self.coefs_ = [coef.astype(self.dtype) for coef in self.coefs_]
            self.intercepts_ = [intercept.astype(self.dtype) for intercept in self.intercepts_]

    def _loss_grad_lbfgs(self: Any, packed: NDArray[Any], *rest: Any) -> tuple[Any, NDArray[Any]]:
        session: Session | None = self.__dict__.get("_lbfgs")
        if session is None:  # asked from outside a fit, or not ours to compute
            theirs: tuple[Any, NDArray[Any]] = super()._loss_grad_lbfgs(packed, *rest)  # type: ignore[misc]
            return theirs
        self._unpack(packed.copy())  # the model is always that of the last evaluation
        return session.loss_and_gradient(packed)

    def _forward_pass_fast(self: Any, X: Any, check_input: bool = True) -> NDArray[Any]:
        if check_input:
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        X = self._converted(X)
        n_weights = sum(np.size(coef) for coef in self.coefs_)
        few_rows = X.shape[0] < max(_FEW_ROWS, n_weights / _WEIGHTS_PER_ROW)
        if few_rows or not self._is_known():
            few: NDArray[Any] = super()._forward_pass_fast(X, False)  # type: ignore[misc]
            return few
        snapshot = _SNAPSHOTS[self]
        if snapshot is None or not snapshot.is_of(self, X):
            _SNAPSHOTS[self] = snapshot = Snapshot(self, X)
        return snapshot.predict(X, n_threads(self.n_jobs))


class MLPRegressor(_EngineMixin, sklearn_mlp.MLPRegressor):
    """scikit-learn's multilayer perceptron regressor on fastmlp's engine.

    The same results as `sklearn.neural_network.MLPRegressor` from the same `random_state`, up to
    rounding, and everything else that class does; `n_jobs` and `dtype` are added.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}, default="squared_error"
        Half the squared error, or half the Poisson deviance with an exponential behind the outputs,
        for targets ``y >= 0``.
    hidden_layer_sizes : int or array-like of shape (n_layers - 2,), default=(100,)
        Units of each hidden layer.
    activation : {"identity", "logistic", "tanh", "relu"}, default="relu"
        Activation of the hidden layers.
    solver : {"lbfgs", "sgd", "adam"}, default="adam"
        SciPy's L-BFGS-B over all rows, or minibatches with SGD or Adam.
    alpha : float, default=0.0001
        L2 penalty: ``alpha / 2 * ||W||^2``, divided by the weight of the minibatch.
    batch_size : int or "auto", default="auto"
        Rows of a minibatch; "auto" is ``min(200, n_samples)``.
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        Schedule of SGD: none; ``learning_rate_init / (t + 1)**power_t`` with ``t`` the rows seen
        before the epoch; or divided by 5 whenever the loss, or with `early_stopping` the
        validation score, has stopped improving.
    learning_rate_init : float, default=0.001
        Initial learning rate of SGD and Adam.
    power_t : float, default=0.5
        Exponent of "invscaling".
    max_iter : int, default=200
        Most epochs, or with "lbfgs" most iterations.
    shuffle : bool, default=True
        Whether each epoch takes the rows in a new order.
    random_state : int, RandomState instance or None, default=None
        Source of the initial weights, the validation part and the order of the rows. The same
        value gives scikit-learn's numbers.
    tol : float, default=1e-4
        Least improvement that counts.
    verbose : bool or int, default=False
        Print a line per epoch.
    warm_start : bool, default=False
        Go on from the weights of the fit before.
    momentum : float, default=0.9
        Momentum of SGD, in [0, 1].
    nesterovs_momentum : bool, default=True
        Whether it is Nesterov's.
    early_stopping : bool, default=False
        Hold `validation_fraction` of the rows aside, stop when the score on them no longer
        improves, and keep the best weights.
    validation_fraction : float, default=0.1
        Part of the rows that is held aside, in [0, 1).
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of Adam's means of gradients and of their squares, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root in Adam's denominator, outside the bias correction.
    n_iter_no_change : int or inf, default=10
        Epochs without improvement after which to stop.
    max_fun : int, default=15000
        Most evaluations of the loss by "lbfgs".
    n_jobs : int or None, default=None
        Threads. None: what the affinity mask, ``OMP_NUM_THREADS`` and threadpoolctl allow;
        -1: all cores. The numbers do not depend on it.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Type that X is brought to, and a new network's weights have. "auto" follows X as
        scikit-learn does: float32 for float32, else float64. float32 is faster.

    Attributes
    ----------
    loss_ : float
        Loss of the last epoch.
    best_loss_ : float or None
        Lowest loss of an epoch; None with `early_stopping`.
    loss_curve_ : list of float
        Loss of each epoch.
    validation_scores_ : list of float or None
        With `early_stopping`, the R2 on the validation part after each epoch.
    best_validation_score_ : float or None
        The best of them.
    t_ : int
        Rows seen in training.
    coefs_ : list of ndarray
        Weights of each layer, (inputs, outputs). May be changed or replaced; prediction and
        further training use what is there.
    intercepts_ : list of ndarray
        Biases of each layer, (outputs,).
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where all are text.
    n_iter_ : int
        Finished epochs, or iterations of "lbfgs".
    n_layers_ : int
        Layers, input and output included.
    n_outputs_ : int
        Outputs of the network.
    out_activation_ : str
        Activation of the outputs.

    See Also
    --------
    fastmlp.Regressor : Better defaults, preprocessing inside, more losses and activations.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from fastmlp.neural_network import MLPRegressor
    >>> X, y = make_regression(n_samples=200, n_features=20, random_state=1)
    >>> model = MLPRegressor(random_state=1, max_iter=2000, tol=0.1).fit(X[:150], y[:150])
    >>> round(model.score(X[150:], y[150:]), 2)
    0.98
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **sklearn_mlp.MLPRegressor._parameter_constraints,
        **_CONSTRAINTS,
    }

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        n_jobs: int | None = None,
        dtype: str = "auto",
    ) -> None:
        super().__init__(
            loss=loss,
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
        )
        self.n_jobs = n_jobs
        self.dtype = dtype


class MLPClassifier(_EngineMixin, sklearn_mlp.MLPClassifier):
    """scikit-learn's multilayer perceptron classifier on fastmlp's engine.

    The same results as `sklearn.neural_network.MLPClassifier` from the same `random_state`, up to
    rounding, and everything else that class does; `n_jobs` and `dtype` are added.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of shape (n_layers - 2,), default=(100,)
        Units of each hidden layer.
    activation : {"identity", "logistic", "tanh", "relu"}, default="relu"
        Activation of the hidden layers.
    solver : {"lbfgs", "sgd", "adam"}, default="adam"
        SciPy's L-BFGS-B over all rows, or minibatches with SGD or Adam.
    alpha : float, default=0.0001
        L2 penalty: ``alpha / 2 * ||W||^2``, divided by the weight of the minibatch.
    batch_size : int or "auto", default="auto"
        Rows of a minibatch; "auto" is ``min(200, n_samples)``.
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        Schedule of SGD: none; ``learning_rate_init / (t + 1)**power_t`` with ``t`` the rows seen
        before the epoch; or divided by 5 whenever the loss, or with `early_stopping` the
        validation score, has stopped improving.
    learning_rate_init : float, default=0.001
        Initial learning rate of SGD and Adam.
    power_t : float, default=0.5
        Exponent of "invscaling".
    max_iter : int, default=200
        Most epochs, or with "lbfgs" most iterations.
    shuffle : bool, default=True
        Whether each epoch takes the rows in a new order.
    random_state : int, RandomState instance or None, default=None
        Source of the initial weights, the validation part and the order of the rows. The same
        value gives scikit-learn's numbers.
    tol : float, default=1e-4
        Least improvement that counts.
    verbose : bool or int, default=False
        Print a line per epoch.
    warm_start : bool, default=False
        Go on from the weights of the fit before.
    momentum : float, default=0.9
        Momentum of SGD, in [0, 1].
    nesterovs_momentum : bool, default=True
        Whether it is Nesterov's.
    early_stopping : bool, default=False
        Hold `validation_fraction` of the rows aside, stop when the score on them no longer
        improves, and keep the best weights.
    validation_fraction : float, default=0.1
        Part of the rows that is held aside, in [0, 1).
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of Adam's means of gradients and of their squares, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root in Adam's denominator, outside the bias correction.
    n_iter_no_change : int or inf, default=10
        Epochs without improvement after which to stop.
    max_fun : int, default=15000
        Most evaluations of the loss by "lbfgs".
    n_jobs : int or None, default=None
        Threads. None: what the affinity mask, ``OMP_NUM_THREADS`` and threadpoolctl allow;
        -1: all cores. The numbers do not depend on it.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Type that X is brought to, and a new network's weights have. "auto" follows X as
        scikit-learn does: float32 for float32, else float64. float32 is faster.

    Attributes
    ----------
    classes_ : ndarray or list of ndarray of shape (n_classes,)
        Class labels.
    loss_ : float
        Loss of the last epoch.
    best_loss_ : float or None
        Lowest loss of an epoch; None with `early_stopping`.
    loss_curve_ : list of float
        Loss of each epoch.
    validation_scores_ : list of float or None
        With `early_stopping`, the accuracy on the validation part after each epoch.
    best_validation_score_ : float or None
        The best of them.
    t_ : int
        Rows seen in training.
    coefs_ : list of ndarray
        Weights of each layer, (inputs, outputs). May be changed or replaced; prediction and
        further training use what is there.
    intercepts_ : list of ndarray
        Biases of each layer, (outputs,).
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where all are text.
    n_iter_ : int
        Finished epochs, or iterations of "lbfgs".
    n_layers_ : int
        Layers, input and output included.
    n_outputs_ : int
        Outputs of the network.
    out_activation_ : str
        Activation of the outputs.

    See Also
    --------
    fastmlp.Classifier : Better defaults, preprocessing inside, more losses and activations.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from fastmlp.neural_network import MLPClassifier
    >>> X, y = make_classification(n_samples=100, random_state=1)
    >>> model = MLPClassifier(random_state=1, max_iter=500).fit(X[:75], y[:75])
    >>> model.predict(X[75:80])
    array([1, 0, 1, 0, 0])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **sklearn_mlp.MLPClassifier._parameter_constraints,
        **_CONSTRAINTS,
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        n_jobs: int | None = None,
        dtype: str = "auto",
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
        )
        self.n_jobs = n_jobs
        self.dtype = dtype
