"""Interaction constraints: effects of columns in different groups are added."""

import numpy as np
import pandas as pd
import pytest
from monotone_search import changes

from fastmlp import Classifier, Regressor

RNG = np.random.default_rng(0)
ROWS = 200
X = RNG.normal(size=(ROWS, 4))
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d"])
FRAME["kind"] = np.where(X[:, 3] > 0.5, "x", np.where(X[:, 3] < -0.5, "y", "z"))
TARGET = X[:, 0] * X[:, 1] + X[:, 2] * X[:, 3] + X[:, 0] * X[:, 2]
OPTIONS = {
    "preset": "fast",
    "n_estimators": 2,
    "hidden_layer_sizes": 16,
    "max_iter": 6,
    "random_state": 0,
}


def interaction(model, one, other):
    """How far effects of two columns are from being added, in the unit of the target."""
    low, high = FRAME[:60].reset_index(drop=True), FRAME[60:120].reset_index(drop=True)
    both = low.assign(**{one: high[one], other: high[other]})
    parts = [low, both, low.assign(**{one: high[one]}), low.assign(**{other: high[other]})]
    predicted = [model.predict(part) for part in parts]
    return np.abs(predicted[0] + predicted[1] - predicted[2] - predicted[3]).max()


def fitted(groups, **options):
    return Regressor(**OPTIONS | options, interaction_cst=groups).fit(FRAME, TARGET)


@pytest.mark.parametrize("groups", [[["a", "b"], {"b", "c"}], [(0, 1), [1, 2]]])
def test_columns_interact_within_groups_only(groups):
    model = fitted(groups)
    for one, other in (("a", "b"), ("b", "c"), ("d", "kind")):  # the others are a group together
        assert interaction(model, one, other) > 1e-3
    for one, other in (("a", "c"), ("a", "d"), ("c", "kind"), ("b", "kind")):
        assert interaction(model, one, other) < 1e-5


def test_no_interactions():
    model = fitted("no_interactions")
    for one, other in (("a", "b"), ("b", "c"), ("d", "kind")):
        assert interaction(model, one, other) < 1e-5


def test_pairs_have_interactions_but_triples_have_none():
    model = fitted("pairwise")
    assert interaction(model, "a", "b") > 1e-3
    low, high = FRAME[:60].reset_index(drop=True), FRAME[60:120].reset_index(drop=True)
    total = 0.0
    for bits in range(8):
        chosen = [name for k, name in enumerate("abc") if bits >> k & 1]
        predicted = model.predict(low.assign(**{name: high[name] for name in chosen}))
        total = total + (-1) ** len(chosen) * predicted
    assert np.abs(total).max() < 1e-5


def test_both_kinds_of_constraints_at_once():
    model = fitted([["a", "b"], ["b", "c", "kind"]], monotonic_cst={"a": 1, "d": -1, "c": 1})
    assert (changes(model.predict, FRAME, "a") >= 0).all()
    assert (changes(model.predict, FRAME, "c") >= 0).all()
    assert (changes(model.predict, FRAME, "d") <= 0).all()
    assert interaction(model, "a", "b") > 1e-4
    assert interaction(model, "a", "c") < 1e-5


def test_a_single_network_of_several_classes():
    options = OPTIONS | {"n_estimators": 1}
    y = np.digitize(TARGET, [-1, 1])
    model = Classifier(**options, interaction_cst=[["a", "b"]], calibrate=False).fit(FRAME, y)

    class Logits:
        def predict(self, rows):
            logarithms = np.log(model.predict_proba(rows))
            return logarithms[:, 1] - logarithms[:, 0]

    assert interaction(Logits(), "a", "b") > 1e-3
    assert interaction(Logits(), "a", "c") < 1e-4


def test_one_group_of_all_columns_changes_nothing_but_the_sign_of_nothing():
    free = Regressor(**OPTIONS).fit(FRAME, TARGET)
    np.testing.assert_array_equal(fitted([range(5)]).predict(FRAME), free.predict(FRAME))


def test_many_groups_are_warned_of(monkeypatch):
    monkeypatch.setattr("fastmlp.ensemble.constrained_units._MANY_UNITS", 79)
    message = "interaction_cst has 10 groups, which take at least 80 units .* and 6,400 weights"
    with pytest.warns(UserWarning, match=message) as caught:
        fitted("pairwise", max_iter=1)
    assert len(caught) == 1
    assert caught[0].filename == __file__  # a cached property warns
    fitted("no_interactions", max_iter=1)
