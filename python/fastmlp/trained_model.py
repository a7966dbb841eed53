"""TrainedModel: the methods of every trained estimator: predictor, save, export."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from fastmlp._after_import import after_import
from fastmlp.model_file.atomic import write_whole
from fastmlp.model_file.saving import save_model
from fastmlp.prediction.pipeline import Pipeline
from fastmlp.prediction.predictor import Predictor

if TYPE_CHECKING:
    from onnx import ModelProto

    from fastmlp.model_file.draft import Draft
    from fastmlp.model_file.envelope import Contents
    from fastmlp.prediction.rounded_weights import SmallDtype


class TrainedModel:
    """Base of all estimators: predictor, files and exports of a trained model."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        after_import("skl2onnx", partial(_register_converter, cls))

    @property
    def _pipeline(self) -> Pipeline:
        """The steps of a prediction; an error before `fit`."""
        raise NotImplementedError

    def predictor(self, *, n_jobs: int | None = None, dtype: SmallDtype | None = None) -> Predictor:
        """Compile the model for predictions only: of one row in microseconds, or of many rows.

        Parameters
        ----------
        n_jobs : int or None, default=None
            Threads of a prediction of many rows; see `fastmlp.Predictor`.
        dtype : {"float16", "bfloat16", "int8"} or None, default=None
            Hold the weights of dense layers in 2 bytes each or, "int8", in 1, rounded as
            ``save(dtype=...)`` does: single rows take less time and the predictor less memory. It
            computes in the model's type, and its predictions are to the last bit those of the model
            that `fastmlp.load` reads from such a file. None: the weights are not rounded.

        Returns
        -------
        Predictor
            Immutable; any number of threads may use it at once.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            If a scikit-learn MLP has other activations than scikit-learn's, `n_jobs` is not a
            number of threads, or `dtype` is none of these or cannot hold the weights.
        """
        return Predictor(self._pipeline.counted.rounded(dtype), n_jobs)

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
        written beside an existing file and then replaces it, so a failure leaves the old file
        unchanged.

        Parameters
        ----------
        path : str, PathLike or binary file object
            The file; its name usually ends in ``.safetensors``.
        include_optimizer : bool, default=False
            Whether the state of the optimisers is saved, up to two numbers for each weight. With
            it, `partial_fit` and a warm start of the loaded model give the same results as with
            this model; without it, the optimisers start with no state.
        check_rows : array-like, frame or sparse matrix, or (X, y), default=None
            A few rows of a table that are stored with the predictions for them. `fastmlp.load`
            predicts them again, and raises an error if the predictions differ.
        dtype : {"float16", "bfloat16", "int8"} or None, default=None
            Store the weights of dense layers and the vectors of categories in 2 bytes each or,
            "int8", in 1 with a scale for each output of a layer; None: in the 4 or 8 bytes that the
            model computes with. The loaded model computes in the same type, from the rounded
            weights. With `check_rows`, the change of predictions is printed; with (X, y) also that
            of the score.
        notes : mapping or None, default=None
            Further information to store, such as the names of the targets and scores: text,
            numbers, lists and mappings, as in JSON. None: the notes of the file, if the model was
            loaded and not trained since; else nothing.
            `fastmlp.model_file.description.read_description` returns it.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        TypeError
            If a file cannot hold the model: it is of a subclass, a category is an object of a class
            that is not Python's, NumPy's or pandas', or there is more than 100 MB of text.
        ValueError
            If `dtype` is not one of these or cannot hold the weights, `check_rows` do not have the
            columns of this model, or a parameter is invalid.
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

    def to_onnx(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        inputs: Literal["auto", "columns", "matrix"] = "auto",
    ) -> ModelProto:
        """Export the model to ONNX, with its preprocessing, in standard operators of opset 17.

        Needs the extra "onnx": ``pip install 'fastmlp[onnx]'``. docs/export.md describes inputs and
        outputs.

        Parameters
        ----------
        path : path-like, default=None
            File to write. None: no file is written.
        inputs : {"auto", "columns", "matrix"}, default="auto"
            "columns": an input of shape (n_rows, 1) for each column, under its name (x0, x1, ... if
            columns have no names): text for columns of text, where '' is missing, and double for
            all others, where NaN is missing. Columns that were constant in training have no input.
            "matrix": one input of double, "X", of shape (n_rows, n_columns). "auto": columns if
            they have names or some hold text, else a matrix.

        Returns
        -------
        onnx.ModelProto
            With the output "variable", double (n_rows, n_outputs), of a regressor, or the outputs
            "label" (n_rows,) and "probabilities", double (n_rows, n_classes), of a classifier.

        Raises
        ------
        ImportError
            If the package onnx is not installed.
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            If a column or the classes hold labels of several types, if `inputs` is "matrix" and a
            column holds text, or if all columns were constant in training.

        Examples
        --------
        >>> import numpy as np
        >>> from fastmlp import Regressor
        >>> X = np.random.default_rng(0).normal(size=(100, 2))
        >>> model = Regressor(preset="plain", max_iter=2).fit(X, X[:, 0])
        >>> exported = model.to_onnx()  # doctest: +SKIP
        >>> [value.name for value in exported.graph.output]  # doctest: +SKIP
        ['variable']
        """
        try:
            import onnx  # noqa: F401
        except ImportError as error:
            raise ImportError("to_onnx needs onnx: pip install 'fastmlp[onnx]'") from error
        from fastmlp.export.onnx.model import onnx_model

        model = onnx_model(self._pipeline, inputs)
        if path is not None:
            write_whole(path, model.SerializeToString())
        return model

    def to_c(
        self,
        path: str | os.PathLike[str],
        *,
        dtype: Literal["float16"] | None = None,
        prefix: str = "",
    ) -> None:
        """Export the model to one C99 file, with its preprocessing.

        The file holds all weights as constants, needs only the C library, allocates no memory, and
        defines ``void predict(const double *row, double *out)`` and the macros N_COLUMNS and
        N_OUTPUTS. Its head says what a row holds: numbers, codes of labels, and NaN where a value
        is missing; see docs/export.md.

        Parameters
        ----------
        path : path-like
            File to write.
        dtype : {"float16"} or None, default=None
            Type that the weights of dense layers and the learnt vectors of labels are stored in.
            "float16" halves them; they are converted where they are used. None: the type that
            networks compute in, float or double, which is that of all computations in any case.
        prefix : str, default=""
            What the names of the function and, in capitals, of the macros begin with, if a program
            has several models.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            If float16 cannot hold a weight, or `prefix` cannot begin a name.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> from fastmlp import Regressor
        >>> X = np.random.default_rng(0).normal(size=(100, 2))
        >>> model = Regressor(preset="plain", hidden_layer_sizes=8, max_iter=2).fit(X, X[:, 0])
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.c"
        >>> model.to_c(path)
        >>> "void predict(const double *row, double *out);" in path.read_text()
        True
        """
        from fastmlp.export.c.source import c_source

        write_whole(path, c_source(self._pipeline, dtype, prefix).encode())

    # ---- model files

    def _written(self, draft: Draft, include_optimizer: bool) -> dict[str, Any]:
        """The parts of a file that hold the model, other than its parameters."""
        raise NotImplementedError

    def _outputs_of(self, rows: Any) -> NDArray[np.float64]:
        """Predictions for rows of a table, whatever its columns are called."""
        raise NotImplementedError

    def _read(self, contents: Contents) -> None:
        """Read the fitted attributes from a file; the parameters are set."""
        raise NotImplementedError


def _register_converter(estimator: type) -> None:
    from fastmlp.export.onnx.skl2onnx import register

    register(estimator)
