"""The envelope of a model file: format versions, required features and the kind of estimator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from fastmlp.model_file.container import Source, packed, unpacked
from fastmlp.model_file.draft import Draft
from fastmlp.model_file.errors import ModelFileError
from fastmlp.model_file.fields import Fields, integer, list_of, mapping, one_of, text
from fastmlp.model_file.tensors import Tensors
from fastmlp.model_file.values import Values

FORMAT_VERSION = 1  # that this version writes, and the newest that it reads
_LEAST_READER = 1  # the oldest version that can read what this one writes
KINDS = ("Regressor", "Classifier", "MLPRegressor", "MLPClassifier")
ROUNDED_WEIGHTS = "rounded_weights"  # some are of another type than networks compute in
COST_MATRIX = "cost_matrix"  # the most probable class is not the predicted one
CONSTRAINTS = "constraints"  # training must keep the signs of weights
GAUSSIAN = "gaussian"  # half of the outputs are variances, not predictions
CONTINUATION_RATIO = "continuation_ratio"  # outputs are steps from class to class
SEVERAL_OUTPUTS = "several_outputs_of_classes"
_FEATURES = (  # that a reader must know if a file names them
    *(ROUNDED_WEIGHTS, COST_MATRIX, CONSTRAINTS),
    *(GAUSSIAN, CONTINUATION_RATIO, SEVERAL_OUTPUTS),
)


class Contents(NamedTuple):
    """An opened file: the document, the tensors, and how values are read."""

    document: Fields
    tensors: Tensors
    values: Values
    kind: str
    features: list[str]
    version: int

    @property
    def notes(self) -> dict[str, Any]:
        """What was noted beside the model."""
        return self.document.get("notes", mapping) if self.document.has("notes") else {}


def closed(kind: str, parts: Mapping[str, Any], draft: Draft) -> bytes:
    """The bytes of a file with these parts of a document, and the tensors of the draft."""
    document = {
        "format_version": FORMAT_VERSION,
        "least_reader": _LEAST_READER,
        "required_features": draft.features,
        "kind": kind,
        **parts,
    }
    return packed(document, draft.tensors)


def opened(source: Source, objects: tuple[Any, ...] = ()) -> Contents:
    """Open a file, and check that this version can read it.

    Parameters
    ----------
    source : str, PathLike, bytes-like or binary file object
    objects : tuple, default=()
        Objects that are stored beside it.

    Raises
    ------
    ModelFileError
        If it cannot be opened, or needs a newer version.
    """
    found, arrays = unpacked(source)
    document, tensors = Fields(found, "model"), Tensors(arrays)
    version = document.get("format_version", integer(1))
    least = document.get("least_reader", integer(1))
    if least > FORMAT_VERSION:
        raise ModelFileError(
            f"the model file is of format {version} and needs a reader of format {least}; this is "
            f"{_this_version()}, which reads up to format {FORMAT_VERSION}. A newer version may "
            "read it"
        )
    required = document.get("required_features", list_of(text))
    unknown = [feature for feature in required if feature not in _FEATURES]
    if unknown:
        raise ModelFileError(
            f"the model file needs {', '.join(map(ascii, unknown))}, which {_this_version()} does "
            "not know. A newer version may read it"
        )
    kind = document.get("kind", one_of(KINDS))
    return Contents(document, tensors, Values(tensors, objects), kind, required, version)


@contextmanager
def blaming_newer(contents: Contents) -> Iterator[None]:
    """Let errors in reading a file of a newer format say so: this may be the cause."""
    try:
        yield
    except ModelFileError as error:
        if contents.version <= FORMAT_VERSION:
            raise
        raise ModelFileError(
            f"{error}. The file is of format {contents.version}, and this is {_this_version()}, "
            f"which writes format {FORMAT_VERSION}: a newer version may read it"
        ) from error


def _this_version() -> str:
    from fastmlp._version import __version__  # looked up in files, which takes 20 ms

    return f"fastmlp {__version__}"
