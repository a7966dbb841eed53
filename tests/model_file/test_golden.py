"""Files that earlier versions wrote load, and predict what they predicted."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from saved_models import MAKERS

import fastmlp
from fastmlp.model_file.check_rows import read_rows
from fastmlp.model_file.envelope import opened

FOLDER = Path(__file__).parent / "golden"
FILES = sorted(FOLDER.glob("*.safetensors"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore:X has feature names")
def test_golden_file(path):
    contents = opened(path)
    expected = contents.tensors.numbers("check_rows.outputs")
    rows = read_rows(contents.document.object("check_rows"), contents.tensors, contents.values)
    model = fastmlp.load(path)
    assert type(model).__name__ == contents.kind
    found = model._outputs_of(rows).reshape(expected.shape)
    # Instruction sets round differently.
    unit = np.max(getattr(model._pipeline.decoder, "unit", 1.0))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * unit)


def test_there_is_one_of_each_kind():
    spec = importlib.util.spec_from_file_location("make", FOLDER / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    assert {make.path_of(name) for name in MAKERS} <= {*FILES}
