"""Presets: what their documentation says is what is set, and what is given wins."""

import pickle
import re
from itertools import product

import numpy as np
import pytest
from tiny_models import TINY, both, recipe_kinds, target

from fastmlp import Classifier, Dense, Dropout, Embedding, Regressor, Scale
from fastmlp.ensemble.presets import KINDS, PRESETS, MemberSpec, preset_batch_size
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
        if text in ("by kind", "see below") or name == "batch_size":
            continue  # see the tests of kinds
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
    model = Classifier(preset=preset, hidden_layer_sizes=4, max_iter=1, random_state=0)
    model.fit(X, target(Classifier, y))
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


def test_rounds_are_of_two_kinds_in_turn(X, y):
    first, second = ["periodic"] * 5, ["piecewise"] * 5
    assert recipe_kinds(made(Regressor, X, y, n_estimators=1)) == ["balanced"]
    assert recipe_kinds(made(Regressor, X, y, n_estimators=4)) == first[:4]
    assert recipe_kinds(made(Regressor, X, y, n_estimators=10)) == first + second
    many = made(Regressor, X, y, n_estimators=23)
    assert recipe_kinds(many) == [*first, *second, *first, *second, *first[:3]]
    few_folds = made(Classifier, X, y, n_estimators=6, validation_fraction=0.4)
    assert recipe_kinds(few_folds) == second[:3] + first[:3]
    assert dropouts(made(Regressor, X, y, n_estimators=10)) == [[]] * 5 + [[0.1]] * 5
    assert dropouts(made(Regressor, X, y, n_estimators=10, dropout=0.2)) == [[0.2]] * 10


def kinds_told(estimator):
    """The table of kinds in the docstring: the lines of each."""
    rule = r"\n\s*=[ =]*\n"
    table = re.search(f"kind  +hidden layers.*?{rule}(.*?){rule}", estimator.__doc__, re.S)
    told: dict[str, list[str]] = {}
    for line in table[1].splitlines():
        name = re.match(r" {4}(\w+)", line)
        told.setdefault(name[1] if name else list(told)[-1], []).append(line)
    return told


@both
@pytest.mark.parametrize("kind", KINDS)
def test_kinds_are_documented(kind, estimator):
    told = kinds_told(estimator)
    text, epochs = " ".join(told[kind]), told[kind][0].split()[-1]
    alike = re.search(r"as (\w+)", text)
    text = " ".join(told[alike[1]]) if alike else text
    settings = checked_settings(estimator())
    preset = settings._preset(MemberSpec(0, kind, 2000))
    assert (f"dropout {preset['dropout']:g}" if preset["dropout"] else "no dropout") in text
    embedding = {"both": "both embeddings", "piecewise_linear": "piecewise-linear"}
    assert embedding[preset["numeric_embedding"]] in text
    assert f"{preset['hidden_layer_sizes'][0]} units" in text
    assert preset["max_iter"] == int(epochs)
    for rows in (2000, 5000):
        spec = MemberSpec(0, kind, rows)
        sizes = re.findall(r"\d+(?= or)|(?<=or )\d+|\b256(?=  )|\b1024", text)
        assert str(preset_batch_size("default", spec, rows)) in sizes


@pytest.mark.parametrize(
    ("rows", "sizes", "networks"),
    [(2500, (64, 64), 10), (2501, (64, 64, 64), 10), (100_001, (128, 128, 128), 2)],
)
@both
def test_more_rows_make_fewer_and_larger_networks(estimator, rows, sizes, networks):
    settings = checked_settings(estimator())
    assert settings.n_networks(rows) == networks
    specs = settings.specs(networks, rows, held_out=True)
    assert {settings.recipe(spec).hidden_layer_sizes for spec in specs} == {sizes}
    assert (settings.recipe(specs[0]).learning_rate == "one_cycle") == (rows > 100_000)


@pytest.mark.parametrize(
    ("preset", "rows", "networks", "epochs"),
    [
        ("fast", 2000, 5, {Regressor: 64, Classifier: 96}),
        ("best", 2000, 40, {Regressor: 128, Classifier: 256}),
        ("fast", 100_001, 1, {Regressor: 22, Classifier: 22}),
        ("default", 100_001, 2, {Regressor: 28, Classifier: 28}),
        ("best", 100_001, 10, {Regressor: 41, Classifier: 41}),
    ],
)
@both
def test_other_presets_train_more_or_less(estimator, preset, rows, networks, epochs):
    settings = checked_settings(estimator(preset=preset))
    assert settings.n_networks(rows) == networks
    specs = settings.specs(networks, rows, held_out=True)
    assert {settings.recipe(spec).max_iter for spec in specs} == {epochs[estimator]}


@both
def test_epochs_fall_with_the_rows(estimator):
    settings = checked_settings(estimator())
    rows = [10, 2500, 8000, 100_000, 1_000_000, 10**8]
    epochs = []
    for n in rows:
        spec = settings.specs(settings.n_networks(n), n, held_out=True)[0]
        epochs.append(settings.recipe(spec).max_iter)
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[0] == {Regressor: 64, Classifier: 128}[estimator]
    assert epochs[-2:] == [7, 2]


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
    assert "periodic, weight" not in model.summary()


@pytest.mark.parametrize(
    ("n_rows", "epochs", "batch_size", "n_networks"),
    [
        (10, 100, 10, 5),
        (400, 32, 32, 5),
        (4000, 10, 64, 5),
        (20_000, 6, 128, 5),
        (200_000, 6, 256, 2),
    ],
)
@both
def test_sparse_rows_have_fewer_epochs_the_more_there_are(
    estimator, n_rows, epochs, batch_size, n_networks
):
    settings = checked_settings(estimator(), sparse=True)
    assert settings.n_networks(n_rows) == n_networks
    specs = settings.specs(n_networks, n_rows, held_out=True)
    assert {spec.kind for spec in specs} == {"sparse"}
    assert not settings.adapts(specs)
    recipe = settings.recipe(specs[0])
    assert (recipe.max_iter, recipe.tabular) == (epochs, False)
    assert settings.training_options(recipe, n_rows)["batch_size"] == batch_size
