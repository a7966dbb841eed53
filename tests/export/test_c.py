"""Exported C files compile without a warning, and predict what the estimators predict."""

import ctypes
import re
import shutil
import subprocess
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from c_programs import WARNINGS, c_outputs, c_outputs_of, compiled
from exported_models import CASES, FEW, NUMBER, PLAIN, RAW, assert_close, expected, exported
from sklearn.exceptions import NotFittedError
from tiny_models import tiny

from fastmlp import Classifier, Regressor, load
from fastmlp.export.c.source import c_source
from fastmlp.export.c.text import comment, number
from fastmlp.networks.layers import ACTIVATIONS
from fastmlp.neural_network import MLPClassifier, MLPRegressor

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc")
# Formulas are the same for both types.
TRIED = [name for name in CASES if name not in {f"{a}, float64" for a in ACTIVATIONS}]


def source_of(model, **options):
    return c_source(model._pipeline, options.get("dtype"), options.get("prefix", ""))


@needs_gcc
@pytest.mark.parametrize("name", TRIED)
def test_the_exported_file_predicts_the_same(name, tmp_path):
    model, rows = exported(name)
    predicted = expected(model, rows)
    found = c_outputs(model, rows, tmp_path)
    assert_close(found.reshape(predicted.shape), predicted, model._pipeline.networks[0].dtype)


@needs_gcc
def test_standard_deviations_follow_the_predictions(tmp_path):
    y = np.column_stack([NUMBER, -NUMBER])
    model = Regressor(**FEW, loss="gaussian").fit(PLAIN, y)
    found = c_outputs(model, PLAIN, tmp_path)
    assert_close(found, np.hstack(model.predict(PLAIN, return_std=True)))
    assert "predictions, then the standard deviations" in source_of(model)


@needs_gcc
@pytest.mark.parametrize("name", ["raw table", "raw table, float64"])
def test_half_precision_is_that_of_the_weights_alone(name, tmp_path):
    model, rows = exported(name)
    pipeline = model._pipeline

    network_of = partial(_with_rounded_weights, n_numbers=pipeline.encoder.n_numeric)
    of_rounded = replace(pipeline, networks=tuple(map(network_of, pipeline.networks)))
    np.testing.assert_array_equal(
        c_outputs_of(c_source(pipeline, "float16", ""), model, rows, tmp_path),
        c_outputs_of(c_source(of_rounded, None, ""), model, rows, tmp_path),
    )


def _with_rounded_weights(network, n_numbers):
    """The network with matrices, except for those of embeddings of numbers, as halves."""
    return replace(
        network,
        parameters=tuple(
            p.astype(np.float16).astype(p.dtype) if p.ndim == 2 and p.shape[1] != n_numbers else p
            for p in network.parameters
        ),
    )


@needs_gcc
def test_numbers_below_the_normal_ones_of_half_precision(tmp_path):
    model = tiny(Regressor, hidden_layer_sizes=3).fit(PLAIN, NUMBER)
    pipeline = model._pipeline
    network = _with_rounded_weights(pipeline.networks[0], n_numbers=0)
    tiny_ones = np.array([[2.0**-24, -3 * 2.0**-24, 0]], np.float32).repeat(3, axis=0)
    network = replace(network, parameters=(tiny_ones, *network.parameters[1:]))
    pipeline = replace(pipeline, networks=(network,))
    exact, halved = (
        c_outputs_of(c_source(pipeline, dtype, ""), model, 1e6 * PLAIN, tmp_path)
        for dtype in (None, "float16")
    )
    assert np.ptp(exact) > 0
    np.testing.assert_array_equal(halved, exact)


@needs_gcc
def test_two_models_in_one_program(tmp_path):
    regressor, rows = exported("MLPRegressor")
    classifier, _ = exported("MLPClassifier")
    regressor.to_c(tmp_path / "cost.c", prefix="cost_")
    classifier.to_c(tmp_path / "kind.c", prefix="kind_")
    main = tmp_path / "main.c"
    main.write_text(
        "#include <stdio.h>\n"
        '#include "cost.c"\n'
        "void kind_predict(const double *row, double *out);\n"
        "int main(void) {\n"
        f"  const double row[COST_N_COLUMNS] = {{{', '.join(map(repr, rows[0].tolist()))}}};\n"
        "  double cost[COST_N_OUTPUTS], kind[3];\n"
        "  cost_predict(row, cost);\n"
        "  kind_predict(row, kind);\n"
        '  printf("%.17g %.17g %.17g %.17g\\n", cost[0], kind[0], kind[1], kind[2]);\n'
        "  return 0;\n"
        "}\n"
    )
    program = tmp_path / "main"
    files = [str(main), str(tmp_path / "kind.c")]
    subprocess.run(["gcc", *WARNINGS, "-o", str(program), *files, "-lm"], check=True)
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    wanted = [*regressor.predict(rows[:1]), *classifier.predict_proba(rows[:1])[0]]
    np.testing.assert_allclose([*map(float, printed.split())], wanted, rtol=1e-12)


