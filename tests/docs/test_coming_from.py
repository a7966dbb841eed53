"""docs/coming_from.md names what exists, and what errors know."""

import re
from inspect import signature
from pathlib import Path

import pytest

from fastmlp import Classifier, Regressor
from fastmlp._other_names import ATTRIBUTES, KEYWORDS, SENTENCES, VALUES

PAGE = Path(__file__).parents[2] / "docs" / "coming_from.md"
PARAMETERS, VALUE_TABLE, ATTRIBUTE_TABLE = (
    [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line.startswith("|")
    ][2:]
    for table in PAGE.read_text().split("\n## ")[1:4]
)
OWN = {
    *Regressor().get_params(),
    *Classifier().get_params(),
    *signature(Regressor.fit).parameters,
}


def names_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: row[0])
def test_parameters(row):
    """The first column exists; what the others call it is the same, or an error says so."""
    own = [name for name in names_in(row[0]) if name not in ("fit", "Classifier")]
    assert own
    assert OWN.issuperset(own)
    for name in (name for cell in row[1:] for name in names_in(cell)):
        meant = KEYWORDS.get(name, name)
        assert name in OWN or name in SENTENCES or set(meant.split()) & set(own), name


def test_every_parameter_that_matters_to_all_is_there():
    listed = {name for row in PARAMETERS for name in names_in(row[0])}
    assert {"loss", "max_iter", "n_estimators", "X_val", "verbose", "n_jobs"} <= listed


@pytest.mark.parametrize("row", VALUE_TABLE, ids=lambda row: row[0])
def test_values(row):
    own, *_ = names_in(row[0])
    parameter = own.split("=")[0] if "=" in own else "loss"
    for name in names_in(row[1]):
        assert VALUES[parameter][name.lower()].startswith(own)


@pytest.mark.parametrize("row", ATTRIBUTE_TABLE, ids=lambda row: row[0])
def test_attributes(row):
    own = [name for name in names_in(row[0]) if "=" not in name]
    for name in own:
        assert name == "fastmlp.load" or any(
            hasattr(kind, name) for kind in (Regressor, Classifier)
        )
    for name in names_in(row[1]):
        assert any(meant in ATTRIBUTES[name] for meant in own), name
