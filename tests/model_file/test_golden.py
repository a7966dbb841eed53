"""Files that earlier versions wrote load, and predict what they predicted."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from saved_models import MAKERS, outputs, saved, saved_model

import fastmlp
from fastmlp.model_file.check_rows import agree, read_rows
from fastmlp.model_file.container import unpacked
from fastmlp.model_file.draft import Draft
from fastmlp.model_file.envelope import opened
from fastmlp.model_file.parameters import written_parameters

FOLDER = Path(__file__).parent / "golden"
FILES = sorted(FOLDER.glob("*.safetensors"))
spec = importlib.util.spec_from_file_location("make", FOLDER / "make.py")
make = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore:X has feature names")
def test_golden_file(path):
    contents = opened(path)
    expected = contents.tensors.numbers("check_rows.outputs")
    rows = read_rows(contents.document.object("check_rows"), contents.tensors, contents.values)
    model = fastmlp.load(path)
    assert type(model).__name__ == contents.kind
    found = model._outputs_of(rows).reshape(expected.shape)
    assert agree(found, expected, model)
    written = written_parameters(model, Draft())
    assert written | unpacked(path)[0]["parameters"] == written  # parameters that came later: more
    if contents.kind.startswith("MLP"):
        name, curve = "training.loss_curve", getattr(model, "loss_curve_", None)
    else:
        name, curve = "histories.0.loss_curve", model._model.members[0].history.loss_curve
    if name in contents.tensors:
        assert curve == contents.tensors.numbers(name).tolist()


@pytest.mark.parametrize("name", ["numbers", "MLP classes", "MLP sgd"])
def test_training_goes_on_with_the_optimizer_of_a_golden_file(name):
    _, rows, y = saved_model(name)
    model = fastmlp.load(make.path_of(name))
    before = outputs(model, rows)
    loss, again = np.inf, 0
    for _ in range(3):
        model.partial_fit(rows, y)
        again += model.loss_ < loss
        loss = model.loss_
    assert again == 3
    assert not np.array_equal(outputs(model, rows), before)


def test_files_of_earlier_versions_do_not_tell_the_targets_of_fit():
    model, y = fastmlp.load(make.path_of("ensemble")), np.arange(40.0)
    model.conformalize(None, y)
    fastmlp.load(saved(model)).conformalize(None, y[::-1])


def test_there_is_one_of_each_kind():
    assert {make.path_of(name) for name in MAKERS} <= {*FILES}
