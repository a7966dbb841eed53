"""Predictor: a trained model, compiled for predictions only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp._threads import check_n_jobs, n_threads
from fastmlp.prediction.compiled import (
    compiled_networks,
    compiled_rows,
    core_decodes_predictions,
    core_decodes_probabilities,
)
from fastmlp.prediction.decoders import (
    ClassificationDecoder,
    MultioutputDecoder,
    RegressionDecoder,
    check_has_std,
)
from fastmlp.prediction.pipeline import Pipeline
from fastmlp.prediction.read_only import read_only
from fastmlp.prediction.row_forms import by_name, encode_any_form, is_series
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.engine_array import engine_table
from fastmlp.table.row_reader import row_reader
from fastmlp.table.training_range import RangeWatch

_SMALL_WORK = 10**6  # multiply-adds that one thread does before others have woken up


class Predictor:
    """A trained model that can only predict: one row in microseconds, or many rows.

    Make it with ``model.predictor()`` or `fastmlp.load_predictor`. It is immutable: later changes
    of the model do not affect it. Any number of threads may use it at once, without locks, and its
    predictions are those of the model to the last bit for the same types of numbers.

    Rows have the columns that the model was trained on: by name in a mapping or a Series, else,
    also in a frame, in their order. None, NaN and NA are missing values. The numbers of a mapping,
    a sequence or a Series of objects are read as float64. Where a training table's columns are of
    smaller types, such as float32, such rows are scaled in float32, and predictions for the same
    numbers in a mapping may differ in the last bits.

    Parameters
    ----------
    pipeline : Pipeline
        The steps of a prediction.
    n_jobs : int or None, default=None
        Threads of a prediction of many rows. None: as many as the environment allows, -1: all
        cores. Pass 1 in a service that has as many threads as cores.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (n_features_in_,) or None
        Their names, if they have names.
    classes_ : ndarray of shape (n_classes,), list of ndarray or None
        Labels of a classifier; a list for several columns of labels.
    output_names_ : list of str or None
        Names of the columns of predictions, if they have names.
    nbytes : int
        Memory of the compiled networks, in bytes.

    Raises
    ------
    ValueError, TypeError
        If `n_jobs` is not what it should be.

    Examples
    --------
    >>> import numpy as np
    >>> from fastmlp import Regressor
    >>> X = np.linspace(-1, 1, 200)[:, None]
    >>> model = Regressor(preset="plain", max_iter=20, random_state=0).fit(X, X[:, 0])
    >>> predictor = model.predictor()
    >>> type(predictor.predict([0.5]))
    <class 'float'>
    >>> predictor.predict(X).shape
    (200,)
    """

    def __init__(self, pipeline: Pipeline, n_jobs: int | None = None) -> None:
        check_n_jobs(n_jobs)
        self._pipeline, self._n_jobs = pipeline, n_jobs
        self._networks = compiled_networks(pipeline)
        self._takes_missing = pipeline.scaling is not None  # which fills them
        self._row: Any = None
        self._watch: RangeWatch | None = None
        names = self.feature_names_in_
        self._names: list[str] | None = None if names is None else names.tolist()
        self._index: Any = None  # of the last Series that had these names in this order
        encoder, decoder, known_range = pipeline.encoder, pipeline.decoder, pipeline.training_range
        if isinstance(encoder, DenseEncoder) and pipeline.linear is None:
            reader = row_reader(encoder, takes_missing=self._takes_missing)
            if reader is not None:
                self._row = compiled_rows(self._networks, reader, decoder)
            self._watch = None if known_range is None else RangeWatch(known_range)
        self._predict_row: Callable[[Any], Any] = _nothing
        if self._row is not None:
            self._predict_row = (
                self._row.predict if core_decodes_predictions(decoder) else self._decoded_row
            )
        self._decodes_in_core = core_decodes_probabilities(decoder, self._networks.outputs)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._pipeline, self._n_jobs)

    @property
    def n_features_in_(self) -> int:
        """Number of columns."""
        return self._pipeline.encoder.n_columns

    @property
    def feature_names_in_(self) -> NDArray[Any] | None:
        """Names of the columns, if they have names."""
        names = self._pipeline.encoder.feature_names
        return None if names is None else read_only(names)

    @property
    def classes_(self) -> Any:
        """Labels of a classifier; None for numbers."""
        decoder = self._pipeline.decoder
        return None if isinstance(decoder, RegressionDecoder) else read_only(decoder.classes)

    @property
    def output_names_(self) -> list[str] | None:
        """Names of the columns of predictions, if they have names."""
        names = self._pipeline.output_names
        return None if names is None else [*names]

    @property
    def nbytes(self) -> int:
        """Memory of the compiled networks, in bytes."""
        return int(self._networks.nbytes)

    def predict(self, rows: Any, return_std: bool = False) -> Any:
        """Predict numbers or labels.

        Parameters
        ----------
        rows : mapping, sequence, 1-D array or Series; or array-like or frame of many rows
            One row: its values by the names of the columns or in their order. Many rows: a 2-D
            array, a frame, a sparse matrix, or a list of sequences or of mappings.
        return_std : bool, default=False
            Whether to return standard deviations too, for a model with ``loss="gaussian"``.

        Returns
        -------
        float, label or ndarray
            For one row a float or a label; an array of shape (n_outputs,), (n_quantiles,) or
            (n_labels,) if the model predicts several. For many rows an array of shape (n_rows,) or
            (n_rows, n_outputs), as the model's own `predict`. With `return_std` a tuple of that and
            of the standard deviations, in the same shape.

        Raises
        ------
        ValueError, TypeError
            If rows do not have the columns of the training table, or values of other kinds.
        KeyboardInterrupt
            After Ctrl-C.

        Warns
        -----
        ExtrapolationWarning
            If 20 rows or more lie far beyond the training range; once for each column.
        """
        if return_std:
            check_has_std(self._pipeline.decoder)
            predicted, std, is_row = self._decoded(self._plain(rows))
            return _of_row(predicted, is_row), _of_row(std, is_row)
        found = self._predict_row(rows)
        if found is None and (plain := self._plain(rows)) is not rows:
            rows, found = plain, self._predict_row(plain)
        if found is not None:
            return found
        predicted, _, is_row = self._decoded(rows)
        return _of_row(self._answers(predicted), is_row)

    def _answers(self, decoded: NDArray[Any]) -> NDArray[Any]:
        """Numbers, or labels of probabilities."""
        decoder = self._pipeline.decoder
        return decoded if isinstance(decoder, RegressionDecoder) else decoder.labels(decoded)

    def _decoded_row(self, row: Any) -> Any:
        """The prediction of a row that the core reads, but does not decode; else None."""
        outputs = self._row.outputs(row)
        if outputs is None:
            return None
        return _of_row(self._answers(self._pipeline.decoder.decode(outputs)), True)

    def predict_proba(self, rows: Any) -> Any:
        """Predict the probabilities of the classes, or of each label.

        Parameters
        ----------
        rows
            As for `predict`.

        Returns
        -------
        ndarray of shape (n_classes,) for one row, or (n_rows, n_classes)
            In the order of `classes_`; for several columns of labels a list of these.

        Raises
        ------
        AttributeError
            If the model predicts numbers.
        ValueError, TypeError, KeyboardInterrupt
            As `predict`.
        """
        decoder = self._pipeline.decoder
        if isinstance(decoder, RegressionDecoder):
            raise AttributeError("predict_proba is for classifiers; this model predicts numbers")
        if isinstance(decoder, MultioutputDecoder):
            predicted, _, is_row = self._decoded(self._plain(rows))
            by_output = decoder.by_output(predicted)
            return [own[0] for own in by_output] if is_row else by_output
        probabilities = self._probabilities_of_row(rows, decoder)
        if probabilities is None and (plain := self._plain(rows)) is not rows:
            rows, probabilities = plain, self._probabilities_of_row(plain, decoder)
        if probabilities is not None:
            return probabilities
        predicted, _, is_row = self._decoded(rows)
        return predicted[0] if is_row else predicted

    def predict_interval(
        self, rows: Any, coverage: float = 0.9, *, groups: Any = None
    ) -> NDArray[np.float64]:
        """Predict intervals, as `fastmlp.Regressor.predict_interval` does.

        Parameters
        ----------
        rows
            As for `predict`.
        coverage : float, default=0.9
        groups : array-like of shape (n_rows,), default=None
            Labels of groups; for one row its label.

        Returns
        -------
        ndarray of shape (2,) or (n_outputs, 2) for one row; or (n_rows, 2), (n_rows, n_outputs, 2)
            Lower and upper end.

        Raises
        ------
        AttributeError
            If the model predicts labels.
        ValueError, TypeError, KeyboardInterrupt
            As `predict`, and if the model was not calibrated.
        """
        if not isinstance(self._pipeline.decoder, RegressionDecoder):
            raise AttributeError("predict_interval is for regressors; this model predicts labels")
        self._pipeline.check_conformal(coverage)
        predicted, std, is_row = self._decoded(self._plain(rows))
        intervals = self._pipeline.intervals(predicted, std, coverage, groups)
        return intervals[0] if is_row else intervals

    def predict_set(
        self,
        rows: Any,
        coverage: float = 0.9,
        *,
        class_conditional: bool = False,
        groups: Any = None,
    ) -> NDArray[np.bool_]:
        """Predict sets of classes, as `fastmlp.Classifier.predict_set` does.

        Parameters
        ----------
        rows
            As for `predict`.
        coverage : float, default=0.9
        class_conditional : bool, default=False
        groups : array-like of shape (n_rows,), default=None
            Labels of groups; for one row its label.

        Returns
        -------
        ndarray of bool, shape (n_classes,) for one row, or (n_rows, n_classes)
            In the order of `classes_`.

        Raises
        ------
        AttributeError
            If the model predicts numbers.
        ValueError, TypeError, KeyboardInterrupt
            As `predict`, and if the model was not calibrated.
        """
        if isinstance(self._pipeline.decoder, RegressionDecoder):
            raise AttributeError("predict_set is for classifiers; this model predicts numbers")
        self._pipeline.check_conformal(coverage)
        predicted, _, is_row = self._decoded(self._plain(rows))
        sets = self._pipeline.sets(predicted, coverage, groups, class_conditional=class_conditional)
        return sets[0] if is_row else sets

    def _probabilities_of_row(
        self, row: Any, decoder: ClassificationDecoder
    ) -> NDArray[np.float64] | None:
        """Probabilities of a row that the core reads itself, else None."""
        if self._row is None:
            return None
        if self._decodes_in_core:
            probabilities: NDArray[np.float64] | None = self._row.predict_proba(row)
            return probabilities
        outputs = self._row.outputs(row)
        return None if outputs is None else decoder.decode(outputs)[0]

    def _plain(self, rows: Any) -> Any:
        """A row with names as a dict, or as an array if it has a type of numbers.

        Anything else is returned unchanged.
        """
        if isinstance(rows, dict | list | tuple | np.ndarray):
            return rows
        if isinstance(rows, Mapping):
            return dict(rows)
        if not is_series(rows):
            return rows
        names = self._names
        if names is None:
            return rows.to_numpy()
        if not self._has_names_of_columns(rows.index):
            return by_name(rows)
        is_of_objects = rows.dtype == object
        return dict(zip(names, rows.tolist(), strict=True)) if is_of_objects else rows.to_numpy()

    def _has_names_of_columns(self, index: Any) -> bool:
        """Whether that is the names of the columns in their order, as of the rows of a frame."""
        if self._index is None or not self._index.equals(index):
            if index.tolist() != self._names:  # which takes 10 us
                return False
            self._index = index
        return True

    def _decoded(self, rows: Any) -> tuple[NDArray[Any], NDArray[Any] | None, bool]:
        """Decoded predictions of rows that the core does not read itself; whether it is a single
        row.

        In the middle the standard deviations of numbers, if these were learnt.
        """
        table, is_row = encode_any_form(self._pipeline.encoder, rows)
        if not (self._takes_missing or np.isfinite(table).all()):
            raise ValueError(
                "Input rows contains NaN, and the model was trained without missing values"
            )
        if self._watch is not None and isinstance(self._pipeline.encoder, DenseEncoder):
            self._watch.look_at(table, self._pipeline.encoder)
        return *self._pipeline.predict_with_std(table, self._outputs), is_row

    def _outputs(self, table: Any, offset: NDArray[Any] | None) -> NDArray[Any]:
        """The weighted mean of the networks' outputs for an encoded table."""
        work = table.shape[0] * self._networks.work_per_row
        threads = 1 if work < _SMALL_WORK else n_threads(self._n_jobs)
        table = engine_table(table, self._pipeline.networks[0].dtype)
        outputs: NDArray[Any] = self._networks.predict(table, threads, offset)
        return outputs


def _of_row(values: Any, is_row: bool) -> Any:
    """Predictions of many rows, or of a single row its own: a Python object, or an array."""
    if not is_row:
        return values
    return values[0] if values.ndim == 2 else values.tolist()[0]


def _nothing(rows: Any) -> None:
    """The core's result for rows that it cannot read."""
