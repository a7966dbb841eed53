"""The model that a service uses: loaded from a file, and replaced when the file is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter
from typing_extensions import NotRequired, TypedDict

from fastmlp import ModelFileError, load_predictor
from fastmlp.model_file.description import read_description
from fastmlp.model_file.notes import Notes
from fastmlp.prediction.decoders import ClassificationDecoder, check_one_column
from fastmlp.serving.rows import adapter_of, row_type
from fastmlp.table.value_kinds import value_kind

Row = Mapping[str, Any] | Sequence[Any]


class Answer(TypedDict):
    """The prediction for a row; for several targets by name."""

    prediction: Any
    probabilities: NotRequired[dict[str, float]]


class ServedModel:
    """A loaded model, which reads the rows of requests and answers them. Immutable.

    Parameters
    ----------
    contents : bytes
        The bytes of a model file.

    Attributes
    ----------
    row, rows : TypeAdapter
        Read one row, and a list of rows, from JSON; other rows are an error.
    description : Description
        What the file says about itself.

    Raises
    ------
    ModelFileError
        If it is not a model file.
    ValueError
        If the model predicts several columns of labels.
    """

    def __init__(self, contents: bytes) -> None:
        self._predictor = load_predictor(contents)
        check_one_column(self._predictor._pipeline.decoder, "serving")
        self.description = read_description(contents)
        self._notes = Notes.of(self.description, self._predictor._pipeline)
        have_names = self._predictor.feature_names_in_ is not None
        self._columns = self._predictor._pipeline.encoder.columns
        kind: Any = row_type(self._columns, have_names=have_names)
        self.row: TypeAdapter[Row] = adapter_of(kind)
        self.rows: TypeAdapter[list[Row]] = adapter_of(list[kind])

    def about(self) -> dict[str, Any]:
        """What clients may want to know about the model."""
        own = self.description
        classes = self._predictor.classes_
        return {
            "kind": own.kind,
            "task": "regression" if classes is None else "classification",
            "targets": self._notes.targets,
            "columns": [
                {"name": column.name, "kind": value_kind(column)} for column in self._columns
            ],
            "classes": None if classes is None else classes.tolist(),
            "digest": own.digest,
            "trained": own.time,
            "version": own.version,
        }

    def answer(self, row: Row) -> Answer:
        """The prediction for one row, and the probabilities of classes."""
        return self._described(self._outputs(row)[None])[0]

    def answers(self, rows: Sequence[Row]) -> list[Answer]:
        """The same for many rows."""
        return self._described(self._outputs(rows)) if rows else []

    def _outputs(self, rows: Any) -> NDArray[Any]:
        is_regressor = self._predictor.classes_ is None
        predict = self._predictor.predict if is_regressor else self._predictor.predict_proba
        return np.asarray(predict(rows))

    def _described(self, outputs: NDArray[Any]) -> list[Answer]:
        decoder = self._predictor._pipeline.decoder
        if not isinstance(decoder, ClassificationDecoder):
            return [Answer(prediction=one) for one in self._named(outputs)]
        labels = decoder.labels(outputs)
        if labels.ndim == 2:
            probabilities = self._named(outputs)
        else:
            names = [
                one if isinstance(one, str) else json.dumps(one) for one in decoder.classes.tolist()
            ]
            probabilities = [dict(zip(names, own, strict=True)) for own in outputs.tolist()]
        return [
            Answer(prediction=label, probabilities=own)
            for label, own in zip(self._named(labels), probabilities, strict=True)
        ]

    def _named(self, values: NDArray[Any]) -> list[Any]:
        """The values of each row: one, or a mapping from the names of several."""
        rows: list[Any] = values.tolist()
        if values.ndim == 1:
            return rows
        names = self._notes.names_of(values.shape[1])
        return [dict(zip(names, own, strict=True)) for own in rows]


class ModelFile:
    """The newest model that could be loaded from a file. Threads may share it.

    Parameters
    ----------
    path : str

    Attributes
    ----------
    model : ServedModel
        The model in service.
    error : str or None
        Why the file as it is now could not be loaded, if that is so; an older model is in service
        then.

    Raises
    ------
    ModelFileError, OSError
        If no model can be loaded at first.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.error: str | None = None
        self._lock = Lock()
        self._stamp = self._stamp_of_file()
        self.model = self._load()

    def has_changed(self) -> bool:
        """Whether the file was replaced or rewritten since it was last read."""
        return self._stamp_of_file() != self._stamp

    def reload(self) -> str | None:
        """Load the file again. If it fails, return the error; the old model then stays."""
        with self._lock:
            self._stamp = self._stamp_of_file()
            try:
                self.model = self._load()
                self.error = None
            except OSError as error:  # whose text has the path, which clients need not know
                self.error = f"the model file cannot be read: {error.strerror}"
            except (ModelFileError, MemoryError) as error:
                self.error = str(error) or "there is not enough memory"
            return self.error

    def _load(self) -> ServedModel:
        with open(self.path, "rb") as file:  # read once: it may be replaced meanwhile
            return ServedModel(file.read())

    def _stamp_of_file(self) -> tuple[int, ...] | None:
        try:
            state = os.stat(self.path)
        except OSError:
            return None
        return state.st_ino, state.st_mtime_ns, state.st_size
