"""`MLPRegressor` and `MLPClassifier`: scikit-learn's estimators with the engine inside.

They inherit everything that scikit-learn's classes do before and after the computation: parameters
and their checks, warnings, attributes, tags, what is printed.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

from sklearn import neural_network as sklearn_mlp
from sklearn.utils._param_validation import Interval, StrOptions

from fastmlp.neural_network.engine_mixin import EngineMixin

_CONSTRAINTS: dict[str, list[Any]] = {
    "n_jobs": [
        Interval(Integral, 1, None, closed="left"),
        Interval(Integral, None, -1, closed="right"),
        None,
    ],
    "dtype": [StrOptions({"auto", "float32", "float64"})],
}


class MLPRegressor(EngineMixin, sklearn_mlp.MLPRegressor):
    """scikit-learn's multilayer perceptron regressor on fastmlp's engine.

    The same results as `sklearn.neural_network.MLPRegressor` from the same `random_state`, up to
    rounding, and everything else that class does; `n_jobs` and `dtype` are added.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}, default="squared_error"
        Half the squared error, or half the Poisson deviance of the exponential of the outputs,
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
        Largest number of epochs, or with "lbfgs" of iterations.
    shuffle : bool, default=True
        Whether each epoch takes the rows in a new order.
    random_state : int, RandomState instance or None, default=None
        Source of the initial weights, the validation part and the order of the rows. The same
        value gives scikit-learn's numbers.
    tol : float, default=1e-4
        Smallest improvement that counts.
    verbose : bool or int, default=False
        Print a line per epoch.
    warm_start : bool, default=False
        Continue from the weights of the last fit.
    momentum : float, default=0.9
        Momentum of SGD, in [0, 1].
    nesterovs_momentum : bool, default=True
        Whether it is Nesterov's.
    early_stopping : bool, default=False
        Hold out `validation_fraction` of the rows, stop when the score on them no longer
        improves, and keep the best weights.
    validation_fraction : float, default=0.1
        Share of the rows that is held out, in [0, 1).
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of Adam's means of gradients and of their squares, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root in Adam's denominator, outside the bias correction.
    n_iter_no_change : int or inf, default=10
        Epochs without improvement after which to stop.
    max_fun : int, default=15000
        Largest number of evaluations of the loss by "lbfgs".
    n_jobs : int or None, default=None
        Threads. None: what the affinity mask, ``OMP_NUM_THREADS`` and threadpoolctl allow;
        -1: all cores. The numbers do not depend on it.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Type that X is converted to, and that a new network's weights have. "auto" follows X as
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


class MLPClassifier(EngineMixin, sklearn_mlp.MLPClassifier):
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
        Largest number of epochs, or with "lbfgs" of iterations.
    shuffle : bool, default=True
        Whether each epoch takes the rows in a new order.
    random_state : int, RandomState instance or None, default=None
        Source of the initial weights, the validation part and the order of the rows. The same
        value gives scikit-learn's numbers.
    tol : float, default=1e-4
        Smallest improvement that counts.
    verbose : bool or int, default=False
        Print a line per epoch.
    warm_start : bool, default=False
        Continue from the weights of the last fit.
    momentum : float, default=0.9
        Momentum of SGD, in [0, 1].
    nesterovs_momentum : bool, default=True
        Whether it is Nesterov's.
    early_stopping : bool, default=False
        Hold out `validation_fraction` of the rows, stop when the score on them no longer
        improves, and keep the best weights.
    validation_fraction : float, default=0.1
        Share of the rows that is held out, in [0, 1).
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of Adam's means of gradients and of their squares, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root in Adam's denominator, outside the bias correction.
    n_iter_no_change : int or inf, default=10
        Epochs without improvement after which to stop.
    max_fun : int, default=15000
        Largest number of evaluations of the loss by "lbfgs".
    n_jobs : int or None, default=None
        Threads. None: what the affinity mask, ``OMP_NUM_THREADS`` and threadpoolctl allow;
        -1: all cores. The numbers do not depend on it.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Type that X is converted to, and that a new network's weights have. "auto" follows X as
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
