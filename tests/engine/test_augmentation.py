"""Augmentation: the rows that a network learns from, value by value, and gradients of their losses.

A loss of one's own sees the rows: the raw outputs of a network that is the identity are its inputs.
"""

import numpy as np
import pytest
from engine_options import PLAIN
from scipy import stats

from fastmlp import Dense, Embedding, Network, Optimizer, _core

OPTIONS = PLAIN | {"learning_rate_init": 0.5, "batch_size": 2**14, "shuffle": False}


def fit(network, X, y, *, weights=None, offset=None, inputs=None, **options):
    optimizer = Optimizer(network, solver="sgd", momentum=0.0)
    return _core.train(
        network._engine,
        optimizer._engine,
        inputs,
        (X, y, weights, None, offset),
        None,
        OPTIONS | options,
        _core.ThreadBudget(1, 1),
        None,
        None,
    )


def identity(n, dtype="float64"):
    network = Network([Dense(n, n)], dtype=dtype, random_state=0)
    network.parameters[0][...] = np.eye(n)
    return network


def seen(X, network=None, y=None, **options):
    """True values, inputs and weights of every minibatch; true values are the rows themselves."""
    minibatches = []

    def loss(y, raw, weights, derives):
        minibatches.append((y, raw, weights))
        return 0.0, np.zeros_like(raw)

    network = network or identity(X.shape[1], X.dtype)
    fit(network, X, X if y is None else y, loss=loss, **options)
    return minibatches


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(3000, 4))


def halves(minibatch):
    """Inputs, the two rows that they are a mixture of, and the first one's share."""
    y, raw, weights = minibatch
    n = len(y) // 2
    np.testing.assert_array_equal(raw[:n], raw[n:])
    np.testing.assert_allclose(weights[:n] + weights[n:], 1)
    return raw[:n], y[:n], y[n:], weights[:n, np.newaxis]


def places(rows, X):
    """Where rows are in X, by their first column."""
    order = np.argsort(X[:, 0])
    return order[np.searchsorted(X[order, 0], rows[:, 0])]


@pytest.mark.parametrize(("dtype", "accuracy"), [("float32", 1e-5), ("float64", 1e-12)])
def test_mixup_mixes_each_row_with_another_of_its_minibatch(X, dtype, accuracy):
    X = X[:70].astype(dtype)
    minibatches = seen(X, mixup=0.5, batch_size=50)
    assert [len(y) for y, _, _ in minibatches] == [2 * 50, 2 * 20]
    for minibatch, rows in zip(minibatches, (np.arange(50), np.arange(50, 70)), strict=True):
        inputs, own, other, share = halves(minibatch)
        np.testing.assert_allclose(inputs, share * own + (1 - share) * other, atol=accuracy)
        np.testing.assert_array_equal(places(own, X), rows)
        others = places(other, X)
        np.testing.assert_array_equal(np.sort(others), rows)
        assert (others != rows).all()


@pytest.mark.parametrize("alpha", [0.1, 1.0, 4.0])
def test_shares_have_the_beta_distribution(X, alpha):
    *_, share = halves(*seen(X, mixup=alpha))
    assert stats.kstest(share[:, 0], stats.beta(alpha, alpha).cdf).pvalue > 0.01
    assert abs(np.corrcoef(share[1:, 0], share[:-1, 0])[0, 1]) < 0.05


def test_shares_stay_numbers_where_the_distribution_is_all_but_zero_and_one(X):
    *_, share = halves(*seen(X, mixup=1e-9))
    np.testing.assert_allclose(share, share.round(), atol=1e-12)
    assert 0.4 < share.mean() < 0.6


def test_every_step_mixes_anew(X):
    (_, _, first, one), (_, _, second, another) = map(halves, seen(X[:50], mixup=1.0, max_iter=2))
    assert not np.array_equal(first, second)
    assert not np.array_equal(one, another)


