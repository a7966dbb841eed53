"""fastmlp info: what a model file holds."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning

import fastmlp
from fastmlp.neural_network import MLPClassifier, MLPRegressor


def test_a_model_of_the_command(run, trained):
    path = trained("rooms")
    out = run("info", path).out
    model = fastmlp.load(path)
    for line in (
        f"File      {path}, ",
        "Digest    ",
        "Model     Classifier, trained 20",
        f" by fastmlp {fastmlp.__version__}",
        "Table     80 rows, 7 inputs\n",
        "Target    rooms\n",
        "Classes   1, 2, 3, 4, 5, 6, 7\n",
    ):
        assert line in out
    assert out.endswith(f"{model.summary()}\n")


def test_scores_are_kept(run, trained):
    path = trained("price", "--groups", "agent", "--estimators", "2")
    out = run("info", path).out
    assert "Scores of held-out rows\n  R2    " in out
    scores = run("info", path, "--json").json["notes"]["scores"]
    assert set(scores["price"]) == {"R2", "RMSE", "MAE"}


def test_json(run, trained):
    facts = run("info", trained("garden"), "--json").json
    assert facts["kind"] == "Classifier"
    assert facts["classes"] == [False, True]
    assert facts["notes"] == {"targets": ["garden"], "outputs": ["garden"], "scores": {}}
    assert (facts["rows"], facts["format_version"]) == (80, 1)
    kinds = {column["name"]: column["kind"] for column in facts["columns"]}
    assert kinds == {
        "area": "number",
        "rooms": "number",
        "town": "text",
        "built": "date",
        "agent": "number",
        "price": "number",
        "sold": "text",
    }


def test_a_model_that_was_saved_in_python(run, tmp_path):
    path = tmp_path / "m.safetensors"
    X = [[0.0, 1.0], [1.0, 0.0]] * 5
    model = MLPClassifier((2,), random_state=0).partial_fit(X, [0, 1] * 5, classes=[0, 1])
    model.save(path, notes={"targets": "any", "scores": [1], "more": {"author": "me"}})
    result = run("info", path)
    assert (result.status, result.err) == (0, "")
    assert result.out.endswith(
        "Table     2 inputs\n"
        "Classes   0, 1\n"
        "MLPClassifier(hidden_layer_sizes=(2,), random_state=0): 9 parameters, float64\n"
        "Columns\n"
        "  2 columns of numbers, not scaled\n"
        "Layers\n"
        "  Dense 2 -> 2, relu\n"
        "  Dense 2 -> 1, identity\n"
        "Output: logistic\n"
        "Training\n"
        f"  1 epochs, loss {model.loss_:.4g}\n"
    )
    assert run("info", path, "--json").json["notes"]["more"] == {"author": "me"}


@pytest.mark.parametrize(
    ("options", "last"),
    [
        ({"solver": "lbfgs", "max_iter": 5}, r"  \d iterations of L-BFGS, loss [\d.e-]+"),
        ({"early_stopping": True}, r"  \d+ epochs, loss [\d.e-]+, best validation score [\d.e-]+"),
    ],
)
def test_what_is_known_of_the_training(run, tmp_path, options, last):
    path = tmp_path / "m.safetensors"
    X = pd.DataFrame({"a": np.linspace(0, 1, 30), "b": 1.0})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        MLPRegressor(hidden_layer_sizes=2, random_state=0, **options).fit(X, X["a"]).save(path)
    lines = run("info", path).out.splitlines()
    assert "  2 columns of numbers, not scaled: a, b" in lines
    assert re.fullmatch(last, lines[-1])


@pytest.mark.parametrize("command", ["info", "predict", "evaluate", "export", "serve"])
def test_what_is_no_model_file(run, csv, tmp_path, command):
    more = {"predict": [csv], "evaluate": [csv], "export": ["--c", tmp_path / "m.c"]}
    missing = tmp_path / "missing.safetensors"
    result = run(command, missing, *more.get(command, []))
    assert (result.status, result.err) == (1, f"Error: no such file: {missing}\n")
    result = run(command, csv, *more.get(command, []))
    assert result.status == 1
    assert result.err.startswith(f"Error: cannot load {csv}: this is not a model file: ")
    assert result.err.count("\n") == 1
