"""The package loads what is asked for, when it is: predictors start fast."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from predicted_rows import FRAME, rows_of

import fastmlp
from fastmlp import networks

HEAVY = ("sklearn", "scipy", "pandas", "narwhals", "joblib", "tqdm", "fractions", "uuid")


def loaded_by(code: str) -> str:
    """Which of the modules that take a while to import a new process has loaded after this code."""
    code += f"\nimport sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_package_loads_nothing_before_it_is_needed(tmp_path, model):
    assert loaded_by("import fastmlp; assert 'Regressor' in dir(fastmlp)") == "[]"
    file = tmp_path / "model.safetensors"
    model.save(file)
    row = json.loads(json.dumps(rows_of(FRAME)[0]))
    code = (
        f"from fastmlp import load_predictor; predictor = load_predictor({str(file)!r})\n"
        f"row = {row!r}\n"
        "number = predictor.predict(row)\n"
        "assert predictor.predict([row] * 2).tolist() == [number] * 2\n"
        "assert predictor.predict(row | {'town': 'elsewhere'}) != number"
    )
    assert loaded_by(code) == "[]"


def test_names_of_the_package_are_found_when_they_are_asked_for():
    for package in (fastmlp, networks):
        assert {*dir(package)} >= {*package.__all__, "__file__"}
        assert dir(package) is not package.__all__
        assert all(getattr(package, name) for name in package.__all__)
    with pytest.raises(AttributeError, match="'fastmlp' has no attribute 'nothing'"):
        fastmlp.nothing  # noqa: B018
    with pytest.raises(AttributeError, match=r"'fastmlp' has no attribute '_nothing'"):
        fastmlp._nothing  # noqa: B018


def test_modules_of_the_package_are_found_when_they_are_asked_for(forked):
    code = (
        "import fastmlp\n"
        "assert not hasattr(fastmlp, 'nothing')\n"
        "assert fastmlp.prediction.__name__ == 'fastmlp.prediction'\n"
        "assert fastmlp.networks.layers.Dense is fastmlp.Dense"
    )
    assert loaded_by(code) == "[]"
    for name in ("networks.network.Network", "estimators.Regressor"):
        done = forked(f"import fastmlp; assert fastmlp.{name} is fastmlp.{name.split('.')[-1]}")
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", [fastmlp, networks])
def test_names_stand_in_three_places_that_agree(package):
    """For tools that read the source, for `from ... import *`, and where they are defined."""
    tree = ast.parse(Path(package.__file__).read_text())
    checked = {
        name.name: node.module
        for block in tree.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    (found,) = (
        ast.literal_eval(call.args[1])
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "lazily"
    )
    assert found == checked
    assert sorted(package.__all__) == package.__all__
    assert {*package.__all__} >= {*found}
    assert package is networks or {*package.__all__} == {*found}