def test_a_row_alone_stays_as_it_is(X):
    (minibatch,) = seen(X[:1], mixup=1.0, swap_noise=0.9)
    np.testing.assert_array_equal(halves(minibatch)[0], X[:1])


def test_mixed_rows_count_by_their_weights(X):
    weights = np.linspace(0.5, 2, 30)
    ((_, raw, both),) = seen(X[:30], mixup=0.7, weights=weights)
    ((y, _, plain),) = seen(X[:30], mixup=0.7)
    np.testing.assert_allclose(both, plain * weights[places(y, X)])
    assert raw.shape == (60, 4)


def test_offsets_are_mixed_as_the_rows_are(X):
    network = identity(4)
    network.parameters[0][...] = 0
    (minibatch,) = seen(X[:30], network, mixup=0.5, swap_noise=0.4, offset=X[:30].copy())
    offset, own, other, share = halves(minibatch)
    np.testing.assert_allclose(offset, share * own + (1 - share) * other)


def test_swapped_values_are_those_of_one_other_row(X):
    ((y, inputs, weights),) = seen(X, swap_noise=0.3)
    assert weights is None
    kept = inputs == y
    assert abs(kept.mean() - 0.7) < 0.02
    assert np.abs(np.corrcoef(kept, rowvar=False) - np.eye(4)).max() < 0.06
    by = np.unique([places(np.roll(inputs, -j, axis=1), np.roll(X, -j, axis=1)) for j in range(4)])
    assert np.isin(by, np.arange(len(X))).all()
    swapped = np.stack([np.searchsorted(np.sort(X[:, j]), inputs[:, j]) for j in range(4)], axis=1)
    sources = np.stack([np.argsort(X[:, j])[swapped[:, j]] for j in range(4)], axis=1)
    moved = (sources - np.arange(len(X))[:, np.newaxis]) % len(X)
    assert len(np.unique(moved[~kept])) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_noise_is_normal_and_added_to_numbers_only(X, dtype):
    X = X.astype(dtype)
    inputs = _core.Standardisation(np.empty(0), np.empty(0), 3, False)
    (y, one, _), (_, another, _) = seen(X, inputs=inputs, input_noise=0.2, max_iter=2)
    np.testing.assert_array_equal(one[:, 3], y[:, 3])
    noise = (one - y)[:, :3]
    for values in (*noise.T, (another - y)[:, 0]):
        assert stats.kstest(values / 0.2, stats.norm.cdf).pvalue > 0.01
    together = np.column_stack([noise, noise[:, :1] ** 2, (another - y)[:, 0]])
    assert np.abs(np.corrcoef(together, rowvar=False) - np.eye(5)).max() < 0.06


def test_a_category_is_that_of_one_of_both_rows():
    codes = np.random.default_rng(0).integers(1, 6, size=(3000, 1)).astype(float)
    network = Network([Embedding(0, 0, categories=[(5, 0)])], dtype="float64", random_state=0)
    one_hot = np.eye(5)[codes[:, 0].astype(int) - 1]
    (minibatch,) = seen(codes, network, one_hot, mixup=1.0)
    inputs, own, other, share = halves(minibatch)
    is_own, is_other = ((inputs == rows).all(axis=1) for rows in (own, other))
    assert (is_own | is_other).all()
    differ = (own != other).any(axis=1)
    chosen, expected = is_own[differ], share[differ, 0]
    for low in (0.0, 0.25, 0.5, 0.75):
        among = (expected >= low) & (expected < low + 0.25)
        assert abs(chosen[among].mean() - expected[among].mean()) < 0.06


NETWORK = [Embedding(2, 1, categories=[(3, 0), (20, 2)]), Dense(14, 5, "tanh"), Dense(5, 3)]
LOSSES = {
    "squared error": {"loss": "squared_error"},
    "quantiles": {"loss": "quantile", "quantiles": [0.1, 0.5, 0.9]},
    "counts": {"loss": "poisson"},
    "several labels": {"loss": "binary_cross_entropy"},
    "classes": {"loss": "cross_entropy", "label_smoothing": 0.1},
    "focal": {"loss": "focal"},
}


