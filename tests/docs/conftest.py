"""The examples as modules, and tables for them."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def examples() -> Path:
    return Path(__file__).parents[2] / "examples"


@pytest.fixture
def run(tmp_path, capsys):
    """Call main of an example; returns exit code, stdout and stderr."""

    def call(name, *argv, plot=tmp_path / "picture.png"):
        main = importlib.import_module(name).main
        code = main([*map(str, argv), "--plot", str(plot)])
        return (code, *capsys.readouterr())

    return call


@pytest.fixture
def houses():
    """Sixty houses: numbers, text, a price."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "area": rng.uniform(40, 200, 60).round(1),
            "rooms": rng.integers(1, 8, 60),
            "town": rng.choice(["Ulm", "Gera", "Köln"], 60),
        }
    )
    table["price"] = 1000 * table["area"] + 20_000 * (table["town"] == "Ulm")
    return table


@pytest.fixture
def write(tmp_path):
    """Write a frame or a text to a file; returns its path."""

    def to_file(content, name="houses.csv", **how):
        path = tmp_path / name
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        else:
            content.to_csv(path, index=False, **how)
        return path

    return to_file


@pytest.fixture
def loaded(write, capsys):
    """Write a table and load it as the examples do; returns the table and what is printed."""
    csv_table = importlib.import_module("csv_table")

    def load(content, target, task="auto", **how):
        encoding = how.get("encoding", "utf-8")
        table = csv_table.load(write(content, **how), target, task, encoding)
        return table, capsys.readouterr().out

    return load
