"""python -m fastmlp.neural_network: both classes on a table of one's own."""

import numpy as np
import pandas as pd
import pytest

from fastmlp.neural_network import __main__ as program


@pytest.fixture
def csv(tmp_path):
    rng = np.random.RandomState(0)
    frame = pd.DataFrame(rng.normal(size=(120, 3)), columns=["a", "b", "c"])
    frame["town"] = rng.choice(["north", "south", None], 120)
    frame.loc[::9, "b"] = np.nan
    frame["price"] = 1e5 * (frame.a + frame.c**2) + np.where(frame.town == "north", 5e4, 0)
    frame["sold"] = np.where(frame.price > 1e5, "yes", "no")
    frame["rooms"] = rng.randint(1, 4, 120)
    frame.loc[7, "price"] = np.nan
    frame.loc[11, "a"] = np.inf
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    return str(path)


def run(csv, target, *more):
    return program.main(
        ["--compare", csv, "--target", target, "--repeats", "1", "--set", "max_iter=5", *more]
    )


@pytest.mark.parametrize(
    ("target", "more", "expected"),
    [
        ("price", (), ("MLPRegressor(max_iter=5, random_state=0)", "held-out R2", "89 x ")),
        ("sold", ("--seed", "4"), ("MLPClassifier(max_iter=5, random_state=4)", "held-out acc")),
        ("rooms", ("--dtype", "float32"), ("MLPClassifier", "float32")),
        ("rooms", ("--task", "regression", "--set", "solver=sgd"), ("solver='sgd'", "R2")),
        ("rooms", ("--task", "regression", "--set", "loss=poisson"), ("loss='poisson'",)),
        ("price", ("--set", "solver=lbfgs", "--set", "hidden_layer_sizes=(4,3)"), ("(4, 3)",)),
    ],
)
def test_agreement_is_printed(csv, capsys, target, more, expected):
    assert run(csv, target, *more) == 0
    out = capsys.readouterr().out
    for part in (*expected, "times as fast", "largest relative difference"):
        assert part in out


def test_disagreement_is_told(csv, capsys, monkeypatch):
    monkeypatch.setitem(program._AGREEMENT, "float64", 0.0)
    assert run(csv, "price") == 1
    assert "drifted apart" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("target", "more", "message"),
    [
        ("cost", (), "no column 'cost'; there are a, b"),
        ("sold", ("--task", "regression"), "'sold' holds no numbers"),
        ("price", ("--set", "solver=newton"), "The 'solver' parameter"),
        ("price", ("--set", "layers=3"), "unexpected keyword argument 'layers'"),
        ("price", ("--compare", "no.csv"), "cannot read no.csv"),
        ("price", ("--seed", "-1"), "random_state"),
    ],
)
def test_refusals(csv, target, more, message):
    with pytest.raises(SystemExit, match=message):
        run(csv, target, *more)


def test_wrong_command_line(csv, capsys):
    for more in (("--set", "solver"), ("--repeats", "0")):
        with pytest.raises(SystemExit):
            run(csv, "price", *more)
        assert more[0] in capsys.readouterr().err
