"""Compile exported C files, and call them on the rows that the estimators predict."""

import ctypes
import re
import subprocess
from secrets import token_hex

import numpy as np
import pandas as pd
from exported_models import number_for

WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-pedantic"]


def compiled(source):
    """The library that a C file becomes; warnings are errors."""
    library = source.with_suffix(".so")
    command = ["gcc", *WARNINGS, "-fPIC", "-shared", "-o", str(library), str(source), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(library))


def c_outputs(model, rows, folder):
    """What the exported file predicts, (n_rows, n_outputs)."""
    model.to_c(folder / "model.c")
    return c_outputs_of((folder / "model.c").read_text(encoding="utf-8"), model, rows, folder)


def c_outputs_of(text, model, rows, folder):
    """What a file of this text predicts."""
    source = folder / f"{token_hex(4)}.c"  # a library is loaded once under a name
    source.write_text(text, encoding="utf-8")
    sizes = dict(re.findall(r"#define (\w+) (\d+)", text))
    predict = compiled(source).predict
    predict.restype = None
    table = np.ascontiguousarray(row_numbers(model, rows))
    assert table.shape[1] == int(sizes["N_COLUMNS"])
    out = np.empty((len(table), int(sizes["N_OUTPUTS"])))
    of_doubles = ctypes.POINTER(ctypes.c_double)
    for row, to in zip(table, out, strict=True):
        predict(row.ctypes.data_as(of_doubles), to.ctypes.data_as(of_doubles))
    return out


def row_numbers(model, rows):
    """Rows as numbers and codes, as the head of the file describes them."""
    if not isinstance(rows, pd.DataFrame):
        return rows.astype(np.float64)
    columns = model._pipeline.encoder.columns
    return np.column_stack([_values(column, rows[column.name]) for column in columns])


def _values(column, values):
    if column.kind == "constant":
        return np.zeros(len(values))
    if column.kind == "numeric":
        return number_for(values)
    return [np.nan if pd.isna(value) else column.codes.get(value, 0) for value in values]
