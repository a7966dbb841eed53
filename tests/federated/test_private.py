"""Clipped and noised updates: what is added, what is told, and epsilon."""

import sys

import numpy as np
import pytest
from federated.hospitals import QUICK, split, table

from fastmlp import federated, privacy
from fastmlp.federated.clipped_mean import ClippedMean
from fastmlp.rounds.messages import Update

NOISE = {"noise_multiplier": 1.0, "max_update_norm": 0.5, "delta": 1e-3}


def update(site, change, weight=1.0):
    return Update(site, 0, 0, [np.asarray(values, np.float32) for values in change], weight)


def test_a_change_is_clipped_in_the_norm_of_all_parameters():
    before = [np.zeros(2, np.float32), np.zeros((1, 1), np.float32)]
    mean = ClippedMean(1.0, 0.0, 1.0)
    far = mean(before, [update(0, [[3.0, 4.0], [[12.0]]])])
    np.testing.assert_allclose(np.concatenate([far[0], far[1][0]]), np.array([3, 4, 12]) / 13)
    near = mean(before, [update(0, [[0.3, 0.4], [[0.0]]])])
    np.testing.assert_allclose(near[0], [0.3, 0.4], rtol=1e-6)


def test_without_noise_sites_count_by_their_weights():
    (mean,) = ClippedMean(10.0, 0.0, 2.0)(
        [np.zeros(1)], [update(0, [[1.0]], weight=3.0), update(1, [[5.0]], weight=1.0)]
    )
    np.testing.assert_allclose(mean, [2.0])


def test_a_site_that_diverged_or_is_missing_counts_as_unchanged():
    before = [np.ones(1)]
    for updates in ([update(0, [[np.inf]]), update(1, [[3.0]])], [update(1, [[3.0]])]):
        (mean,) = ClippedMean(10.0, 1e-12, 2.0, np.random.default_rng(0))(before, updates)
        np.testing.assert_allclose(mean, [2.0])


def test_noise_has_the_standard_deviation_that_is_accounted_for():
    n_sites, before = 4, [np.zeros(100_000, np.float32)]
    one_coordinate = np.zeros(100_000, np.float32)
    one_coordinate[0] = 100.0
    updates = [update(k, [one_coordinate], weight=10.0**k) for k in range(n_sites)]
    (mean,) = ClippedMean(0.5, 2.0, n_sites, np.random.default_rng(0))(before, updates)
    assert np.std(mean[1:]) == pytest.approx(2.0 * 0.5 / n_sites, rel=0.01)
    assert abs(mean[0] - 0.5) < 2.0  # every site counts alike, and none beyond the norm


@pytest.fixture(scope="module")
def sites():
    return split(*table())


@pytest.fixture(scope="module")
def private(sites):
    pytest.importorskip("dp_accounting")
    parameters = QUICK | {"preset": "plain"}
    return federated.Regressor(**parameters).fit(sites, schema=table(60, seed=5), **NOISE)


def test_epsilon_is_the_accountants(private):
    expected = privacy.epsilon(1.0, delta=1e-3, n_steps=12)
    assert private.epsilon_ == pytest.approx(expected, rel=1e-6)
    assert private.n_iter_ == 12


def test_networks_and_sampling_are_accounted_for(sites):
    pytest.importorskip("dp_accounting")
    parameters = QUICK | {"preset": "plain", "n_estimators": 2, "max_iter": 6}
    model = federated.Regressor(**parameters).fit(
        sites, schema=table(60, seed=5), local_epochs=2, site_fraction=0.5, **NOISE
    )
    expected = privacy.epsilon(1 / np.sqrt(2), delta=1e-3, n_steps=3, sampling_rate=0.5)
    assert model.epsilon_ == pytest.approx(expected, rel=1e-6)


def test_epsilon_is_that_of_all_rounds_whenever_training_ends(sites):
    """When it ends may depend on what was learnt."""
    pytest.importorskip("dp_accounting")
    model = federated.Regressor(**QUICK | {"preset": "plain"}).fit(
        sites, schema=table(60, seed=5), callbacks=lambda record: record.epoch == 2, **NOISE
    )
    assert model.n_iter_ == 2
    assert model.epsilon_ == pytest.approx(privacy.epsilon(1.0, delta=1e-3, n_steps=12), rel=1e-6)


def test_with_noise_sites_tell_nothing_but_their_parameters(sites):
    pytest.importorskip("dp_accounting")
    seen = []

    class Heard(federated.LocalSite):
        def sketch(self, categorical_features, *, classifies):
            raise AssertionError("it was asked for a sketch")

        def train(self, starts):
            updates = super().train(starts)
            seen.extend(updates)
            return updates

    model = federated.Regressor(**QUICK | {"max_iter": 2}).fit(
        [Heard(*rows) for rows in sites], schema=table(60, seed=5), **NOISE
    )
    assert len(seen) == 10
    for one in seen:
        assert (one.weight, one.loss, one.validation_loss) == (1.0, None, None)
        assert one.learning_rate is None  # of the last step: it tells of the number of rows
    assert model.loss_curve_ == model.learning_rate_curve_ == []
    assert model.best_iteration_ is None


def test_noise_differs_from_fit_to_fit_unless_it_is_seeded(sites):
    pytest.importorskip("dp_accounting")
    X, _ = table()
    first, second, seeded, same = (
        federated.Regressor(**QUICK | {"preset": "plain", "max_iter": 1})
        .fit(sites, schema=table(60, seed=5), noise_random_state=seed, **NOISE)
        .predict(X)
        for seed in (None, None, 0, 0)
    )
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(seeded, same)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_update_norm": None}, "noise_multiplier needs max_update_norm"),
        ({"delta": None}, "noise_multiplier needs delta"),
        ({"schema": None}, "noise_multiplier needs schema"),
    ],
)
def test_noise_needs_what_makes_it_private(sites, change, message):
    options = NOISE | {"schema": table(60, seed=5)} | change
    with pytest.raises(ValueError, match=message):
        federated.Regressor(**QUICK).fit(sites, **options)


def test_a_missing_accountant_is_told_of_before_training(sites, monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)

    class Untouched(federated.LocalSite):
        def prepare(self, plan, number):
            raise AssertionError("training has begun")

    with pytest.raises(ImportError, match=r"fastmlp\[privacy\]"):
        federated.Regressor(**QUICK).fit(
            [Untouched(*rows) for rows in sites], schema=table(60, seed=5), **NOISE
        )
