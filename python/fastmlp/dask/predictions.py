"""Lazy predictions: a fitted model on every partition of a Dask collection."""

from __future__ import annotations

from typing import Any

import dask
import numpy as np
from numpy.typing import NDArray

from fastmlp.dask.tables import is_frame


def lazy_predictions(model: Any, method: str, X: Any, outputs: NDArray[Any], names: Any) -> Any:
    """Predict a Dask collection partition by partition, when it is computed.

    The model is one node of the graph: each worker gets it once, and a worker that replaces a lost
    one gets it again.

    Parameters
    ----------
    model : Regressor or Classifier
        Local and fitted.
    method : str
        What to call.
    X : dask.dataframe.DataFrame or dask.array.Array
        With the columns that `model` was fitted to.
    outputs : ndarray of shape (0,) or (0, n_outputs)
        Type and shape of the predictions.
    names : sequence or None
        Names of the columns of predictions, if they are a frame; None: they are numbered.

    Returns
    -------
    dask.dataframe.DataFrame, dask.dataframe.Series or dask.array.Array
        Like X: the predictions of a frame have its index.
    """
    placed = dask.delayed(model, traverse=False)
    if is_frame(X):
        meta = _like_frame(X._meta, outputs, names)
        return X.map_partitions(
            _predict_frame, placed, method, outputs, names, meta=meta, enforce_metadata=False
        )
    whole = X.rechunk({1: -1}) if X.ndim == 2 and X.numblocks[1] > 1 else X
    shape: dict[str, Any] = (
        {"drop_axis": 1}
        if outputs.ndim == 1
        else {"chunks": (whole.chunks[0], (outputs.shape[1],))}
    )
    return whole.map_blocks(_predict_block, placed, method, outputs, meta=outputs, **shape)


def _predict_frame(part: Any, model: Any, method: str, outputs: NDArray[Any], names: Any) -> Any:
    return _like_frame(part, _predict_block(part, model, method, outputs), names)


def _predict_block(part: Any, model: Any, method: str, outputs: NDArray[Any]) -> NDArray[Any]:
    if not part.shape[0]:
        return outputs
    predicted: NDArray[Any] = getattr(model, method)(part)
    return predicted


def _like_frame(frame: Any, predicted: NDArray[Any], names: Any) -> Any:
    """Return predictions as a Series, or a DataFrame if there are several, with a frame's index."""
    import pandas as pd  # which Dask's frames are made of

    if predicted.ndim == 1:
        return pd.Series(predicted, index=frame.index[: len(predicted)], name="prediction")
    columns = np.arange(predicted.shape[1]) if names is None else [*names]
    return pd.DataFrame(predicted, index=frame.index[: len(predicted)], columns=columns)
