"""The description of a model file: version, time and table of the fit, and the user's notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastmlp.model_file.container import Source
from fastmlp.model_file.envelope import blaming_newer, opened
from fastmlp.model_file.fields import integer, maybe, text


@dataclass(frozen=True)
class Description:
    """Description of a model file.

    Attributes
    ----------
    kind : str
        Name of the estimator's class.
    format_version : int
        Version of the file's format.
    digest : str
        SHA-256 of the contents: files of the same digest hold the same model.
    version, time : str
        Version of fastmlp, and when the model was trained.
    rows : int or None
        Rows of the training table, if they are known.
    columns : int
        Columns of the training table.
    notes : dict
        The notes that `save` got.
    """

    kind: str
    format_version: int
    digest: str
    version: str
    time: str
    rows: int | None
    columns: int
    notes: dict[str, Any]


def read_description(source: Source) -> Description:
    """Read the description of a model file.

    Parameters
    ----------
    source : str, PathLike, bytes-like or binary file object

    Raises
    ------
    ModelFileError
        If the file is damaged, newer than this version or not a model file.
    OSError
        If it cannot be read.
    """
    contents = opened(source)
    document = contents.document
    with blaming_newer(contents):
        provenance = document.object("provenance")
        return Description(
            kind=contents.kind,
            format_version=contents.version,
            digest=document.get("sha256", text),
            version=provenance.get("version", text),
            time=provenance.get("time", text),
            rows=provenance.get("rows", maybe(integer())),
            columns=provenance.get("columns", integer()),
            notes=contents.notes,
        )
