"""Scorers without scikit-learn's checks: its values, and where its own are taken."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import get_scorer
from small_tables import fitted

from fastmlp.tasks.metrics import PredictedClasses, PredictedNumbers, metric_of
from fastmlp.tasks.unchecked_metrics import unchecked_metric

OF_NUMBERS = [
    "r2",
    "neg_mean_absolute_error",
    "neg_mean_squared_error",
    "neg_root_mean_squared_error",
]
OF_TWO = ["accuracy", "balanced_accuracy", "neg_log_loss", "roc_auc", "average_precision"]
OF_MANY = ["accuracy", "balanced_accuracy", "neg_log_loss", "roc_auc_ovr"]
N_ROWS = 60
TWO, MANY = np.arange(N_ROWS) % 2, np.arange(N_ROWS) % 4
WEIGHTS = ["none", "floats", "counts"]


def weights_of(kind, random):
    """Weights of rows, some of them zero if they are counts."""
    if kind == "none":
        return None
    return random.uniform(size=N_ROWS) if kind == "floats" else random.integers(0, 3, N_ROWS)


def assert_same(name, y_true, weights, known, predicted, classes):
    unchecked = unchecked_metric(name, y_true, weights, classes)
    by_scikit_learn = get_scorer(name)(known, y_true[:, None], y_true, sample_weight=weights)
    assert unchecked.takes(predicted[unchecked.response]())
    value = unchecked.formula(predicted[unchecked.response]())
    # equal in the latest version; with weights its sums had another order before
    assert float(value) == pytest.approx(by_scikit_learn, rel=1e-14, abs=0)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", OF_NUMBERS)
def test_numbers(name, weights):
    for seed in range(2):
        random = np.random.default_rng(seed)
        y_true = random.normal(size=N_ROWS).astype(np.float32 if seed % 2 else np.float64)
        numbers = 3.0 * y_true + random.normal(size=N_ROWS)
        predicted = {"predict": lambda numbers=numbers: numbers}
        given = weights_of(weights, random)
        assert_same(name, y_true, given, PredictedNumbers(predicted), predicted, None)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize(
    ("name", "classes"),
    [
        *((name, np.array([0, 1])) for name in OF_TWO),
        ("average_precision", np.array([False, True])),
        ("roc_auc", np.array(["no", "yes"])),
        ("neg_log_loss", np.array(["no", "yes"])),
        *((name, np.array([1.0, 2, 4])) for name in OF_MANY),
        ("balanced_accuracy", np.array(["a", "b", "c"], dtype=object)),
    ],
)
def test_classes(name, classes, weights):
    for decimals in (0, 17):  # logits with many ties, and without any
        random = np.random.default_rng(decimals)
        y_true = random.permutation(classes[np.arange(N_ROWS) % classes.size])
        logits = np.round(3 * random.normal(size=(N_ROWS, classes.size)), decimals)
        probabilities = softmax(logits, axis=1)
        predicted = {
            "predict": lambda p=probabilities: classes[p.argmax(axis=1)],
            "predict_proba": lambda p=probabilities: p,
        }
        known = PredictedClasses(predicted, classes)
        assert_same(name, y_true, weights_of(weights, random), known, predicted, classes)


def test_saturated_probabilities_and_perfect_predictions():
    classes = np.array([0, 1])
    probabilities = np.eye(2)[1 - TWO]
    predicted = {"predict": lambda: 1 - TWO, "predict_proba": lambda: probabilities}
    for name in OF_TWO:
        assert_same(name, TWO, None, PredictedClasses(predicted, classes), predicted, classes)
    numbers = {"predict": lambda: MANY.astype(float)}
    for name in OF_NUMBERS:
        assert_same(name, MANY, None, PredictedNumbers(numbers), numbers, None)


@pytest.mark.parametrize(
    ("name", "y_true", "weights", "classes"),
    [
        ("accuracy", TWO, None, np.arange(3)),
        ("roc_auc", TWO, 1.0 - TWO, np.arange(2)),
        ("accuracy", TWO, np.zeros(N_ROWS), np.arange(2)),
        ("roc_auc", MANY, None, np.arange(4)),
        ("average_precision", TWO + 1, None, np.array([1, 2])),
        ("f1", TWO, None, np.arange(2)),
        ("accuracy", np.column_stack([TWO, TWO]), None, np.array([[0, 1], [0, 1]])),
        ("r2", np.ones(N_ROWS), None, None),
        ("r2", np.array([0.1]), np.array([0.3]), None),  # whose weighted mean is another number
        ("r2", 1e200 * TWO, None, None),
        ("r2", np.column_stack([MANY, TWO]), None, None),
        ("d2_absolute_error_score", MANY, None, None),
    ],
)
def test_what_is_left_to_scikit_learn(name, y_true, weights, classes):
    assert unchecked_metric(name, y_true, weights, classes) is None


def test_targets_whose_squares_overflow_make_no_warning_where_no_square_is_needed():
    metric = unchecked_metric("neg_mean_absolute_error", 1e200 * TWO, None, None)
    assert metric.formula(1e200 * TWO) == 0


@pytest.mark.parametrize(
    ("predicted", "message"),
    [
        (np.full(N_ROWS, np.nan), "contains NaN"),
        (np.full(N_ROWS, np.inf), "contains infinity"),
        (np.zeros((N_ROWS, 2)), "different number of output"),
    ],
)
def test_errors_are_those_of_scikit_learn(predicted, message):
    metric = metric_of("r2", MANY, None, lambda outputs: predicted, None, None)
    with pytest.raises(ValueError, match=f"eval_metric='r2' failed: .*{message}"):
        metric(np.zeros((N_ROWS, 1)))


@pytest.mark.parametrize(
    ("target", "metric"),
    [("numbers", "r2"), ("two classes", "roc_auc"), ("text", "accuracy")],
)
def test_epochs_are_those_that_scikit_learn_would_choose(target, metric):
    named, by_scorer = (fitted(target, eval_metric=own) for own in (metric, get_scorer(metric)))
    assert named.best_iteration_ == by_scorer.best_iteration_
    assert named.metric_curve_ == by_scorer.metric_curve_
