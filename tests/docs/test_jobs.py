"""The examples that are real jobs: what they print and draw. What is learnt does not matter."""

from functools import partial

import credit_decisions
import house_price_ranges
import machine_faults
import medical_risk
import numpy as np
import pandas as pd
import pytest

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
QUICK = {"n_estimators": 2, "validation_fraction": 0.5, "hidden_layer_sizes": 8, "max_iter": 3}


@pytest.fixture
def done(monkeypatch, run, tmp_path):
    """Run an example with small networks; returns what it prints."""

    def call(module, *argv):
        name = "Regressor" if hasattr(module, "Regressor") else "Classifier"
        monkeypatch.setattr(module, name, partial(getattr(module, name), **QUICK))
        code, out, _ = run(module.__name__, *argv)
        assert code == 0
        assert (tmp_path / "picture.png").read_bytes().startswith(PNG_SIGNATURE)
        return out

    return call


def test_medicine(done):
    out = done(medical_risk)
    assert "Patients for the test: 190; 71 have a malignant tumour\n" in out
    assert "Brier score: 0." in out
    assert "\nPatients   mean risk   malignant\n" in out
    assert "Sets of classes hold the true one: " in out
    assert "The patient whose tumour is hardest to tell; it is " in out


def test_houses(done, monkeypatch):
    for name in ("TRAINING_ROWS", "CALIBRATION_ROWS", "TEST_ROWS"):
        monkeypatch.setattr(house_price_ranges, name, 400)
    out = done(house_price_ranges)
    rows = [line.split() for line in out.splitlines() if line.startswith("all ")]
    assert [row[:2] for row in rows] == [["all", "400"]]
    assert all(0.8 < float(share.rstrip("%")) / 100 < 1 for share in rows[0][2::2])


def test_machines(done, monkeypatch):
    for name, value in {"MACHINES": 20, "WEEKS": 9, "TRAINING_WEEKS": 6, "CHANGE": 8}.items():
        monkeypatch.setattr(machine_faults, name, value)
    out = done(machine_faults)
    for name in ("random folds", "machines held out", "new machines", "always the same risk"):
        assert f"\n  {name:22}0." in out
    assert "\nLog loss before and after the change in week 8\n" in out


@pytest.fixture
def customers(tmp_path):
    """A folder with a table such as the German credit data."""
    rng, rows = np.random.default_rng(0), 120
    table = pd.DataFrame(
        {
            "duration": rng.integers(4, 72, rows),
            "installment_commitment": rng.integers(1, 5, rows),
            "purpose": rng.choice(["car", "furniture"], rows),
            "age": rng.integers(19, 75, rows),
            "personal_status": "single",
            "foreign_worker": "no",
        }
    )
    table["target"] = np.where(table["duration"] + rng.normal(0, 20, rows) > 45, "bad", "good")
    (tmp_path / "tables").mkdir()
    table.to_csv(tmp_path / "tables" / "credit-g.csv.gz", index=False)
    return tmp_path


def test_credit(done, customers):
    out = done(credit_decisions, "--data", customers)
    names = ("everybody gets credit", "nobody does", "the more probable class", "rules and costs")
    assert all(f"\n{name:24}" in out for name in names)
    assert "Good customers who are refused\n  under 30 " in out


def test_credit_without_its_table(run, monkeypatch, tmp_path):
    monkeypatch.delenv("FASTMLP_DATA", raising=False)
    assert run("credit_decisions")[:2] == (
        0,
        "skipped: there is no table; name its folder with --data\n",
    )
    monkeypatch.setenv("FASTMLP_DATA", str(tmp_path))
    code, out, _ = run("credit_decisions")
    assert (code, out.startswith(f"skipped: there is no {tmp_path}")) == (0, True)
