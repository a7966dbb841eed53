"""Run ONNX models on the rows that the estimators predict."""

import numpy as np
import pandas as pd
from exported_models import number_for


def onnx_outputs(exported, rows):
    """The outputs of a model, by name."""
    import onnxruntime  # for tests that are skipped without it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(exported.SerializeToString(), options)
    feed = {value.name: _fed(value, rows) for value in session.get_inputs()}
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(None, feed), strict=True))


def _fed(value, rows):
    if value.name == "X" and value.shape[1] == rows.shape[1]:
        if not isinstance(rows, pd.DataFrame):
            return rows.astype(np.float64)
        return np.column_stack([number_for(rows[name]) for name in rows])
    column = rows[value.name] if isinstance(rows, pd.DataFrame) else pd.Series(rows[:, 0])
    if value.type == "tensor(string)":
        return column.fillna("").to_numpy(dtype=object)[:, None]
    return number_for(column)[:, None]
