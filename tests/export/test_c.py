"""Exported C files compile without a warning, and predict what the estimators predict."""

import locale
import shutil

import numpy as np
import pandas as pd
import pytest
from c_programs import c_outputs, compiled
from exported_models import CASES, NUMBER, PLAIN, assert_close, expected, exported
from tiny_models import tiny

from fastmlp import Regressor
from fastmlp.export.c.text import comment, number

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc")


@needs_gcc
@pytest.mark.parametrize("name", CASES)
def test_the_exported_file_predicts_the_same(name, tmp_path):
    model, rows = exported(name)
    predicted = expected(model, rows)
    found = c_outputs(model, rows, tmp_path)
    assert_close(found.reshape(predicted.shape), predicted, model._pipeline.networks[0].dtype)