def rows_for(loss, rng):
    X = np.column_stack(
        [rng.normal(size=(40, 2)), np.sign(rng.normal(size=40)), rng.integers(0, 4, 40)]
    )
    X = np.column_stack([X, rng.integers(0, 21, 40)])
    y = rng.integers(0, 3, 40).astype(np.int32)
    if loss not in ("cross_entropy", "focal"):
        y = (np.eye(3)[y] if loss == "binary_cross_entropy" else rng.poisson(2.0, (40, 3))) * 1.0
        y[::7, 1] = np.nan
    return X, y


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_those_of_the_mixed_losses(loss):
    rng = np.random.default_rng(0)
    X, y = rows_for(LOSSES[loss]["loss"], rng)
    given = {"weights": rng.uniform(0.5, 2, 40), "offset": rng.normal(size=(40, 3))}
    given |= LOSSES[loss] | {"mixup": 0.5, "swap_noise": 0.2, "input_noise": 0.1}

    def network():
        return Network(NETWORK, dtype="float64", random_state=1)

    def value(i, place, change):
        changed = network()
        changed.parameters[i][place] += change
        return fit(changed, X, y, **given)["loss_curve"][0]

    before, trained = network(), network()
    plain = fit(network(), X, y, **given | {"mixup": 0.0})["loss_curve"]
    assert fit(trained, X, y, **given)["loss_curve"] != plain
    for i, (start, end) in enumerate(zip(before.parameters, trained.parameters, strict=True)):
        gradient = (start - end) / OPTIONS["learning_rate_init"]
        place = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
        difference = (value(i, place, 1e-5) - value(i, place, -1e-5)) / 2e-5
        assert abs(gradient[place]) > 1e-4
        np.testing.assert_allclose(gradient[place], difference, rtol=1e-5, atol=1e-8)


def test_a_loss_of_ones_own_is_mixed_as_the_engines_is():
    X, y = rows_for("squared_error", np.random.default_rng(0))
    y = np.nan_to_num(y)

    def own(y, raw, weights, derives):
        error = raw - y
        total = weights.sum() * error.shape[1]
        return (weights[:, np.newaxis] * error**2).sum() / total, (
            2 * weights[:, np.newaxis] * error / total
        )

    models = [Network(NETWORK, dtype="float64", random_state=1) for _ in range(2)]
    curves = [
        fit(network, X, y, loss=loss, mixup=0.5, max_iter=3, batch_size=16)["loss_curve"]
        for network, loss in zip(models, (own, "squared_error"), strict=True)
    ]
    np.testing.assert_allclose(*curves)
    for one, other in zip(models[0].parameters, models[1].parameters, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("option", ["mixup", "swap_noise", "input_noise"])
def test_sparse_rows_are_refused(option):
    network = Network([Dense(4, 1, sparse=True)], dtype="float64", random_state=0)
    rows = (np.ones(2), np.arange(2, dtype=np.int32), np.arange(3))
    with pytest.raises(ValueError, match="must be 0 for sparse rows"):
        fit(network, rows, np.zeros((2, 1)), loss="squared_error", **{option: 0.1})


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("mixup", -0.1, "mixup must be a number >= 0"),
        ("mixup", np.inf, "mixup must be a number >= 0"),
        ("input_noise", np.nan, "input_noise must be a number >= 0"),
        ("swap_noise", 1.0, r"swap_noise must be in \[0, 1\)"),
    ],
)
def test_values_out_of_range_are_refused(X, option, value, expected):
    more = {"mixup": 1.0} | {option: value}
    with pytest.raises(ValueError, match=expected):
        fit(identity(4), X, X, loss="squared_error", **more)
