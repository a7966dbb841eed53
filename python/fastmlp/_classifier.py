"""Classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_array

from fastmlp._base import BaseMLP
from fastmlp._calibration import fit_temperature, log_loss_of, sharpen
from fastmlp._given import Targets
from fastmlp._metrics import metric_of
from fastmlp._progress import Callback, Metric
from fastmlp._rows import parts


class Classifier(ClassifierMixin, BaseMLP):
    """Multilayer perceptron for classification: two classes, many, or several labels per row.

    Takes raw tables. Parameters that mean what they mean in scikit-learn's MLPClassifier carry its
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
    label_smoothing : float, default=0.0
        Share of each label, in [0, 1), that is spread evenly over all classes.
    class_weight : dict, "balanced", list of dict or None, default=None
        Weights of the classes, multiplied into `sample_weight`. 'balanced': inversely proportional
        to their counts. A list, of a dict for each, where there are several labels per row.
    calibrate : bool or "auto", default="auto"
        Whether probabilities are made as sure as they are right on the validation rows, by a
        temperature (Guo et al. 2017), one for each label where there are several per row. 'auto':
        for a single network and with `X_val`, but for preset 'plain'. The mean of several networks
        is less sure of itself than each is, and rows out of fold tell of one or two of them only.
    solver : {"adam", "sgd", "rmsprop"}, default="adam"
        Optimiser; with `weight_decay` Adam is AdamW.
    alpha : float, default=0.0
        Strength of the penalty in the loss, divided by the minibatch's rows as in scikit-learn:
        ``alpha * ((1 - l1_ratio) / 2 * ||W||^2 + l1_ratio * ||W||_1)``.
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
    classes_ : ndarray of shape (n_classes,)
        The labels; the numbers of the columns for multilabel targets.
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
    oof_decision_function_ : ndarray of shape (n_samples, n_classes)
        Probabilities for every training row by the networks that it was held out from; NaN where
        there are none. Of several networks with `early_stopping` and without `X_val`. The
        kinds of networks are weighed in them by what has the least loss on these very rows.
    fit_seconds_ : float
        Time that training took, all networks together.
    feature_importances_ : ndarray of shape (n_features_in_,)
        With `compute_importances`: by how much the log loss rises when a column of the validation
        rows is shuffled, the weighted mean over the networks.
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
    Regressor : The same for numbers.
    sklearn.neural_network.MLPClassifier : scikit-learn's network.

    Notes
    -----
    What "auto" stands for:

    ====================  =====================  ==========  ==========  ================
    parameter             'default'              'fast'      'best'      'plain'
    ====================  =====================  ==========  ==========  ================
    n_estimators          10                     1           40          1
    hidden_layer_sizes    (128, 128, 128)        the same    the same    (256, 256)
    activation            silu, mish, selu       the same    the same    mish
    dropout               0.1 to 0.4, see below  the same    the same    0
    numeric_embedding     by kind, see below     the same    the same    None
    standardize           "robust"               the same    the same    True
    learning_rate         coslog4                the same    the same    cosine
    learning_rate_init    0.014 to 0.028         the same    the same    0.004
    beta_2                0.95                   the same    the same    0.999
    weight_decay          0.02                   the same    the same    0.05
    max_iter              256, see below         a quarter   the same    100
    n_iter_no_change      40 + best epoch        the same    the same    20
    validation_fraction   0.2                    the same    the same    0.1
    ====================  =====================  ==========  ==========  ================

    Networks differ in activation and learning rate, in turn. Where `n_estimators` is twice the
    number of folds or more (ten, with a fifth held out or `X_val` in its place), the first round of
    folds is for networks that suit tables with little noise, the next for such that suit noisy
    ones, and so on: with a dropout of 0.1 and pieces, or with a dropout of 0.4 (0.3 beyond 2,500
    rows) and coarse waves. How much each kind counts (`estimator_weights_`) is what has the least
    loss on rows held out. Other networks have a dropout of 0.25, and pieces. `max_iter` is that of
    up to 4,096 rows and falls with the root of their number. But for 'plain' networks also have a
    learnt factor on each input, a learnt slope in each unit's activation, a start that is fitted to
    the data, dropout and decay that fade out in the second half of training, and learning rates by
    layer, as in RealMLP (Holzmüller et al. 2024); with `early_stopping`, what is validated and kept
    is the mean of the weights over about the last three epochs. 'plain' is a stack of dense layers
    and nothing else.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import train_test_split
    >>> from fastmlp import Classifier
    >>> X, y = load_iris(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    >>> model = Classifier(random_state=0).fit(X_train, y_train)
    >>> model.predict_proba(X_test[:2]).shape
    (2, 3)
    >>> model.score(X_test, y_test) > 0.9
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMLP._parameter_constraints,
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
        "calibrate": ["boolean", StrOptions({"auto"})],
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
        label_smoothing: float = 0.0,
        class_weight: Mapping[Any, float]
        | Literal["balanced"]
        | Sequence[Mapping[Any, float]]
        | None = None,
        calibrate: bool | Literal["auto"] = "auto",
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
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.calibrate = calibrate
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
        several = self.n_outputs_ > 1 and not self._multilabel
        return "cross_entropy" if several else "binary_cross_entropy"

    @property
    def _link(self) -> str:
        return "softmax" if self._engine_loss == "cross_entropy" else "logistic"

    def _encode_targets(self, y: Any, *, reset: bool, name: str = "y") -> Targets:
        check_classification_targets(y)
        kind = type_of_target(y, input_name=name)
        if kind == "multiclass-multioutput":
            raise ValueError(
                f"{name} must be 1-D labels or a 0/1 matrix of several labels per row; got a "
                "multiclass-multioutput target"
            )
        multilabel = kind == "multilabel-indicator"
        if multilabel:
            matrix = check_array(y, accept_sparse=True, input_name=name)
            matrix = matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
            if not np.all((matrix == 0) | (matrix == 1)):
                raise ValueError(f"{name} with several labels per row must hold 0 and 1 only")
            classes = np.arange(matrix.shape[1])
        else:
            labels = column_or_1d(y, warn=True)
            classes = np.unique(labels)
        if reset:
            self._set_classes(classes, multilabel)
        elif multilabel != self._multilabel or not np.all(np.isin(classes, self.classes_)):
            raise ValueError(
                f"{name} must only have the labels that the model was fitted with, "
                f"{self.classes_}; got {classes}"
            )
        if multilabel:
            if matrix.shape[1] != self.n_outputs_:
                raise ValueError(
                    f"{name} must have {self.n_outputs_} columns; got {matrix.shape[1]}"
                )
            return Targets(np.ascontiguousarray(matrix, dtype=self._dtype))
        codes = np.searchsorted(self.classes_, labels)
        if self.classes_.size == 2:
            return Targets(codes.astype(self._dtype)[:, None], are_classes=True)
        return Targets(codes.astype(np.int32), are_classes=True)

    def _set_classes(self, classes: NDArray[Any], multilabel: bool) -> None:
        if not multilabel and classes.size < 2:
            raise ValueError(
                "y must have at least two classes; the number of classes is "
                f"{classes.size}: {classes}. partial_fit can be told of others by classes="
            )
        self.classes_ = classes
        self._multilabel = multilabel
        self.n_outputs_ = classes.size if multilabel or classes.size > 2 else 1

    def _announce_classes(self, classes: Any, y: Any, *, first: bool) -> None:
        announced = np.unique(column_or_1d(classes))
        if first:
            self._set_classes(announced, type_of_target(y) == "multilabel-indicator")
        elif not np.array_equal(announced, self.classes_):
            raise ValueError(
                f"classes must be those of the first call, {self.classes_}; got {announced}"
            )

    def _base_weights(
        self, y: Any, sample_weight: Any, X: NDArray[Any], name: str = "sample_weight"
    ) -> NDArray[Any] | None:
        weights = super()._base_weights(y, sample_weight, X, name)
        if self.class_weight is None:
            return weights
        by_class = self._class_weights(y)
        if not np.all(np.isfinite(by_class) & (by_class >= 0)):
            raise ValueError(
                f"class_weight must hold finite numbers >= 0; got {self.class_weight!r}"
            )
        if weights is not None:
            by_class *= weights
        return self._engine_weights(by_class, f"class_weight times {name}")

    def _class_weights(self, y: Any) -> NDArray[Any]:
        """Weight of every row by its class; classes that are not named weigh 1."""
        if isinstance(self.class_weight, list) and not self._multilabel:
            raise ValueError(
                "class_weight can be a list only where there are several labels per row"
            )
        if self._multilabel:
            weights: NDArray[Any] = compute_sample_weight(self.class_weight, y)
            return weights
        labels = column_or_1d(y)
        if isinstance(self.class_weight, Mapping):
            weight_of = self.class_weight
        else:  # 'balanced', for which compute_sample_weight takes 40 bytes per row
            present, counts = np.unique(labels, return_counts=True)
            balanced = labels.size / (present.size * counts)
            weight_of = dict(zip(present.tolist(), balanced.tolist(), strict=True))
        unknown = set(weight_of) - set(self.classes_.tolist())
        if unknown:
            raise ValueError(
                f"class_weight names classes that there are not: {sorted(unknown, key=str)}; "
                f"there are {self.classes_}"
            )
        if not all(isinstance(weight, Real) for weight in weight_of.values()):
            raise TypeError(f"class_weight must hold numbers; got {self.class_weight!r}")
        weight_of_code = np.array(
            [weight_of.get(label, 1.0) for label in self.classes_.tolist()], dtype=np.float64
        )
        weights = np.empty(labels.size)
        for some in parts(labels):
            weights[some] = weight_of_code[np.searchsorted(self.classes_, labels[some])]
        return weights

    @property
    def _exclusive(self) -> bool:
        """Whether a row has one class; else every label is a question of its own."""
        return not self._multilabel

    def _probabilities(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Outputs behind the link as probabilities, a column per class or label."""
        if self._link == "softmax" or self._multilabel:
            return outputs
        return np.hstack([1 - outputs, outputs])

    def _labels(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        if self._multilabel:
            return (probabilities > 0.5).astype(np.int64)
        labels: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def _codes(self, targets: Targets) -> NDArray[np.int64]:
        """Class numbers (n_rows,), or zeros and ones (n_rows, n_labels)."""
        codes = targets.values.astype(np.int64)
        return codes if self._multilabel else codes.ravel()

    def _metric(self, targets: Targets, weights: NDArray[Any] | None) -> Metric:
        codes = self._codes(targets)

        def predict_proba(outputs: NDArray[np.float64]) -> NDArray[Any]:
            linked = softmax(outputs, axis=1) if self._link == "softmax" else expit(outputs)
            return self._probabilities(linked)

        return metric_of(
            self.eval_metric,
            codes if self._multilabel else self.classes_[codes],
            weights,
            lambda outputs: self._labels(predict_proba(outputs)),
            predict_proba,
            np.tile([0, 1], (self.n_outputs_, 1)) if self._multilabel else self.classes_,
        )

    def _standardise_targets(
        self, targets: NDArray[Any], rows: NDArray[Any] | None, weights: Any
    ) -> None:
        # Until there is a validation part to learn it from
        self._temperature: float | NDArray[np.float64] = 1.0

    def _score_of(
        self, outputs: NDArray[Any], targets: Targets, weights: NDArray[Any] | None
    ) -> float:
        return -self._loss_of(outputs, targets, weights)

    def _loss_of(
        self, outputs: NDArray[Any], targets: Targets, weights: NDArray[Any] | None
    ) -> float:
        return log_loss_of(self._probabilities(outputs), self._codes(targets), weights)

    def _need_validation(self) -> list[str]:
        calibrates = not self._is_auto("calibrate") and self.calibrate
        return super()._need_validation() + ["calibrate=True"] * bool(calibrates)

    def _calibrates(self, *, as_predicted: bool) -> bool:
        if self._is_auto("calibrate"):
            return as_predicted and self.preset != "plain"
        return bool(self.calibrate)

    def _calibrate(
        self, outputs: NDArray[Any], targets: Targets, weights: NDArray[Any] | None
    ) -> None:
        probabilities, codes = self._probabilities(outputs), self._codes(targets)
        if self._exclusive:
            self._temperature = fit_temperature(probabilities, codes, weights)
        else:  # one for each label: some are told better than others
            labels = zip(probabilities.T[..., None], codes.T[..., None], strict=True)
            self._temperature = np.array([fit_temperature(p, y, weights) for p, y in labels])

    def _keep_out_of_fold(self, outputs: NDArray[Any]) -> None:
        self.oof_decision_function_ = sharpen(
            self._probabilities(outputs), self._temperature, exclusive=self._exclusive
        )

    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, classes: ArrayLike | None = None
    ) -> Classifier:
        """Train one epoch more on the given rows.

        The first call builds the network and learns the standardisation; later calls keep both
        and the optimiser's state, so it should hold enough rows to tell what columns are like.
        There is no validation part; 'cosine', 'one_cycle' and 'coslog4' become a constant learning
        rate: `learning_rate_init`, and 3% of it after a `fit` that has brought the rate down; with
        'constant' it is all of `learning_rate_init` in any case. What needs validation rows
        (`eval_metric`, `compute_importances`, `calibrate`) does nothing here.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
        sample_weight : array-like of shape (n_samples,), default=None
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come; needed at the first call where y lacks any.

        Returns
        -------
        self
            The estimator.
        """
        self._partial_fit(X, y, sample_weight, classes)
        return self

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`; for multilabel targets the probability of each label. In
            the type that the network computes in.
        """
        probabilities = self._probabilities(self._predict_outputs(X))
        return sharpen(probabilities, self._temperature, exclusive=self._exclusive)

    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Logarithms of the probabilities; see `predict_proba`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):  # log(0) is -inf
            logarithms: NDArray[Any] = np.log(self.predict_proba(X))
        return logarithms

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            The likeliest class, or a 0/1 matrix for multilabel targets.
        """
        return self._labels(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
