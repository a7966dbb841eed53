"""Classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import Interval

from fastmlp._user_warnings import warn
from fastmlp.ensemble.progress import Callback
from fastmlp.ensemble.settings import Settings, is_auto
from fastmlp.estimators.base import BaseMLP
from fastmlp.estimators.common_attributes import MAKES_OUT_OF_FOLD
from fastmlp.estimators.fitted_attribute import FittedAttribute
from fastmlp.estimators.parameters import NameAmong
from fastmlp.estimators.table_fit import partial_fit_table
from fastmlp.estimators.unknown_names import explains_keywords
from fastmlp.prediction.read_only import read_only
from fastmlp.tasks import ClassificationTask, MultioutputClassificationTask, Task
from fastmlp.tasks.losses import CLASSIFICATION_LOSSES, ORDINAL, ClassificationLoss
from fastmlp.tasks.multioutput import has_several_outputs
from fastmlp.tasks.target_names import check_target_names

if TYPE_CHECKING:
    from typing import Self


class Classifier(ClassifierMixin, BaseMLP):
    """Multilayer perceptron for classification: classes, several labels, or columns of classes.

    Takes raw tables. Parameters that mean the same as in scikit-learn's MLPClassifier have the same
    names; those at "auto" are set by `preset`.

    Parameters
    ----------
    hidden_layer_sizes : int, sequence of int or "auto", default="auto"
        Units of each hidden layer; () is a linear model.
    activation : str or sequence of str, default="auto"
        One for all hidden layers, or one for each: 'identity', 'relu', 'leaky_relu', 'elu', 'selu',
        'gelu', 'silu', 'mish', 'tanh', 'logistic', 'softplus'.
    preset : {"default", "fast", "best", "plain"}, default="default"
        What "auto" stands for; see Notes.
    n_estimators : int or "auto", default="auto"
        Number of networks that one call trains and averages. They differ in initial weights, the
        order of rows and the fold that they are validated on and, except with preset 'plain', in
        activation and learning rate. The networks of each round over the folds are of one kind, a
        single network is of another; see Notes. "auto": 10, for more than 100,000 rows 2. `summary`
        lists the kinds.
    categorical_features : "from_dtype" or array-like of str, int or bool, default="from_dtype"
        "from_dtype": categories are the columns of text and booleans, and those of a categorical
        type; text that holds dates, or numbers with separators, currencies or units, is read as
        these. An array lists columns of numbers, dates or such text that are categories too, by
        name, position or mask.
    monotonic_cst : dict of str, array-like of int or None, default=None
        For columns by name, or for each in turn: 1 if the probability of the second class never
        falls as its value rises, -1 if it never rises, 0 if it may do both; with several labels per
        row the probability of each. This is guaranteed (docs/constraints.md). Columns of numbers,
        durations and booleans can have a direction; not if there are more than two classes.
    interaction_cst : {"pairwise", "no_interactions"}, sequence of groups or None, default=None
        Groups of columns that may interact, each a list, tuple or set of positions or names: raw
        outputs are sums of functions of one group each. Groups may overlap; all columns that are in
        no group form one more. "no_interactions" and "pairwise" are all groups of one and of two
        columns.
    numeric_embedding : {"periodic", "piecewise_linear", "both", "auto"} or None, default="auto"
        Features that the network reads beside each number itself, in tables of up to 256 columns
        of numbers. "periodic": three learnt sums of 16 cosines of the number (PBLD, [1]_).
        "piecewise_linear": four learnt functions of the number that are linear between 17 bin
        edges (33 for more than 5,000 rows) and constant outside ([2]_, with few outputs). "both":
        both. None: none. "auto": by kind of network, number of rows and task; see Notes.
    loss : {"log_loss", "focal", "ordinal"}, default="log_loss"
        The loss to minimise. 'focal' is the log loss times ``(1 - p) ** focal_gamma``, p being the
        probability of the true class, so that rows that are classified well count little ([6]_).
        'ordinal' is for classes in order, such as grades: the log loss of the steps from each class
        to the next ([10]_). `predict` returns the most probable class.
    focal_gamma : float, default=2.0
        Parameter of 'focal', at least 0, which is the log loss.
    class_order : array-like of shape (n_classes,) or None, default=None
        Parameter of 'ordinal': the classes from the lowest to the highest. None: numbers in
        ascending order, or the categories of y, if it is an ordered categorical of pandas or an
        Enum of polars; other text is an error, unless there are only two classes. It has priority
        over the order of a categorical. `classes_` is sorted in any case.
    label_smoothing : float, default=0.0
        Fraction of each label, in [0, 1), that is spread evenly over all classes.
    class_weight : dict, "balanced", list of dict or None, default=None
        Weights of the classes, multiplied by `sample_weight`. "balanced": inversely proportional to
        the sum of `sample_weight` in each class of the training rows; validation rows are weighted
        by the same numbers; an error in `partial_fit`. With several labels per row, a list of one
        dict for each.
    cost_matrix : array-like of shape (n_classes, n_classes) or None, default=None
        Cost of each prediction (column) where a class (row) is true, both in the order of
        `classes_`. `predict` returns the class with the least expected cost by the predicted
        probabilities ([7]_). Training and probabilities are the same without it. None: every error
        costs the same, and `predict` returns the most probable class.
    calibrate : bool or "auto", default="auto"
        Whether probabilities are calibrated on the validation rows by a temperature ([5]_), one for
        each label if there are several per row. "auto": for a single network, with `X_val` and for
        loss 'focal', except with preset 'plain'. Otherwise a mean of several networks is not
        calibrated: averaging already makes probabilities less extreme, and out-of-fold rows are
        predicted by one or two networks, not by all. Without new validation rows, as in
        `partial_fit`, the last temperature stays.
    solver : {"adam", "sgd", "rmsprop"}, default="adam"
        Optimiser; 'adam' with `weight_decay` is AdamW.
    alpha : float, default=0.0
        Strength of the penalty, as in scikit-learn:
        ``alpha * ((1 - l1_ratio) / 2 * ||W||^2 + l1_ratio * ||W||_1)``, divided by the rows of the
        minibatch, is added to the loss.
    l1_ratio : float, default=0.0
        Share of the L1 norm in the penalty, in [0, 1].
    weight_decay : float or "auto", default="auto"
        Decoupled decay: weights (not biases) shrink by ``learning rate * weight_decay`` at every
        step ([3]_).
    dropout : float, sequence of float or "auto", default="auto"
        Probability in [0, 1) that a hidden unit is left out of a training step; one for all hidden
        layers, or one for each.
    mixup : float, default=0.0
        Training uses mixtures of two training rows and of the losses for both labels, whose shares
        are drawn from a beta distribution with both parameters equal to this number ([8]_). Useful
        values are 0.1 (most shares are near 0 or 1) to 1 (all shares are equally likely); 0: no
        mixtures. See docs/augmentation.md, also for `input_noise` and `swap_noise`. Not for sparse
        rows.
    input_noise : float, default=0.0
        Standard deviation of normal noise that is added to standardised numbers in every training
        step. Not for sparse rows.
    swap_noise : float, default=0.0
        Probability in [0, 1) that a value that the network reads is replaced by that of another
        training row, in every training step ([9]_). Not for sparse rows.
    batch_size : int or "auto", default="auto"
        Rows per minibatch. 'auto': about 128, 256 or 1,024, see Notes; with preset 'plain' 64 up to
        1,024 rows, 128 up to 8,192, 256 up to 30,000, 512 up to 100,000, else 1,024.
    learning_rate : str, default="auto"
        Schedule of the learning rate: 'constant', 'invscaling', 'adaptive', 'cosine', 'one_cycle'
        or 'coslog4'. 'invscaling' and 'adaptive' are scikit-learn's, for any solver. 'cosine'
        falls along half a cosine to 0 over `max_iter` epochs, after a linear rise over
        `warmup_fraction`. 'one_cycle' rises from 1/25 of `learning_rate_init` and falls to
        1/250,000 of it ([4]_). 'coslog4' rises and falls four times along a cosine, each time
        twice as long as before ([1]_).
    learning_rate_init : float or "auto", default="auto"
        Largest learning rate. Except with preset 'plain', that of Adam is relative to the size of
        a layer: weights of a layer of n inputs have 1/sqrt(n) of it, biases a tenth. "auto" is
        0.002 for 'sgd' and 0.004 for 'rmsprop'.
    learning_rate_factors : sequence of float or None, default=None
        A factor on the learning rate of each dense layer, the output layer included.
    power_t : float, default=0.5
        Exponent of 'invscaling'.
    warmup_fraction : float, default=0.1
        Fraction of all steps, in [0, 1), in which 'cosine' and 'one_cycle' rise.
    max_iter : int or "auto", default="auto"
        Largest number of epochs.
    time_limit : float or None, default=None
        Seconds that `fit` may take in all: reading X, training, held-out predictions and
        importances, which are then computed on fewer rows if needed. If there is no time for half
        the epochs of each network, `fit` trains fewer networks. Schedules are shortened to the time
        that is left, by the speed so far; if not even one epoch fits, it uses some of the rows. A
        warning says what was left out. Results then depend on the machine. `partial_fit`, and a
        warm start from trained networks, never leave out networks. Without a limit, a fit that will
        take more than half a minute logs an estimate (logger "fastmlp").
    shuffle : bool, default=True
        Whether each epoch has another order of rows.
    random_state : int, RandomState instance or None, default=None
        Seed of initial weights, order of rows, dropout and folds. The same seed gives the same bits
        for any number of threads. With `warm_start` that of the first fit stays in use.
    tol : float, default=0.0
        A loss counts as progress if it falls by more than this.
    verbose : int, default=0
        1: a progress bar on the standard error stream, or in logs a line every ten seconds, also
        for importances and for predictions of many rows; 2: a line for each epoch.
    warm_start : bool, default=False
        Whether `fit` continues with the networks of the last fit. On the same rows and with a
        larger `n_estimators` it adds networks and does not change the existing ones. Else it trains
        all of them further, with their standardisation and optimiser state; with other rows that is
        fine-tuning. The `random_state` of the first fit assigns rows to networks and starts added
        networks, whatever it is now. Sizes, activations, dropout and dtype cannot change. Weights
        of the networks in the mean, out-of-fold predictions and importances are learnt again if all
        fits of these networks (for a single one: with warm_start=True) were on the same rows and
        held out the same ones; else the weights do not change. Rows of `X_val` must not be among
        those trained on before. See docs/growing.md.
    init_model : fitted Classifier, str, PathLike or None, default=None
        Model whose networks `fit` trains further instead of new ones: another estimator, or the
        path of a file that `save` wrote. Its preset, sizes, standardisation, extrapolation and
        dtype must be those of this estimator. `sklearn.base.clone` and searches keep it.
    momentum : float, default=0.9
        Parameter of solver 'sgd'.
    nesterovs_momentum : bool, default=True
        Parameter of solver 'sgd'.
    early_stopping : bool, default=True
        Whether to watch the loss on validation rows, keep the weights of its best epoch, and stop
        after `n_iter_no_change` epochs without progress. False: the training loss is watched and
        the last weights are kept. No rows are held out either for tables of fewer than 10 rows, or
        if all training or all validation rows would have weight 0.
    validation_fraction : float or "auto", default="auto"
        Fraction of the rows, in (0, 1), that `early_stopping` holds out if `fit` is not given
        `X_val`. Each of several networks has a fold, no larger than this; the number of folds
        determines their kinds. The rows are drawn at random, unless `fit` gets `groups`, `time` or
        `cv`.
    eval_metric : str, callable, list, dict or None, default=None
        Measure of the best epoch, instead of the validation loss: the name of a scikit-learn
        scorer, or a function ``metric(y_true, y_pred)`` of what `predict` returns. For functions of
        scikit-learn, also in a `functools.partial`, it is known whether greater is better. Any
        other function is taken as a cost: pass a score of your own as
        ``sklearn.metrics.make_scorer(metric)``. A warning is issued if a cost rises while the
        validation loss falls, unless it is ``make_scorer(metric, greater_is_better=False)``.
        `sample_weight` is passed to metrics that take it. Of a list, or a dict of names and
        metrics, the first one decides, and all are recorded in `evals_result_`; "loss" stands for
        the validation loss. Metrics of probabilities must be scorers, such as "neg_log_loss", since
        functions get labels; these scorers get all classes. If a fold lacks a class without which
        the metric has no value, the loss chooses the best epoch of that network, with a warning.
        For several columns of labels it must be "accuracy", which counts rows as `score` does, or a
        function or scorer of labels.
    compute_importances : bool, default=False
        Whether `fit` computes `feature_importances_`. Not for sparse rows.
    beta_1 : float, default=0.9
        Parameter of solver 'adam': decay of the mean of gradients.
    beta_2 : float or "auto", default="auto"
        Parameter of 'adam' and 'rmsprop': decay of the mean of squared gradients.
    epsilon : float, default=1e-8
        Parameter of 'adam' and 'rmsprop': added to the root of that mean.
    n_iter_no_change : int, inf or "auto", default="auto"
        Training ends after more than this many epochs in a row without progress. "auto": 40 plus
        the number of the best epoch; 20 with preset 'plain'.
    max_grad_norm : float or None, default=None
        Gradients with a larger norm, of all parameters together, are scaled down to it.
    standardize : bool, "robust" or "auto", default="auto"
        Whether numbers (and regression targets) are scaled inside to mean 0 and standard deviation
        1 on the training rows. "robust": numbers to median 0 and interquartile range 1, with
        outliers compressed to at most 3. Missing numbers become the mean or median; with False 0.
        Sparse columns are scaled and not centred, unless this is False.
    extrapolation : {"clip", "linear"}, default="clip"
        What happens beyond the range of the training rows. "clip": networks have learnt nothing
        there. If many rows of a table lie beyond, an `ExtrapolationWarning` says so. "linear":
        linear trends continue. A logistic regression on the columns of numbers (up to 1,000) is
        fitted too, with a ridge penalty. Networks read numbers clipped to their training range, and
        what the regression adds beyond the range is added to their logits. `partial_fit` and warm
        starts do not change it.
    dtype : {"float32", "float64"}, default="float32"
        Type that networks compute in.
    n_jobs : int or None, default=None
        Threads of `fit` and of predictions. None: as many as CPU affinity, the container's quota,
        ``OMP_NUM_THREADS`` and threadpoolctl allow, and not 1 as in scikit-learn. -1: all cores.
        Small networks use one in any case.
    callbacks : callable, sequence of callables or None, default=None
        Called after every epoch with an `EpochRecord`. If one returns true, the training of that
        network ends. Calls never overlap. `fit` takes callbacks too, for one call. A pickle leaves
        out functions that cannot be pickled, such as a lambda, with a warning.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or list of ndarray
        The labels; column numbers for several labels per row; a list of the labels of each for
        several columns of labels.
    networks_ : list of Network
        Copies of the networks, without the linear part of ``extrapolation="linear"``.
    estimator_weights_ : ndarray of shape (n_networks,)
        Weight of each network in the mean; they add up to 1.
    histories_ : list of History
        How the training of each network went: epochs, curves, seconds, why it ended.
    coefs_, intercepts_ : list of ndarray
        Weights (inputs, outputs) and biases (outputs,) of the dense layers, read-only, if there is
        one network. Inputs and targets are standardised for them.
    n_iter_ : int
        Epochs run by the network that was trained longest.
    best_iteration_ : int or None
        Epoch (from 1) whose weights were kept (except with preset 'plain', their mean over the
        epochs up to it), the median over networks; None without validation rows.
    loss_curve_, validation_curve_, metric_curve_ : list of float
        Training loss (mean over the epoch's minibatches, penalty included), validation loss and
        first metric after each epoch, the mean over networks; the latter two None without
        validation rows or metric, and with `time` of the networks that chose the epochs. A warm
        start and `partial_fit` keep 256 epochs of earlier calls.
    evals_result_ : dict of str to dict of str to list of float
        Losses and metrics after each epoch, the mean over networks: by the name of the rows,
        "validation" or one of `eval_set`, and then of the metric, or "loss". `histories_` have
        those of each network, `LossCurveDisplay` plots them.
    learning_rate_curve_ : list of float
        Learning rate at the end of each epoch.
    loss_, best_loss_ : float
        The last training loss, and the least validation loss (or metric as a cost); means over
        networks.
    stop_reason_ : str
        'max_iter', 'no_improvement', 'callback', 'time_limit', 'interrupted' or 'diverged', as for
        most networks.
    oof_proba_ : ndarray of shape (n_samples, n_classes)
        Out-of-fold probabilities, with the columns of `predict_proba`: for each training row those
        of the networks that it was held out from; NaN if there are none, which holds for 60% of
        the rows if two networks are trained, the default beyond 100,000 rows. They exist for
        several networks with `early_stopping` and without `X_val`. The best epochs and the weights
        of the kinds of networks are chosen on the same rows, so scores of them are slightly
        optimistic. With `time` they are those of networks on earlier rows, and NaN for the first
        40%.
    fit_seconds_ : float
        Time that training took, of all networks together; 0 with `dp`, as the time may reveal
        something about the rows.
    feature_importances_ : ndarray of shape (n_features_in_,)
        With `compute_importances`: by how much the log loss rises if a column of the validation
        rows is shuffled, the weighted mean over networks.
    privacy_ : PrivacyGuarantee or None
        The guarantee of a fit with `dp`; None if the last training had none.
    t_ : int
        Training rows that the optimiser has seen in all epochs, as in scikit-learn; of several
        networks the largest number.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if all of X's columns have names that are strings.
    output_names_ : list of str
        Names of the columns of `predict`: those of y, if it is a frame or a Series with names.
    n_layers_, n_outputs_ : int
        Layers, input and output included; units of the output layer.
    out_activation_ : str
        Inverse link function between the last layer and predictions: 'logistic', 'softmax' or
        'continuation_ratio'.

    See Also
    --------
    Regressor : The same for numbers.
    sklearn.neural_network.MLPClassifier : scikit-learn's network.

    Notes
    -----
    "auto" stands for:

    ====================  =====================  ==========  ==========  ================
    parameter             'default'              'fast'      'best'      'plain'
    ====================  =====================  ==========  ==========  ================
    n_estimators          10                     5           40          1
    hidden_layer_sizes    by kind, see below     the same    the same    (256, 256)
    activation            silu, mish, selu       the same    the same    mish
    dropout               0.1 to 0.25            the same    the same    0
    numeric_embedding     by kind, see below     the same    the same    None
    standardize           "robust"               the same    the same    True
    learning_rate         coslog4, one_cycle     the same    the same    cosine
    learning_rate_init    0.014 to 0.028         the same    the same    0.004
    beta_2                0.95                   the same    the same    0.999
    weight_decay          0.02                   the same    the same    0.05
    batch_size            by kind, see below     the same    the same    64 to 1024
    max_iter              by kind, see below     see below   see below   100
    n_iter_no_change      40 + best epoch        the same    the same    20
    validation_fraction   0.2                    the same    the same    0.1
    ====================  =====================  ==========  ==========  ================

    **Kinds of networks.** Networks differ in activation and learning rate, in turn. The first round
    of folds trains networks of the kind 'piecewise', the next one 'periodic', and so on (five
    folds with the default `validation_fraction`, also with `X_val`). A single network, and all
    networks if no rows are held out, are 'balanced'. For more than 100,000 rows all networks are
    'large', and there are 2 instead of 10 (1 instead of 5, 10 instead of 40):

    =========  =================================================  ==========  ======
    kind       hidden layers and embedding                        minibatch   epochs
    =========  =================================================  ==========  ======
    piecewise  64 units, dropout 0.1, piecewise-linear embedding  128 or 256  128
    periodic   64 units, dropout 0.1, both embeddings             128 or 256  128
    long       as piecewise                                       128 or 256  256
    large      3 of 128 units, dropout 0.1, piecewise-linear      1024        64
               embedding
    balanced   3 of 128 units, dropout 0.25, piecewise-linear     256         256
               embedding
    =========  =================================================  ==========  ======

    Hidden layers of 64 units are two for up to 2,500 rows and three for more. Minibatches have
    about 128 rows for up to 4,096 rows and 256 for more. The weights of the kinds
    (`estimator_weights_`) minimise the loss on held-out rows.

    **Longer training where it pays.** The schedule coslog4 lowers the learning rate four times, and
    the last time takes half of the epochs. If that lowered the validation loss of the first round
    by a tenth or more, 'long' networks replace those of the second kind. They have the settings of
    the first kind and 2 times the epochs. This holds for up to 2,500 rows, if `max_iter` and
    `learning_rate` are "auto".

    **Epochs** above are for up to 2,500 rows. For more they are multiplied by the cube root of
    ``2500 / n_rows``; those of large networks by that of ``8000 / n_rows``, so they begin with 28;
    those of balanced networks are for up to 4,096 rows and multiplied by the square root of
    ``4096 / n_rows``. They are at least 8, and 16 for balanced networks. 'fast' has 96 (large: 52,
    balanced: 64) instead of 128, and 'best' 256 (large: 96). Large networks use the schedule
    'one_cycle'.

    **Sparse rows** have their own recipe: 5 networks ('fast' 1, 'best' 10; for more than 100,000
    rows 2, 1 and 5) with one hidden layer of 64 'relu' units, dropout 0.7, learning rate 0.007 with
    schedule 'cosine' and no weight decay. Minibatches have 32 rows for up to 2,000 rows, 64 for up
    to 8,000, 128 for up to 32,000 and 256 for more. There are 10 epochs, multiplied by the square
    root of ``4000 / n_rows``, at least 6 and at most 100; patience is a fifth of them. 'plain' is
    the same as for dense rows.

    **Networks.** Except with 'plain' and for sparse rows, networks have a learnt factor on each
    input, a learnt slope in each unit's activation, initial weights that are fitted to the data,
    dropout and decay that fade out in the second half of training, and learning rates by layer, as
    in RealMLP ([1]_). With `early_stopping`, the mean of the weights over about the last three
    epochs is validated and kept. With 'plain' and for sparse rows, networks are plain stacks of
    dense layers and dropout.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn & Steinwart 2024, "Better by default: strong pre-tuned MLPs and
       boosted trees on tabular data", https://arxiv.org/abs/2407.04491
    .. [2] Gorishniy, Rubachev & Babenko 2022, "On embeddings for numerical features in tabular deep
       learning", https://arxiv.org/abs/2203.05556
    .. [3] Loshchilov & Hutter 2019, "Decoupled weight decay regularization",
       https://arxiv.org/abs/1711.05101
    .. [4] Smith & Topin 2018, "Super-convergence: very fast training of neural networks using large
       learning rates", https://arxiv.org/abs/1708.07120
    .. [5] Guo, Pleiss, Sun & Weinberger 2017, "On calibration of modern neural networks",
       https://arxiv.org/abs/1706.04599
    .. [6] Lin, Goyal, Girshick, He & Dollár 2017, "Focal loss for dense object detection",
       https://arxiv.org/abs/1708.02002
    .. [7] Elkan 2001, "The foundations of cost-sensitive learning",
       https://dl.acm.org/doi/10.5555/1642194.1642224
    .. [8] Zhang, Cissé, Dauphin & Lopez-Paz 2018, "mixup: beyond empirical risk minimization",
       https://arxiv.org/abs/1710.09412
    .. [9] Bahri, Jiang, Tay & Metzler 2022, "SCARF: self-supervised contrastive learning using
       random feature corruption", https://arxiv.org/abs/2106.15147
    .. [10] Shi, Cao & Raschka 2023, "Deep neural networks for rank-consistent ordinal regression
       based on conditional probabilities", https://arxiv.org/abs/2111.08851

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
        "loss": [NameAmong(*CLASSIFICATION_LOSSES)],
        "focal_gamma": [Interval(Real, 0, None, closed="left")],
        "class_order": ["array-like", None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [NameAmong("balanced"), dict, list, None],
        "cost_matrix": ["array-like", None],
        "calibrate": ["boolean", NameAmong("auto")],
    }
    _classifies: ClassVar[bool] = True

    classes_ = FittedAttribute(lambda model: read_only(model.task.classes))
    oof_proba_ = FittedAttribute(
        lambda model: (
            None
            if model.out_of_fold is None
            else model.task.decoder.by_output(model.out_of_fold.predicted)
        ),
        MAKES_OUT_OF_FOLD,
    )

    @explains_keywords
    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] | Literal["auto"] = "auto",
        activation: str | Sequence[str] = "auto",
        *,
        preset: Literal["default", "fast", "best", "plain"] = "default",
        n_estimators: int | Literal["auto"] = "auto",
        categorical_features: Any = "from_dtype",
        monotonic_cst: Any = None,
        interaction_cst: Any = None,
        numeric_embedding: Literal["periodic", "piecewise_linear", "both", "auto"] | None = "auto",
        loss: Literal["log_loss", "focal", "ordinal"] = "log_loss",
        focal_gamma: float = 2.0,
        class_order: ArrayLike | None = None,
        label_smoothing: float = 0.0,
        class_weight: Mapping[Any, float]
        | Literal["balanced"]
        | Sequence[Mapping[Any, float]]
        | None = None,
        cost_matrix: ArrayLike | None = None,
        calibrate: bool | Literal["auto"] = "auto",
        solver: Literal["adam", "sgd", "rmsprop"] = "adam",
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
        weight_decay: float | Literal["auto"] = "auto",
        dropout: float | Sequence[float] | Literal["auto"] = "auto",
        mixup: float = 0.0,
        input_noise: float = 0.0,
        swap_noise: float = 0.0,
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
        init_model: Classifier | str | PathLike[str] | None = None,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = True,
        validation_fraction: float | Literal["auto"] = "auto",
        eval_metric: str
        | Callable[..., float]
        | Sequence[str | Callable[..., float]]
        | Mapping[str, str | Callable[..., float]]
        | None = None,
        compute_importances: bool = False,
        beta_1: float = 0.9,
        beta_2: float | Literal["auto"] = "auto",
        epsilon: float = 1e-8,
        n_iter_no_change: float | Literal["auto"] = "auto",
        max_grad_norm: float | None = None,
        standardize: bool | Literal["robust", "auto"] = "auto",
        extrapolation: Literal["clip", "linear"] = "clip",
        dtype: Literal["float32", "float64"] = "float32",
        n_jobs: int | None = None,
        callbacks: Callback | Sequence[Callback] | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.preset = preset
        self.n_estimators = n_estimators
        self.categorical_features = categorical_features
        self.monotonic_cst = monotonic_cst
        self.interaction_cst = interaction_cst
        self.numeric_embedding = numeric_embedding
        self.loss = loss
        self.focal_gamma = focal_gamma
        self.class_order = class_order
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.cost_matrix = cost_matrix
        self.calibrate = calibrate
        self.solver = solver
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.mixup = mixup
        self.input_noise = input_noise
        self.swap_noise = swap_noise
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
        self.init_model = init_model
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
        self.extrapolation = extrapolation
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.callbacks = callbacks

    # ---- targets

    def _options(self) -> dict[str, Any]:
        """The task's parameters."""
        calibrate: bool | str = "auto" if is_auto(self.calibrate) else bool(self.calibrate)
        if self.preset == "plain" and calibrate == "auto":
            calibrate = False
        if self.loss != "log_loss" and self.label_smoothing:
            raise ValueError(
                f"label_smoothing must be 0 for loss={self.loss!r}; got {self.label_smoothing!r}"
            )
        if self.class_order is not None and self.loss != ORDINAL:
            warn(f"class_order is not used: it is for loss='ordinal'; got loss={self.loss!r}")
        return {
            "training_loss": ClassificationLoss(
                self.loss, float(self.focal_gamma), float(self.label_smoothing)
            ),
            "class_weight": self.class_weight,
            "cost_matrix": None if self.cost_matrix is None else _costs(self.cost_matrix),
            "calibrate": calibrate,
        }

    def _new_task(
        self, y: NDArray[Any], settings: Settings, classes: Any = None, order: Any = None
    ) -> tuple[Task, NDArray[Any]]:
        options = self._options()
        options["order"] = order if self.class_order is None else self.class_order
        if has_several_outputs(y):
            return MultioutputClassificationTask.learn(y, classes=classes, **options)
        return ClassificationTask.learn(y, np.dtype(settings.dtype), classes=classes, **options)

    def _continued_task(self, task: Task, classes: Any = None, order: Any = None) -> Task:
        before = cast(ClassificationTask | MultioutputClassificationTask, task)
        return before.continued(classes, self.class_order, order, **self._options())

    def _needs_held_out(self) -> list[str]:
        calibrates = not is_auto(self.calibrate) and self.calibrate
        return super()._needs_held_out() + ["calibrate=True"] * bool(calibrates)

    # ---- the fitted model

    @explains_keywords
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, classes: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch on the given rows.

        The first call builds the network and learns the standardisation; later calls keep both and
        the optimiser's state. So the first call should have enough rows to represent the columns.
        (A column of numbers that has one value there is scaled by the first call in which it
        varies. A label that is not there stays unknown.)
        There are no validation rows: `eval_metric`, `compute_importances` and `calibrate`
        do nothing here. The schedules 'cosine', 'one_cycle' and 'coslog4' become a constant
        learning rate: `learning_rate_init`, or 3% of it after a `fit` in which the rate came down.
        With 'constant' it is `learning_rate_init` in any case.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
        sample_weight : array-like of shape (n_samples,), default=None
        classes : array-like of shape (n_classes,) or list of array-like, default=None
            All labels of this and later calls, for several columns of labels a list of those of
            each; needed in the first call if y lacks any.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        ValueError, TypeError
            As `fit`; the estimator is then as it was before the call.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not supported for partial_fit, which does not know the "
                "rows of later calls. Pass a dict of class weights, such as those that "
                "sklearn.utils.class_weight.compute_class_weight('balanced', ...) gives for a "
                "representative sample"
            )
        self._model = partial_fit_table(self, X, y, sample_weight, classes)
        return self

    @property
    def _fitted_task(self) -> ClassificationTask | MultioutputClassificationTask:
        return cast(ClassificationTask | MultioutputClassificationTask, self._fitted.task)

    def predict_proba(self, X: Any) -> Any:
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or list of ndarray
            In the order of `classes_`, float64; with several labels per row the probability of
            each; with several columns of labels a list of an array for each.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError, TypeError
            If X does not have the columns of the training table.
        KeyboardInterrupt
            After Ctrl-C.
        """
        probabilities = self._predictions(X)
        return self._fitted_task.decoder.by_output(probabilities)

    def predict_log_proba(self, X: Any) -> Any:
        """Predict the logarithms of the probabilities; see `predict_proba`.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or list of ndarray

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError, TypeError
            As `predict_proba`.
        """
        probabilities = self.predict_proba(X)
        with np.errstate(divide="ignore"):  # log(0) is -inf
            if isinstance(probabilities, list):
                return [np.log(of_output) for of_output in probabilities]
            return np.log(probabilities)  # of a Dask collection lazily

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict labels.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), (n_samples, n_labels) or (n_samples, n_outputs)
            The most probable class of each row, or with `cost_matrix` the class with the lowest
            expected cost; zeros and ones for several labels per row; a class for each of several
            columns.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError, TypeError
            As `predict_proba`.
        """
        task = self._fitted_task
        return task.decoder.labels(self._predictions(X))

    def predict_set(
        self,
        X: Any,
        coverage: float = 0.9,
        *,
        class_conditional: bool = False,
        groups: Any = None,
    ) -> NDArray[np.bool_]:
        """Predict sets of classes that contain the true class with a given coverage.

        A set holds the classes whose probability reaches a threshold, which is calibrated on the
        rows that `fit` held out, or by `conformalize`. It is empty if no class does, which happens
        where `coverage` is less than the accuracy. docs/intervals.md says what is guaranteed.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
        coverage : float, default=0.9
            Share of rows, in (0, 1), whose sets contain the true class.
        class_conditional : bool, default=False
            Whether each class has this coverage, which makes sets larger. Else rare classes may be
            missed more often than others.
        groups : array-like of shape (n_samples,), default=None
            Labels of the rows' groups, if `conformalize` got groups.

        Returns
        -------
        ndarray of bool, shape (n_samples, n_classes)
            Whether each class, in the order of `classes_`, is in the set. A class with fewer than
            ``coverage / (1 - coverage)`` calibration rows is in all of them.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError, TypeError
            If X does not have the columns of the training table, `coverage` is not in (0, 1),
            groups are missing or unexpected, no rows were held out, or rows have several labels.
        KeyboardInterrupt
            After Ctrl-C.

        Warns
        -----
        UserWarning
            If there are too few calibration rows.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from fastmlp import Classifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = Classifier(preset="fast", random_state=0).fit(X[::2], y[::2])
        >>> sets = model.predict_set(X[1::2], coverage=0.95)
        >>> sets.shape
        (75, 3)
        >>> bool(sets[range(75), y[1::2]].mean() > 0.9)
        True
        """
        model = self._fitted
        model.pipeline.check_conformal(coverage)
        probabilities = self._predictions(X)
        return model.pipeline.sets(
            probabilities, coverage, groups, class_conditional=class_conditional
        )

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Score predictions by their accuracy.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
            Share of rows that are predicted right; with several labels or columns of labels, of
            rows in which all are right. Labels of several columns may be missing: known ones count,
            in rows that have at least one.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError, TypeError
            If X does not have the columns of the training table, or y not its rows.
        """
        check_target_names(self._fitted_task.target_names, y, "y")
        predicted = self.predict(X)
        return self._fitted_task.score_of(y, predicted, sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _costs(given: ArrayLike) -> NDArray[np.float64]:
    """A cost matrix as numbers."""
    try:
        return np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"cost_matrix must hold numbers; got {given!r}") from None
