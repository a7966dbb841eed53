"""TrainedModel: what can be done with every trained estimator."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fastmlp.model_file.saving import save_model
from fastmlp.prediction.pipeline import Pipeline
from fastmlp.prediction.predictor import Predictor

if TYPE_CHECKING:
    from typing import Self

    from fastmlp.model_file.draft import Draft
    from fastmlp.model_file.envelope import Contents
    from fastmlp.prediction.rounded_weights import SmallDtype


class TrainedModel:
    """Base of all estimators: what becomes of a model after training."""

    @property
    def _pipeline(self) -> Pipeline:
        """What a prediction does; an error before `fit`."""
        raise NotImplementedError

    def predictor(self, *, n_jobs: int | None = None) -> Predictor:
        """Compile the model for predictions alone, of one row in microseconds or of many.

        Parameters
        ----------
        n_jobs : int or None, default=None
            Threads of a prediction of many rows; see `fastmlp.Predictor`.

        Returns
        -------
        Predictor
            Immutable; any number of threads may use it at once.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            If a scikit-learn MLP has activations of its own, or `n_jobs` is no number of threads.
        """
        return Predictor(self._pipeline.counted, n_jobs)

    def save(
        self,
        path: str | os.PathLike[str] | BinaryIO,
        *,
        include_optimizer: bool = False,
        check_rows: Any = None,
        dtype: SmallDtype | None = None,
        notes: Mapping[str, Any] | None = None,
    ) -> None:
        """Save the model to a file that `fastmlp.load` loads.

        The file is a safetensors file (docs/model-file.md): numbers and text, no code. It is
        written beside the old one, if there is one, and then takes its place, so that a failure
        leaves the old one as it was.

        Parameters
        ----------
        path : str, PathLike or binary file object
            The file; its name usually ends in ``.safetensors``.
        include_optimizer : bool, default=False
            Whether the state of the optimisers is saved, two numbers for each weight. With it,
            `partial_fit` and a warm start of the loaded model go on as this one does; without, the
            optimisers begin anew.
        check_rows : array-like, frame or sparse matrix, or (X, y), default=None
            A few rows of a table that are stored with the predictions for them. `fastmlp.load`
            predicts them again, and refuses a file whose model predicts something else.
        dtype : {"float16", "bfloat16", "int8"} or None, default=None
            Store the weights of dense layers and the vectors of categories in 2 bytes each or,
            "int8", in 1 with a scale for each output of a layer; None: in the 4 or 8 bytes that the
            model computes with. The loaded model computes as this one does, from the rounded
            weights. With `check_rows`, what that changes is printed; with (X, y) their score too.
        notes : mapping or None, default=None
            What is to be kept beside the model, such as the names of the targets and scores: text,
            numbers, lists and mappings, as JSON holds them.
            `fastmlp.model_file.description.read_description` returns it.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        TypeError
            If the model holds what a file cannot: it is of a subclass, or a category is an object
            of a class that is not Python's, NumPy's or pandas'.
        ValueError
            If `dtype` is not one of these or cannot hold the weights, or `check_rows` are no rows
            of this model's table.
        OSError
            If the file cannot be written.

        Warns
        -----
        UserWarning
            If parameters are left out: functions in `callbacks` and `eval_metric`.

        Examples
        --------
        >>> import fastmlp, os, tempfile
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> model = fastmlp.Classifier(preset="fast", n_estimators=1, random_state=0).fit(X, y)
        >>> path = os.path.join(tempfile.mkdtemp(), "iris.safetensors")
        >>> model.save(path)
        >>> bool((fastmlp.load(path).predict(X) == model.predict(X)).all())
        True
        """
        save_model(
            self,
            path,
            include_optimizer=include_optimizer,
            check_rows=check_rows,
            dtype=dtype,
            notes=notes,
        )

    # ---- model files

    def _written(self, draft: Draft, include_optimizer: bool) -> dict[str, Any]:
        """The parts of a file that the model is read from, beside its parameters."""
        raise NotImplementedError

    def _outputs_of(self, rows: Any) -> NDArray[np.float64]:
        """Predictions for rows of a table, whatever its columns are called."""
        raise NotImplementedError

    @classmethod
    def _read(cls, parameters: dict[str, Any], contents: Contents) -> Self:
        """The model of a file."""
        raise NotImplementedError
