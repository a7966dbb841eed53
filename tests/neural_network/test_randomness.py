"""The same random numbers as scikit-learn's, for any number of threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse
import sklearn
import sklearn.neural_network as theirs
from theirs_and_ours import X, Y, close, few_epochs, regressor, same_weights

import fastmlp.neural_network as ours
from fastmlp.neural_network.training import shuffle

pytestmark = few_epochs


@pytest.mark.parametrize("n", [1, 2, 3, 255, 256, 257, 623, 624, 625, 40_000])
def test_order_of_rows_is_numpys(n):
    for seed in range(3):
        expected, state = np.random.RandomState(seed), np.random.RandomState(seed)
        expected.random_sample(seed * 100)
        state.random_sample(seed * 100)
        rows, ours_ = np.arange(n), np.arange(n, dtype=np.uint32)
        for _ in range(3):
            rows = sklearn.utils.shuffle(rows, random_state=expected)
            shuffle(ours_, state)
            np.testing.assert_array_equal(ours_, rows)
        assert state.random_sample() == expected.random_sample()


def test_random_state_is_handed_back():
    states = [np.random.RandomState(5), np.random.RandomState(5)]
    for module, state in zip((theirs, ours), states, strict=True):
        regressor(module, random_state=state).fit(X, Y)
    assert states[0].random_sample() == states[1].random_sample()


def test_another_generator_behind_the_random_state():
    models = [
        regressor(module, random_state=np.random.RandomState(np.random.PCG64(3))).fit(X, Y)
        for module in (theirs, ours)
    ]
    close(models[0].loss_curve_, models[1].loss_curve_)


def test_the_global_state():
    curves = []
    for module in (theirs, ours):
        np.random.seed(7)  # noqa: NPY002
        curves.append(regressor(module, random_state=None).fit(X, Y).loss_curve_)
    close(*curves)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_same_bits_for_any_number_of_threads(kind):
    rng = np.random.RandomState(2)
    table = rng.normal(size=(500, 300))
    if kind == "sparse":
        table = scipy.sparse.csr_array(table * (rng.uniform(size=table.shape) < 0.1))
    y = rng.normal(size=500)
    for options in ({"hidden_layer_sizes": (200, 100)}, {"solver": "lbfgs"}):
        models = [regressor(n_jobs=n, **options).fit(table, y) for n in (1, 2, 3, 4, 8, -1)]
        for model in models[1:]:
            assert same_weights(model, models[0])
            np.testing.assert_array_equal(model.predict(table), models[0].predict(table))


def test_random_numbers_drawn_meanwhile():
    """With the global state others draw too, and nothing is drawn twice."""
    drawn = {theirs: [], ours: []}
    for module, own in drawn.items():

        class Drawing(module.MLPRegressor):
            meanwhile = own

            def _update_no_improvement_count(self, *args):
                self.meanwhile.append(np.random.random_sample())  # noqa: NPY002
                super()._update_no_improvement_count(*args)

        np.random.seed(3)  # noqa: NPY002
        own += Drawing(max_iter=5).fit(X, Y).loss_curve_
    close(*drawn.values())


def test_many_threads_at_once():
    model = regressor(max_iter=30).fit(X, Y)
    expected = model.predict(X)

    def work(i):
        if i % 2:
            return np.array_equal(model.predict(X), expected)
        return same_weights(regressor(max_iter=30).fit(X, Y), model)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(32)))