def test_the_head_describes_rows_and_predictions():
    model, _ = exported("raw table")
    head = source_of(model)[: source_of(model).index("#include")]
    lines = {match[2]: match[3] for match in re.finditer(r"(\d+)  ('\w+') +(.*)", head)}
    assert list(lines) == [repr(name) for name in RAW]
    codes = model._pipeline.encoder.columns[3].codes
    listed = ", ".join(f"{code:.0f} for '{label}'" for label, code in codes.items())
    assert lines["'job'"] == f"{listed}; 0 for any other"
    assert lines["'old'"] == "-1 for 'no', 1 for 'yes'; 0 for any other"
    assert lines["'date'"] == "days since 1970-01-01"
    assert (
        lines["'country'"]
        == "not read: all its values were alike in training, or no label came twice"
    )
    assert "N_OUTPUTS numbers: the prediction." in head
    classifier, _ = exported("three classes, calibrated")
    assert "the probabilities of the classes 'a', 'b', 'c'." in source_of(classifier)


@needs_gcc
def test_labels_cannot_end_the_comment(tmp_path):
    labels = ["*/ int x;", "/* a", "??/", 'quotes " \\', "Köln", "\n", "\u202e"]
    frame = pd.DataFrame({"*/ /* ??/": np.array(labels * 4), "b": PLAIN[:28, 0]})
    model = tiny(Classifier).fit(frame, np.array(["*/", "/*"] * 14))
    assert_close(c_outputs(model, frame, tmp_path), model.predict_proba(frame))


@needs_gcc
def test_numbers_that_are_no_codes_are_unknown_labels(tmp_path):
    frame = pd.DataFrame({"town": ["Ulm", "Gera", "Bonn"] * 20})
    model = tiny(Regressor).fit(frame, NUMBER[:60])
    model.to_c(tmp_path / "model.c")
    predict, out = compiled(tmp_path / "model.c").predict, ctypes.c_double()

    def predicted(cell):
        predict(ctypes.byref(ctypes.c_double(cell)), ctypes.byref(out))
        return out.value

    unknown = predicted(0.0)
    assert {predicted(cell) for cell in (1.5, 4.0, -1.0, np.inf, 1e300)} == {unknown}
    assert unknown not in {predicted(1.0), predicted(2.0), predicted(3.0)}


def test_a_model_of_a_file_exports_alike(tmp_path):
    model, _ = exported("raw table")
    model.save(tmp_path / "model.safetensors")
    assert source_of(load(tmp_path / "model.safetensors")) == source_of(model)


@pytest.mark.parametrize("estimator", [Regressor, Classifier, MLPRegressor, MLPClassifier])
def test_before_fit_there_is_nothing_to_export(estimator, tmp_path):
    with pytest.raises(NotFittedError):
        estimator().to_c(tmp_path / "model.c")


def test_comments():
    assert comment("a */ b /* c ???/ */*/") == "a * / b / * c ? ? ?/ * / * /"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constants_are_exact_and_of_their_type(dtype):
    for value in [0.1, 1, -2.5e-30, np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal]:
        text = number(dtype(value), dtype)
        assert dtype(text.rstrip("f")) == dtype(value)
        assert text.endswith("f") == (dtype is np.float32)
        assert {".", "e"} & {*text}
    assert number(-np.inf, dtype) == "-INFINITY"


def test_what_cannot_be_exported_is_refused_and_nothing_is_written(tmp_path):
    model, _ = exported("MLPRegressor")
    with pytest.raises(ValueError, match="dtype must be None or 'float16'; got 'int8'"):
        model.to_c(tmp_path / "model.c", dtype="int8")
    with pytest.raises(ValueError, match="prefix must be able to begin a name in C; got '3-'"):
        model.to_c(tmp_path / "model.c", prefix="3-")
    pipeline = model._pipeline
    weights, *others = pipeline.networks[0].parameters
    network = replace(pipeline.networks[0], parameters=(1e6 * weights, *others))
    with pytest.raises(ValueError, match="holds weights up to 65,504"):
        c_source(replace(pipeline, networks=(network,)), "float16", "")
    assert not list(tmp_path.iterdir())
