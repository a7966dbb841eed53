"""Every parameter: values that are refused, values that are taken."""

import pickle
import re

import numpy as np
import pytest
from tiny_models import assert_same_weights, both, outputs, presets, target, tiny

from fastmlp import Classifier, Regressor

ROWS = 60
BAD_PARAMETERS = [
    ("hidden_layer_sizes", [0, -1, 2.5, (8, 0), (8, 2.5), (8, "8"), "8", None, True, [[8]], 2**70]),
    ("activation", ["swish", 3, None, ["relu", "relu"], [], ["swish"], [3]]),
    ("preset", ["quick", "auto", None, 3]),
    ("n_estimators", [0, -1, 2.5, "all", None]),
    ("categorical_features", ["all", 3, [9], [-1], [1.5], ["a"], [True], [[0]], {"a": 1}]),
    ("numeric_embedding", ["linear", 3, True]),
    ("solver", ["lbfgs", None, 3]),
    ("alpha", [-1.0, np.nan, np.inf, "1", None]),
    ("l1_ratio", [-0.1, 1.1, np.nan, None]),
    ("weight_decay", [-1.0, np.nan, np.inf, None]),
    ("dropout", [-0.1, 1.0, np.nan, "a", None, [0.1, 0.1], [1.0], ["a"], []]),
    ("mixup", [-0.1, np.nan, np.inf, "1", None]),
    ("input_noise", [-0.1, np.nan, np.inf, "1", None]),
    ("swap_noise", [-0.1, 1.0, np.nan, "1", None]),
    ("batch_size", [0, -1, 2.5, "all", None]),
    ("learning_rate", ["linear", None, 0.1]),
    ("learning_rate_init", [0.0, -1.0, np.nan, np.inf, "1", None]),
    ("learning_rate_factors", [1.0, [1.0], [1.0, -1.0], [1.0, np.nan], [1.0, np.inf], ["a", "b"]]),
    ("power_t", [-1.0, np.nan, None]),
    ("warmup_fraction", [-0.1, 1.0, np.nan, None]),
    ("max_iter", [0, -1, 2.5, None, 2**70]),
    ("time_limit", [0, 0.0, -1.0, np.nan, np.inf, "1", "auto"]),
    ("shuffle", ["yes", None]),
    ("random_state", ["a", -1, 2.5]),
    ("tol", [-1.0, np.nan, None]),
    ("verbose", [-1, "a", None]),
    ("warm_start", ["yes", None]),
    ("momentum", [-0.1, 1.1, np.nan, None]),
    ("nesterovs_momentum", ["yes", None]),
    ("early_stopping", ["yes", None]),
    ("validation_fraction", [0.0, 1.0, -0.1, np.nan, None]),
    ("eval_metric", ["nonsense", "auto", 3]),
    ("init_model", [3]),
    ("monotonic_cst", [[2], "up"]),
    ("interaction_cst", ["nonsense", 3]),
    ("compute_importances", ["yes", "auto", None]),
    ("beta_1", [-0.1, 1.0, np.nan, None]),
    ("beta_2", [-0.1, 1.0, np.nan, None]),
    ("epsilon", [0.0, -1.0, np.nan, np.inf, None]),
    ("n_iter_no_change", [0, -1, 2.5, np.nan, None]),
    ("max_grad_norm", [0.0, -1.0, np.nan, "1"]),
    ("standardize", ["yes", None]),
    ("extrapolation", ["quadratic", None, True]),
    ("dtype", ["float16", np.float32, None]),
    ("n_jobs", [0, 1.5, "all"]),
    ("callbacks", [3, [3], "print"]),
]
BAD_REGRESSOR = [
    ("loss", ["l2", None, (len,), [len, 3]]),
    ("delta", [0.0, -1.0, np.nan, np.inf, None]),
    ("quantile", [0.0, 1.0, np.nan, None]),
    ("tweedie_power", [1.0, 2.0, np.nan, None]),
    ("expectile", [0.0, 1.0, np.nan, None]),
]
BAD_CLASSIFIER = [
    ("loss", ["squared_error", None, (len, len)]),
    ("focal_gamma", [-0.1, np.nan, np.inf, None]),
    ("label_smoothing", [-0.1, 1.0, np.nan, None]),
    ("class_weight", ["heavy", 3]),
    ("class_order", [3]),
    ("cost_matrix", ["a", 3, [[0.0, 1.0]], [[0.0, np.nan], [1.0, 0.0]], [["a"], ["b"]]]),
    ("calibrate", ["yes", 2, None]),
]
BAD = [
    pytest.param(estimator, name, value, id=f"{estimator.__name__}-{name}-{value!r}")
    for estimator, own in ((Regressor, BAD_REGRESSOR), (Classifier, BAD_CLASSIFIER))
    for name, values in BAD_PARAMETERS + own
    for value in values
]


@pytest.mark.parametrize(("estimator", "name", "value"), BAD)
@presets
def test_bad_parameters(more, estimator, name, value, X, y):
    y = target(estimator, y)
    with pytest.raises((ValueError, TypeError)) as error:
        tiny(estimator, **more | {name: value}).fit(X, y)
    said = str(error.value)
    assert re.match(
        rf"The '{name}' parameter of {estimator.__name__} must be |{name} must |"
        rf"{name} that are not among the columns|{name}='\w+' is not a scorer",
        said,
    )
    of_one_item = name in ("callbacks", "learning_rate_factors") and isinstance(value, list)
    assert repr(value) in said or of_one_item


