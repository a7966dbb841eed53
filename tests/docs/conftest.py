"""The tutorial of examples/ as a module, and tables for it."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def script() -> Path:
    return Path(__file__).parents[2] / "examples" / "house_prices.py"


@pytest.fixture(scope="module")
def house_prices(script):
    spec = importlib.util.spec_from_file_location("house_prices", script)
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def run(house_prices, tmp_path, capsys):
    """Call main; returns exit code, stdout and stderr."""

    def call(*argv, plot=tmp_path / "loss.png"):
        code = house_prices.main([*map(str, argv), "--plot", str(plot)])
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

    def to_file(content, name="houses.csv"):
        path = tmp_path / name
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        else:
            content.to_csv(path, index=False)
        return path

    return to_file
