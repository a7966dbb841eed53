"""Training replayed step by step against NumPy written here."""

from itertools import pairwise

import numpy as np
import pytest

from fastmlp import Dense, Network, Optimizer, Regressor

STEPS = 20
RTOL = 1e-10
ROWS, INPUTS, WIDTHS, OUTPUTS = 23, 5, (7, 6), 3

SOLVERS = {
    "adam": {"solver": "adam", "beta_1": 0.8, "beta_2": 0.97, "epsilon": 1e-6},
    "sgd": {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False},
    "momentum": {"solver": "sgd", "momentum": 0.85, "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd", "momentum": 0.85, "nesterovs_momentum": True},
    "rmsprop": {"solver": "rmsprop", "beta_2": 0.95, "epsilon": 1e-6},
}
EXTRAS = {
    "plain": {},
    "weight decay": {"weight_decay": 0.3},
    "penalty": {"alpha": 0.9, "l1_ratio": 0.4},
    "clipping": {"max_grad_norm": 0.35},
    "factors": {"learning_rate_factors": [0.5, 2.0, 0.0]},
    "all": {
        "weight_decay": 0.2,
        "alpha": 0.5,
        "l1_ratio": 0.7,
        "max_grad_norm": 0.5,
        "learning_rate_factors": [0.5, 1.0, 1.5],
    },
}