@pytest.mark.parametrize("n_jobs", [0, 1.5, "all"])
def test_bad_n_jobs_of_predict(n_jobs, X, y):
    model = tiny(Regressor).fit(X, y).set_params(n_jobs=n_jobs)
    with pytest.raises(ValueError, match=f"n_jobs must be a number of threads.*got {n_jobs!r}"):
        model.predict(X)


def test_every_parameter_is_tested():
    for estimator, own in ((Regressor, BAD_REGRESSOR), (Classifier, BAD_CLASSIFIER)):
        assert {name for name, _ in BAD_PARAMETERS + own} == set(estimator().get_params())


@pytest.mark.parametrize(
    ("name", "huge", "same"),
    [
        ("batch_size", 2**70, ROWS),
        ("n_iter_no_change", 2**70, np.inf),
        ("n_jobs", 2**40, 1),
        ("n_jobs", -(2**40), 1),
        ("random_state", 2**32 - 1, np.random.RandomState(2**32 - 1)),
    ],
)
def test_huge_but_meaningful_parameters(name, huge, same, X, y):
    one, other = (tiny(**{name: value}).fit(X, y) for value in (huge, same))
    assert_same_weights(one, other)


def share_of_errors(y_true, y_pred):
    return np.mean(y_true != y_pred)


GOOD = [
    {"hidden_layer_sizes": ()},
    {"hidden_layer_sizes": np.array([5, 3])},
    {"hidden_layer_sizes": np.int64(5)},
    {"hidden_layer_sizes": [5, 3], "activation": ["relu", "tanh"], "dropout": [0.1, 0.2]},
    {"dropout": np.array([0.1])},
    {"learning_rate_factors": np.array([1.0, 0.5])},
    {"learning_rate_init": np.float32(0.01), "max_iter": np.int32(2)},
    {"n_iter_no_change": np.inf},
    {"callbacks": []},
    {"n_estimators": np.int64(3)},
    {"preset": "fast"},
    {"preset": "best", "n_estimators": 3},
    {"categorical_features": [1, np.int64(2)]},
    {"categorical_features": np.array([True, False, False, True])},
    {"categorical_features": []},
    {"categorical_features": "from_dtype"},
    {"categorical_features": "from_dtype"},
    {"numeric_embedding": "periodic"},
    {"numeric_embedding": "piecewise_linear", "dtype": "float64"},
    {"numeric_embedding": "both"},
    {"numeric_embedding": None},
    {"standardize": "robust"},
    {"extrapolation": "linear"},
    {"standardize": True},
    {"standardize": False},
    {"time_limit": 100},
    {"compute_importances": True},
    {"eval_metric": share_of_errors},
    # What presets set, whoever asks for it
    {"learning_rate": "coslog4"},
    {"n_iter_no_change": "auto", "validation_fraction": "auto", "beta_2": "auto"},
    {"activation": "auto", "dropout": "auto", "weight_decay": "auto", "batch_size": "auto"},
]


def name(options):
    return " ".join(f"{key}={getattr(value, '__name__', value)}" for key, value in options.items())


@pytest.mark.parametrize("options", GOOD, ids=name)
@presets
@both
def test_good_parameters(estimator, more, options, X, y):
    model = tiny(estimator, **more | {"warm_start": True} | options).fit(X, target(estimator, y))
    for network in model.networks_:
        assert all(np.isfinite(values).all() for values in network.parameters)
    model.fit(X, target(estimator, y))
    predicted = outputs(model, X)
    assert np.isfinite(predicted).all()
    np.testing.assert_array_equal(outputs(pickle.loads(pickle.dumps(model)), X), predicted)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (2**62, "hidden_layer_sizes must be positive integers below 2\\^62"),
        ((2**31, 2**31), "number of weights of a Dense layer is too large"),
        (2**63, "hidden_layer_sizes must be positive integers below 2\\^62"),
    ],
)
@presets
@both
def test_sizes_that_overflow(estimator, more, size, message, X, y):
    with pytest.raises(ValueError, match=message):
        tiny(estimator, **more, hidden_layer_sizes=size).fit(X, target(estimator, y))


def test_divergence_says_what_helps(X, y):
    model = tiny(solver="sgd", learning_rate_init=1e30)
    with pytest.raises(ValueError, match=r"diverged.*learning_rate_init \(now 1e\+30\)"):
        model.fit(X, y)


def test_beta_2_whose_complement_float32_cannot_hold(X, y):
    model = tiny(beta_2=0.99999999, max_iter=5).fit(X, y)
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"loss": "quantile", "alpha": 0.9}, "parameter is called quantile"),
        ({"loss": "huber", "alpha": 0.9}, "parameter is called delta"),
        ({"quantile": 0.9}, "quantile=0.9 is used with loss='quantile' only"),
    ],
)
def test_quantiles_as_others_write_them(options, said):
    X = np.random.default_rng(0).normal(size=(30, 2))
    with pytest.warns(UserWarning, match=said):
        Regressor(preset="plain", hidden_layer_sizes=2, max_iter=1, **options).fit(X, X[:, 0])
