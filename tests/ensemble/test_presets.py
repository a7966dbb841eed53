"""Presets: what their documentation says is what is set, and what is given wins."""

import pickle
import re
from itertools import product

import numpy as np
import pytest
from tiny_models import TINY, both, target

from fastmlp import Classifier, Dense, Dropout, Embedding, Regressor, Scale
from fastmlp.ensemble.presets import KINDS, PRESETS, MemberSpec
from fastmlp.estimators.parameters import checked_settings


def made(estimator, X, y, **options):
    return estimator(**TINY | {"n_estimators": 4} | options).fit(X, target(estimator, y))


def documented(estimator):
    """The table in the docstring: for every preset a dictionary of texts."""
    table = re.search(r"parameter .*?\n\s*=[ =]*\n(.*?)\n\s*=[ =]*\n", estimator.__doc__, re.S)[1]
    presets = re.findall(r"'(\w+)'", re.search(r"parameter .*", estimator.__doc__)[0])
    settings = {preset: {} for preset in presets}
    for line in table.splitlines():
        name, first, *others = re.split("  +", line.strip())
        for preset, text in zip(presets, [first, *others], strict=True):
            settings[preset][name] = first if text == "the same" else text
    return settings


def setting(estimator, preset, name):
    """What is set for tables of 2,000 and 4,000 rows, as the documentation would say it."""
    model = estimator(preset=preset)
    specs = [MemberSpec(*spec) for spec in product(range(20), KINDS, (2000, 4000))]
    settings = checked_settings(model)
    values = [settings.of(name, spec) for spec in specs]
    if isinstance(values[0], float | int) and min(values) < max(values):
        return f"{min(values):g} to {max(values):g}"
    return ", ".join(dict.fromkeys(f"{v:g}" if type(v) is float else str(v) for v in values))