class Replay:
    """A tanh network with squared error and the optimisers, as textbooks write them."""

    def __init__(self, parameters, *, solver, learning_rate, **options):
        self.parameters = [np.array(p, dtype=np.float64) for p in parameters]
        self.solver = solver
        self.learning_rate = learning_rate
        self.options = {
            "momentum": 0.9,
            "nesterovs_momentum": True,
            "beta_1": 0.9,
            "beta_2": 0.999,
            "epsilon": 1e-8,
            "weight_decay": 0.0,
            "alpha": 0.0,
            "l1_ratio": 0.0,
            "max_grad_norm": None,
            "learning_rate_factors": None,
        } | options
        self.first = [np.zeros_like(p) for p in self.parameters]
        self.second = [np.zeros_like(p) for p in self.parameters]
        self.t = 0

    def gradients(self, X, y, weights=None):
        weights = np.ones(len(X)) if weights is None else weights
        total = weights.sum()
        matrices, biases = self.parameters[::2], self.parameters[1::2]
        activations = [X]
        for i, (W, b) in enumerate(zip(matrices, biases, strict=True)):
            z = activations[-1] @ W + b
            activations.append(z if i == len(matrices) - 1 else np.tanh(z))
        difference = activations[-1] - y
        share = weights[:, None] / total / y.shape[1]
        loss = (share * difference**2).sum()
        alpha, l1_ratio = self.options["alpha"], self.options["l1_ratio"]
        delta = 2 * share * difference
        found = []
        for i in reversed(range(len(matrices))):
            W = matrices[i]
            penalty = alpha * ((1 - l1_ratio) * W + l1_ratio * np.sign(W)) / total
            loss += alpha * ((1 - l1_ratio) / 2 * (W**2).sum() + l1_ratio * abs(W).sum()) / total
            found = [activations[i].T @ delta + penalty, delta.sum(axis=0), *found]
            delta = (delta @ W.T) * (1 - activations[i] ** 2)
        return loss, found

    def step(self, gradients, learning_rate=None):
        o = self.options
        rate = self.learning_rate if learning_rate is None else learning_rate
        self.t += 1
        norm = np.sqrt(sum((g**2).sum() for g in gradients))
        if o["max_grad_norm"] is not None and norm > o["max_grad_norm"]:
            gradients = [g * o["max_grad_norm"] / norm for g in gradients]
        for i, (p, g) in enumerate(zip(self.parameters, gradients, strict=True)):
            factors = o["learning_rate_factors"]
            own = rate * (1.0 if factors is None else factors[i // 2])
            m, v = self.first[i], self.second[i]
            if self.solver == "sgd":
                m[...] = o["momentum"] * m - own * g
                move = o["momentum"] * m - own * g if o["nesterovs_momentum"] else m
            elif self.solver == "adam":
                m[...] = o["beta_1"] * m + (1 - o["beta_1"]) * g
                v[...] = o["beta_2"] * v + (1 - o["beta_2"]) * g**2
                # scikit-learn's form of Adam: epsilon stands beside the uncorrected root.
                correction = np.sqrt(1 - o["beta_2"] ** self.t) / (1 - o["beta_1"] ** self.t)
                move = -own * correction * m / (np.sqrt(v) + o["epsilon"])
            else:
                v[...] = o["beta_2"] * v + (1 - o["beta_2"]) * g**2
                move = -own * g / (np.sqrt(v) + o["epsilon"])
            if i % 2 == 0:
                p *= 1 - own * o["weight_decay"]
            p += move
        return norm


def as_the_engine_is_asked(options):
    """Options with the penalty relative to the squared error, not to scikit-learn's half of it."""
    return options | {"alpha": 2 * options.get("alpha", 0.0)}


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return rng.normal(size=(ROWS, INPUTS)), rng.normal(size=(ROWS, OUTPUTS))


def assert_same(parameters, replay):
    for own, other in zip(parameters, replay.parameters, strict=True):
        np.testing.assert_allclose(own, other, rtol=RTOL, atol=1e-13)


@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_network_and_optimizer(solver, extra, table):
    X, y = table
    options = SOLVERS[solver] | EXTRAS[extra]
    penalty = {k: options[k] for k in ("alpha", "l1_ratio") if k in options}
    optimiser_options = {k: v for k, v in options.items() if k not in penalty}
    widths = (INPUTS, *WIDTHS, OUTPUTS)
    layers = [Dense(a, b, "tanh") for a, b in pairwise(widths[:-1])]
    network = Network([*layers, Dense(widths[-2], widths[-1])], dtype="float64", random_state=0)
    optimizer = Optimizer(network, learning_rate_init=0.02, **optimiser_options)
    replay = Replay(network.parameters, learning_rate=0.02, **options)
    before = [np.array(p) for p in network.parameters]
    for _ in range(STEPS):
        loss, gradients = replay.gradients(X, y)
        np.testing.assert_allclose(network.backward(X, y, **penalty), loss, rtol=RTOL)
        for own, other in zip(network.gradients_, gradients, strict=True):
            np.testing.assert_allclose(own, other, rtol=RTOL, atol=1e-13)
        np.testing.assert_allclose(optimizer.step(), replay.step(gradients), rtol=RTOL)
        assert_same(network.parameters, replay)
    # A factor of 0 holds a layer still, and nothing else does.
    held = [f == 0 for f in options.get("learning_rate_factors", [1.0, 1.0, 1.0])]
    for i, (old, new) in enumerate(zip(before, network.parameters, strict=True)):
        assert np.array_equal(old, new) == held[i // 2]


def estimator(**options) -> Regressor:
    defaults = {
        "preset": "plain",
        "hidden_layer_sizes": WIDTHS,
        "activation": "tanh",
        "standardize": False,
        "shuffle": False,
        "batch_size": ROWS,
        "early_stopping": False,
        "n_iter_no_change": np.inf,
        "learning_rate": "constant",
        "learning_rate_init": 0.02,
        "weight_decay": 0.0,
        "max_iter": STEPS,
        "dtype": "float64",
        "random_state": 0,
    }
    return Regressor(**defaults | options)


def initial_parameters(model: Regressor, X, y) -> list[np.ndarray]:
    """Weights before the first step: a step too small to change a bit leaves them."""
    still = {"solver": "sgd", "learning_rate_init": 1e-300, "max_iter": 1, "batch_size": ROWS}
    still |= {"weight_decay": 0.0, "learning_rate": "constant"}
    start = estimator(**model.get_params() | still).fit(X, y)
    return parameters_of(start)


def parameters_of(model: Regressor) -> list[np.ndarray]:
    return [p for pair in zip(model.coefs_, model.intercepts_, strict=True) for p in pair]


@pytest.mark.parametrize("batch_size", [ROWS, 8])
@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_regressor(solver, extra, batch_size, table):
    X, y = table
    options = SOLVERS[solver] | EXTRAS[extra]
    model = estimator(batch_size=batch_size, **options)
    own = as_the_engine_is_asked(options)
    replay = Replay(initial_parameters(model, X, y), learning_rate=0.02, **own)
    model.fit(X, y)
    for epoch in range(STEPS):
        losses, sizes = [], []
        for first in range(0, ROWS, batch_size):
            part = slice(first, first + batch_size)
            loss, gradients = replay.gradients(X[part], y[part])
            replay.step(gradients)
            losses.append(loss)
            sizes.append(len(X[part]))
        mean = np.average(losses, weights=sizes)
        np.testing.assert_allclose(model.loss_curve_[epoch], mean, rtol=RTOL)
    assert_same(parameters_of(model), replay)


def test_regressor_with_sample_weight(table):
    X, y = table
    weights = np.random.default_rng(3).uniform(0.0, 4.0, size=ROWS)
    weights[5] = 0.0
    options = SOLVERS["adam"] | EXTRAS["all"]
    model = estimator(batch_size=8, **options)
    own = as_the_engine_is_asked(options)
    replay = Replay(initial_parameters(model, X, y), learning_rate=0.02, **own)
    model.fit(X, y, weights)
    for epoch in range(STEPS):
        losses, totals = [], []
        for first in range(0, ROWS, 8):
            part = slice(first, first + 8)
            loss, gradients = replay.gradients(X[part], y[part], weights[part])
            replay.step(gradients)
            losses.append(loss)
            totals.append(weights[part].sum())
        mean = np.average(losses, weights=totals)
        np.testing.assert_allclose(model.loss_curve_[epoch], mean, rtol=RTOL)
    assert_same(parameters_of(model), replay)


def test_standardisation_is_the_textbook_one(table):
    X, y = table
    X = X * [1, 10, 100, 1e-3, 1] + [0, 5, -1e3, 1, 7]
    y = y * [1, 100, 1e-4] + [0, 1e3, 0]
    model = estimator(standardize=True, **SOLVERS["adam"])
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    target = (y - y.mean(axis=0)) / y.std(axis=0)
    replay = Replay(initial_parameters(model, X, y), learning_rate=0.02, **SOLVERS["adam"])
    model.fit(X, y)
    for epoch in range(STEPS):
        loss, gradients = replay.gradients(scaled, target)
        np.testing.assert_allclose(model.loss_curve_[epoch], loss, rtol=1e-9)
        replay.step(gradients)
    for own, other in zip(parameters_of(model), replay.parameters, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-9, atol=1e-11)
    W1, b1, W2, b2, W3, b3 = replay.parameters
    outputs = np.tanh(np.tanh(scaled @ W1 + b1) @ W2 + b2) @ W3 + b3
    expected = outputs * y.std(axis=0) + y.mean(axis=0)
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle", "invscaling"])
def test_schedule_reaches_the_weights(schedule, table):
    """With one step per epoch `learning_rate_curve_` holds the rate of every step."""
    X, y = table
    model = estimator(learning_rate=schedule, warmup_fraction=0.2, **SOLVERS["nesterov"])
    replay = Replay(initial_parameters(model, X, y), learning_rate=0.0, **SOLVERS["nesterov"])
    model.fit(X, y)
    for rate in model.learning_rate_curve_:
        replay.step(replay.gradients(X, y)[1], rate)
    assert_same(parameters_of(model), replay)


# ---- learning_rate_curve_: the rate of the last step of every epoch

RATE, EPOCHS, BATCHES = 0.03, 12, 3  # batches of 8, 8 and 7 rows


def curve(table, **options) -> np.ndarray:
    options = {"batch_size": 8, "learning_rate_init": RATE, "max_iter": EPOCHS} | options
    return np.array(estimator(**options).fit(*table).learning_rate_curve_)


def half_cosine(start: float, end: float, t):
    return end + (start - end) * (1 + np.cos(np.pi * np.clip(t, 0, 1))) / 2


LAST_STEPS = np.arange(1, EPOCHS + 1) * BATCHES - 1
ALL_STEPS = EPOCHS * BATCHES


def test_constant_curve(table):
    np.testing.assert_array_equal(curve(table, learning_rate="constant"), np.full(EPOCHS, RATE))


@pytest.mark.parametrize("power_t", [0.0, 0.5, 1.3])
@pytest.mark.parametrize("batch_size", [ROWS, 8])
def test_invscaling_curve_is_scikit_learns(table, power_t, batch_size):
    """scikit-learn lowers the rate after every epoch: init / (rows seen + 1) ** power_t."""
    got = curve(table, learning_rate="invscaling", power_t=power_t, batch_size=batch_size)
    expected = RATE / (ROWS * np.arange(EPOCHS) + 1.0) ** power_t
    np.testing.assert_allclose(got, expected, rtol=1e-13)


@pytest.mark.parametrize("warmup_fraction", [0.0, 0.1, 0.5, 0.97])
def test_cosine_curve(table, warmup_fraction):
    warmup = warmup_fraction * ALL_STEPS
    t = LAST_STEPS
    falling = half_cosine(RATE, 0.0, (t - warmup) / max(ALL_STEPS - warmup, 1))
    expected = np.where(t < warmup, RATE * (t + 1) / (warmup + 1), falling)
    got = curve(table, learning_rate="cosine", warmup_fraction=warmup_fraction)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-18)
    assert got.max() <= RATE


@pytest.mark.parametrize("warmup_fraction", [0.0, 0.25, 0.5])
def test_one_cycle_curve(table, warmup_fraction):
    warmup = warmup_fraction * ALL_STEPS
    t = LAST_STEPS
    rising = half_cosine(RATE / 25, RATE, t / max(warmup, 1))
    falling = half_cosine(RATE, RATE / 25e4, (t - warmup) / max(ALL_STEPS - warmup - 1, 1))
    got = curve(table, learning_rate="one_cycle", warmup_fraction=warmup_fraction)
    np.testing.assert_allclose(got, np.where(t < warmup, rising, falling), rtol=1e-12)
    np.testing.assert_allclose(got[-1], RATE / 25e4, rtol=1e-12)


def test_adaptive_curve(table):
    """Divided by 5 whenever the loss has stopped falling, from the next epoch on."""
    model = estimator(
        learning_rate="adaptive",
        learning_rate_init=0.5,
        solver="sgd",
        tol=1e-3,
        n_iter_no_change=2,
        max_iter=200,
    ).fit(*table)
    rate, best, without, expected = 0.5, np.inf, 0, []
    stopped = False
    for loss in model.loss_curve_:
        assert not stopped
        expected.append(rate)
        without = without + 1 if loss > best - 1e-3 else 0
        best = min(best, loss)
        if without > 2:
            stopped = rate <= 1e-6
            rate, without = rate / 5, 0
    assert stopped
    assert model.stop_reason_ == "no_improvement"
    np.testing.assert_allclose(model.learning_rate_curve_, expected, rtol=1e-12)
