"""Bin edges of the piecewise-linear embedding: where they lie, and what they are good for."""

import numpy as np
import pytest

from fastmlp import Classifier, Network, Regressor, Scale, _core
from fastmlp.table.bin_edges import learn_bin_edges
from fastmlp.table.scaling import Scaling, learn_scaling

RNG = np.random.default_rng(0)


def edges_of(column, rows=None, weights=None, steps=16):
    X = np.asarray(column, dtype=np.float64)[:, None]
    [edges] = learn_bin_edges(X, Scaling(np.empty(0), np.empty(0), 1), rows, weights)
    assert len(edges) == steps + 1
    assert list(edges) == sorted(edges)
    return np.array(edges)


@pytest.mark.parametrize(("rows", "steps"), [(4000, 16), (5000, 16), (5001, 32), (300_000, 32)])
def test_steps_share_out_the_rows(rows, steps):
    x = RNG.exponential(size=rows)
    edges = edges_of(x, steps=steps)
    np.testing.assert_allclose([edges[0], edges[-1]], [x.min(), x.max()], rtol=0.3, atol=1e-4)
    shares = np.histogram(x, edges)[0] * steps / rows
    np.testing.assert_allclose(shares, 1, rtol=0.1)


def test_a_value_in_most_rows_is_one_edge():
    others = RNG.normal(size=400)
    x = np.concatenate([np.zeros(4000), others])
    edges = edges_of(x)
    assert np.sum(edges == 0) == 1
    inside = np.histogram(others, edges)[0]
    assert np.count_nonzero(inside > 20) >= 14


@pytest.mark.parametrize("frequent", [[0, 1, 2], [20], [7, 8, 39], range(0, 40, 3)])
def test_values_in_many_rows_are_edges(frequent):
    counts = np.ones(40, dtype=int)
    counts[list(frequent)] = 300
    edges = edges_of(np.repeat(np.arange(40.0), counts))
    assert set(frequent) <= set(edges)
    assert (edges[0], edges[-1]) == (0, 39)


def test_numbers_that_differ_by_rounding_alone_are_one_edge():
    weekdays = np.cos(2 * np.pi * np.repeat(np.arange(7), 20) / 7)
    assert np.unique(weekdays).size > 4  # Tuesday's and Sunday's, and so on
    assert np.unique(edges_of(weekdays)).size == 4


def test_knots_ascend_where_rounding_turns_neighbours_round():
    """Some 10^8 interquartile ranges from the median what is clipped wobbles by a digit."""
    for seed in range(100):
        rng = np.random.default_rng(seed)
        far = rng.uniform(90, 110, size=80)
        X = np.concatenate([3e-7 * rng.normal(size=320), far])[:, None]
        scaling = learn_scaling(X, 1, None, None, robust=True)
        [edges] = learn_bin_edges(X, scaling, None, None)
        assert list(edges) == sorted(edges)


def test_huge_values_have_edges():
    X = np.concatenate([np.linspace(0, 1e-20, 300), [-1e300, 1e300]])[:, None]
    scaling = learn_scaling(X, 1, None, None, robust=True)
    [edges] = learn_bin_edges(X, scaling, None, None)
    assert (edges[0], edges[-1]) == (-3, 3)


def test_few_values_are_all_edges():
    assert set(edges_of([3, 1, 2, 2, 2] * 100)) == {1, 2, 3}
    assert set(edges_of(np.arange(17).repeat(3))) == set(range(17))
    assert set(edges_of([5.0])) == {5}


def test_missing_values_and_rows_without_weight_do_not_count():
    x = RNG.normal(size=200)
    gaps = np.where(np.arange(300) % 3 == 2, np.nan, np.resize(x, 300))
    np.testing.assert_array_equal(edges_of(gaps), edges_of(gaps[~np.isnan(gaps)]))
    assert set(edges_of([np.nan] * 4)) == {0}
    weights = np.arange(300) % 2.0
    np.testing.assert_array_equal(edges_of(gaps, None, weights), edges_of(gaps[1::2]))
    rows = np.arange(100, dtype=np.uint32)
    np.testing.assert_array_equal(edges_of(gaps, rows), edges_of(gaps[:100]))


def test_weights_count_as_rows():
    x, counts = RNG.normal(size=400), RNG.integers(0, 5, size=400)
    expected = edges_of(np.repeat(x, counts))
    np.testing.assert_array_equal(edges_of(x, None, counts.astype(float)), expected)
    np.testing.assert_array_equal(edges_of(x, None, counts / 4), expected)
    assert not np.array_equal(edges_of(x[counts > 0]), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("robust", [True, False])
def test_knots_are_in_the_units_that_the_network_reads(robust, dtype):
    X = np.column_stack([RNG.exponential(size=17) * 100, RNG.normal(size=17), np.zeros(17)])
    X = X.astype(dtype)
    scaling = learn_scaling(X, 3, None, None, robust=robust)
    network = Network([Scale(3)], dtype="float64")
    read = _core.PredictorF64(network._engine, scaling.engine, "identity").predict(X, 1)
    np.testing.assert_allclose(
        np.transpose(learn_bin_edges(X, scaling, None, None)),
        np.sort(read, axis=0),
        rtol=8 * np.finfo(dtype).eps,
        atol=8 * np.finfo(dtype).eps,
    )


def test_single_values_among_many_zeros_are_told_apart():
    """As in tables of income: most have no capital gain, and the others' amounts tell much."""
    amounts = np.array([2000.0, 2100, 2200, 2300, 2400, 2500, 90_000])
    gain = np.where(RNG.uniform(size=3000) < 0.8, 0, RNG.choice(amounts, size=3000))
    y = np.isin(gain, amounts[1::2])
    X = np.column_stack([gain, RNG.normal(size=3000)])
    fast = {"preset": "fast", "random_state": 0, "max_iter": 16}
    assert Classifier(**fast).fit(X, y).score(X, y) == 1
    assert Classifier(**fast, numeric_embedding="periodic").fit(X, y).score(X, y) < 0.99


def test_special_amounts_are_found_by_the_default():
    """With periodic embeddings alone the error was 0.4, where one network had 0.1."""
    rng = np.random.default_rng(1)
    amounts = {0.0: 0.0, 9.99: -3.0, 100.0: 1.0, 250.0: 3.0, 1e4: 1.0}
    p = [0.9, 0.025, 0.025, 0.025, 0.025]
    train, test = (rng.choice(list(amounts), p=p, size=n) for n in (600, 1000))
    model = Regressor(random_state=0).fit(train[:, None], [amounts[x] for x in train])
    error = model.predict(test[:, None]) - [amounts[x] for x in test]
    assert np.sqrt(np.mean(error**2)) < 0.1