@both
@pytest.mark.parametrize("preset", PRESETS)
def test_documentation(estimator, preset):
    told = documented(estimator)
    for name, text in told[preset].items():
        text = text.removesuffix(", see below").strip('"')
        if text == "a quarter":
            text = re.sub(r"\d+", lambda epochs: str(int(epochs[0]) // 4), told["default"][name])
            text = text.removesuffix(", see below")
        if text == "by kind":
            text = "both, " * (estimator is Regressor) + "piecewise_linear, periodic"
        if text == "40 + best epoch":
            text = "auto"
        assert setting(estimator, preset, name) == text, name


@both
def test_every_preset_is_documented(estimator):
    assert set(documented(estimator)) == set(PRESETS)
    networks = [int(documented(estimator)[p]["n_estimators"]) for p in ("fast", "default", "best")]
    assert networks == sorted(set(networks))


def kinds_of(model):
    return {type(layer) for network in model.networks_ for layer in network.layers}


@pytest.mark.parametrize("preset", ["fast", "default", "best"])
def test_tabular_presets(preset, X, y):
    model = Regressor(preset=preset, hidden_layer_sizes=4, max_iter=1, random_state=0).fit(X, y)
    assert len(model.networks_) == checked_settings(Regressor(preset=preset)).of("n_estimators")
    assert kinds_of(model) == {Embedding, Scale, Dense, Dropout}
    assert all(network.layers[2].parametric for network in model.networks_)


def test_plain_preset(X, y):
    model = Regressor(preset="plain", max_iter=1).fit(X, y)
    (network,) = model.networks_
    assert network.layers == (Dense(4, 256, "mish"), Dense(256, 256, "mish"), Dense(256, 1))
    assert len(model.coefs_) == 3


def test_explicit_parameters_win_over_presets(X, y):
    given = {"activation": "tanh", "dropout": 0.1, "numeric_embedding": None, "n_estimators": 3}
    model = made(Regressor, X, y, preset="best", learning_rate="constant", **given)
    assert len(model.networks_) == 3
    expected = (Scale(4), Dense(4, 8, "tanh", True), Dropout(0.1), Dense(8, 1))
    assert {network.layers for network in model.networks_} == {expected}
    plain = made(Regressor, X, y, preset="plain", dropout=0.2)
    assert plain.n_iter_ == 3
    assert kinds_of(plain) == {Dense, Dropout}


def test_networks_have_recipes_of_their_own(X, y):
    def settings(model):
        activations = [network.layers[2].activation for network in model.networks_]
        rates = [history.learning_rate_curve[1] for history in model.histories_]
        return [len(set(found)) > 1 for found in (activations, rates)]

    assert settings(made(Regressor, X, y)) == [True, True]
    assert settings(made(Regressor, X, y, activation="relu")) == [False, True]
    assert settings(made(Regressor, X, y, learning_rate_init=0.01)) == [True, False]


def dropouts(model):
    return [
        [layer.rate for layer in network.layers if isinstance(layer, Dropout)]
        for network in model.networks_
    ]


def test_enough_networks_are_of_two_kinds(X, y):
    fine, smooth = [[]] * 5, [[0.4]] * 5
    assert dropouts(made(Regressor, X, y, n_estimators=9)) == [[0.25]] * 9
    assert dropouts(made(Regressor, X, y, n_estimators=10)) == fine + smooth
    assert (
        dropouts(made(Regressor, X, y, n_estimators=23)) == fine + smooth + fine + smooth + [[]] * 3
    )
    assert (
        dropouts(made(Classifier, X, y, n_estimators=6, validation_fraction=0.4))
        == [[0.1]] * 3 + [[0.4]] * 3
    )
    assert dropouts(made(Regressor, X, y, n_estimators=10, dropout=0.1)) == [[0.1]] * 10


@pytest.mark.parametrize("rows", [2000, 4000])
@both
@pytest.mark.parametrize("kind", KINDS)
def test_embedding_is_that_of_the_kind(kind, estimator, rows):
    expected = "periodic" if kind == "smooth" else "piecewise_linear"
    if (estimator, rows) == (Regressor, 2000):
        expected = "periodic" if kind == "smooth" else "both"
    settings = checked_settings(estimator())
    assert settings.of("numeric_embedding", MemberSpec(0, kind, rows)) == expected


@pytest.mark.parametrize(
    ("given", "periodic", "linear", "rate"),
    [("periodic", 3, 0, 0.1), ("piecewise_linear", 0, 4, 0.4), ("both", 3, 4, 0.1)],
)
def test_embedding_can_be_given(X, y, given, periodic, linear, rate):
    model = made(Regressor, X, y, numeric_embedding=given)
    for member, network in zip(model._model.members, model.networks_, strict=True):
        embedding, scale = network.layers[:2]
        assert (embedding.periodic, bool(embedding.bin_edges)) == (periodic > 0, linear > 0)
        assert embedding.outputs == scale.width == 4 * (1 + periodic + linear)
        assert member.optimizer_options["learning_rate_factors"][0] == (rate, rate)
    assert (f"{4 * linear} piecewise-linear features" in model.summary()) == (linear > 0)
    for network in model.networks_:  # layers with bin edges are values too
        copied = pickle.loads(pickle.dumps(network)).layers
        assert (copied, hash(copied)) == (network.layers, hash(network.layers))


def test_many_columns_are_not_embedded(y):
    X = np.random.default_rng(0).normal(size=(120, 257))
    for columns, kind in ((257, Scale), (256, Embedding)):
        model = made(Regressor, X[:, :columns], y, n_estimators=1, numeric_embedding="both")
        assert type(model.networks_[0].layers[0]) is kind


def test_without_rows_held_out_networks_are_balanced(X, y):
    balanced = [[0.25]] * 10
    assert dropouts(made(Regressor, X, y, n_estimators=10, early_stopping=False)) == balanced
    assert dropouts(made(Regressor, X[:9], y[:9], n_estimators=10)) == balanced
    assert dropouts(Regressor(**TINY | {"n_estimators": 10}).partial_fit(X, y)) == balanced


def test_plain_networks_are_alike(X, y):
    model = made(Regressor, X, y, preset="plain", n_estimators=20)
    assert np.all(model.estimator_weights_ == 1 / 20)
    assert "20 networks, " in model.summary()
    assert "balanced" not in model.summary()
    assert "fine" not in model.summary()
