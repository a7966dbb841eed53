"""fastmlp compact: the models that save, distilled and with_fewer_networks make."""

import json

import numpy as np
import pytest
from houses import houses

import fastmlp
from fastmlp.cli.models.scores import shown
from fastmlp.model_file.description import read_description
from fastmlp.neural_network import MLPRegressor

NEW = houses(40, seed=3)


def predictions(path):
    model = fastmlp.load(path)
    return model.predict(NEW[model.feature_names_in_.tolist()])


def test_fewer_bytes(run, trained, tmp_path):
    path, small = trained("price"), tmp_path / "small.safetensors"
    result = run("compact", path, "--dtype", "int8", "-o", small)
    sizes = [one.stat().st_size / 1e6 for one in (small, path)]
    assert result.out == f"Model     {small}, {sizes[0]:,.2f} MB, before {sizes[1]:,.2f} MB\n"
    assert sizes[0] < sizes[1]
    fastmlp.load(path).save(tmp_path / "there", dtype="int8")
    assert small.read_bytes() == (tmp_path / "there").read_bytes()  # the notes too


@pytest.mark.parametrize(
    ("arguments", "make"),
    [
        (("--distill",), lambda model, X: model.distilled(X)),
        (
            ("--distill", "--hidden", "5", "--hidden", "3"),
            lambda model, X: model.distilled(X, hidden_layer_sizes=(5, 3)),
        ),
        (("--networks", "1"), lambda model, X: model.with_fewer_networks(X, n_networks=1)),
        (("--max-predict-us", "1e9"), lambda model, X: model),
    ],
)
def test_smaller_models(run, trained, csv, table, tmp_path, arguments, make):
    path, small = trained("price", "--estimators", 2), tmp_path / "small.safetensors"
    result = run("compact", path, csv, *arguments, "-o", small)
    assert result.status == 0, result.err
    model = fastmlp.load(path)
    X = table[model.feature_names_in_.tolist()]
    wanted = make(model, X)
    np.testing.assert_array_equal(predictions(small), wanted.predict(NEW[X.columns]))
    change = np.sqrt(np.mean((wanted.predict(X) - model.predict(X)) ** 2))
    assert result.out.splitlines()[1:] == [
        f"Networks  {len(wanted.networks_)}, before 2",
        f"Change    {shown(change)} of the predictions for 80 rows (root mean square)",
    ]
    notes = [read_description(one).notes for one in (path, small)]
    assert notes[0].pop("scores")
    assert notes[0] == notes[1]


def test_probabilities(run, trained, csv, tmp_path):
    result = run("compact", trained("town"), csv, "--dtype", "float16", "-o", tmp_path / "small")
    assert "of the probabilities for " in result.out


def test_a_drop_in(run, tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 2))
    path, rows = tmp_path / "mlp.safetensors", tmp_path / "rows.csv"
    np.savetxt(rows, X, delimiter=",", header="a,b", comments="")
    MLPRegressor(hidden_layer_sizes=4, max_iter=2, random_state=0).partial_fit(X, X[:, 0]).save(
        path
    )
    result = run("compact", path, rows, "--distill", "-o", tmp_path / "small")
    assert result.status == 1
    assert "is an MLPRegressor, one network: only --dtype makes it smaller" in result.err
    result = run("compact", path, rows, "--dtype", "bfloat16", "-o", tmp_path / "small")
    assert result.status == 0, result.err
    assert "for 30 rows" in result.out
    assert json.loads(run("info", tmp_path / "small", "--json").out)["kind"] == "MLPRegressor"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "pass --dtype, or a TABLE and --distill, --networks N or --max-predict-us US"),
        (("--distill",), "--distill, --networks and --max-predict-us need a TABLE"),
        (("table", "--distill", "--networks", "1"), "cannot be used together"),
        (("table", "--networks", "1", "--hidden", "3"), "--hidden needs --distill"),
    ],
)
def test_wrong_usage(run, trained, csv, tmp_path, arguments, message):
    arguments = [csv if one == "table" else one for one in arguments]
    result = run("compact", trained("price"), *arguments, "-o", tmp_path / "small")
    assert result.status == 2
    assert message in " ".join(result.err.split())
    assert not (tmp_path / "small").exists()


def test_the_model_is_not_overwritten(run, trained):
    path = trained("price")
    result = run("compact", path, "--dtype", "int8", "-o", path)
    assert result.status == 2
    assert "is an input and would be overwritten" in result.err
