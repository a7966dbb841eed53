"""The container of a model file: named arrays and one JSON document, in a safetensors file.

The library checks that the header fits the file and that tensors neither overlap nor leave gaps.
What a tensor and the document must hold is checked where they are read.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import safetensors
from numpy.typing import NDArray

from fastmlp.model_file.draft import NotStorable
from fastmlp.model_file.errors import ModelFileError

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
Arrays = Mapping[str, NDArray[Any]]

_DOCUMENT = "fastmlp"  # its name in the metadata of the safetensors file
_LENGTH = 8  # bytes at the start of a file: of the header that follows, little-endian
_START = _LENGTH + 1  # bytes that show whether it may be a safetensors file
_LONGEST_HEADER = 100_000_000  # the library's limit
_CHECKSUM, _NO_CHECKSUM = "sha256", "0" * 64  # the first field of the document
_TYPES: dict[str, np.dtype[Any]] = {  # the format's names of those that tensors have
    "F64": np.dtype(np.float64),
    "F32": np.dtype(np.float32),
    "F16": np.dtype(np.float16),
    "I32": np.dtype(np.int32),
    "I8": np.dtype(np.int8),
    "U32": np.dtype(np.uint32),
    "U16": np.dtype(np.uint16),
    "BOOL": np.dtype(np.bool_),
}
_NAMES = {dtype: name for name, dtype in _TYPES.items()}
UNKNOWN = np.dtype("V1")  # bytes of a tensor of another type, which may be nothing to this version


class _Stored(NamedTuple):
    """A tensor as a file holds it."""

    name: str
    type: str
    shape: tuple[int, ...]
    data: Any  # bytes-like


def packed(document: Mapping[str, Any], arrays: Arrays) -> bytes:
    """The bytes of a file.

    Parameters
    ----------
    document : dict
        What JSON can hold; no NaN and no infinity.
    arrays : dict

    Raises
    ------
    NotStorable
        If the document is longer than a safetensors file may have it.
    """
    from safetensors.numpy import save  # not with the module: predictors load without

    arrays = {name: np.array(array, order="C") for name, array in arrays.items()}
    whole = {_CHECKSUM: _NO_CHECKSUM, **document}
    text = json.dumps(whole, allow_nan=False, separators=(",", ":"))
    text = text.replace(_NO_CHECKSUM, _checksum(text, map(_stored, arrays, arrays.values())), 1)
    try:
        return save(arrays, {_DOCUMENT: text})
    except safetensors.SafetensorError as error:
        raise NotStorable(
            f"a model file cannot hold {len(text):,} characters of JSON, such as labels of "
            f"categories and check_rows; a safetensors file has at most {_LONGEST_HEADER:,} of "
            f"them ({error})"
        ) from None


def _stored(name: str, array: NDArray[Any]) -> _Stored:
    return _Stored(name, _NAMES[array.dtype], array.shape, _little_endian(array).data)


def unpacked(source: Source) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The document and the arrays of a file; the arrays are read-only.

    Parameters
    ----------
    source : str, PathLike, bytes-like or binary file object

    Raises
    ------
    ModelFileError
        If it is not a file of this format, or damaged.
    OSError
        If it cannot be read.
    """
    data = _bytes_of(source)
    length = int.from_bytes(data[:_LENGTH], "little")
    header = _parsed(data[_LENGTH : _LENGTH + length], "the header")
    stored = _stored_of(data)
    text = (header.get("__metadata__") or {}).get(_DOCUMENT)
    if text is None:
        raise ModelFileError("this is a safetensors file, but not a fastmlp model file")
    document = _parsed(text, "the document")
    found = document.get(_CHECKSUM)
    if not isinstance(found, str) or len(found) != len(_NO_CHECKSUM):
        raise ModelFileError("the model file has no checksum")
    if found != _checksum(text.replace(found, _NO_CHECKSUM, 1), stored):
        raise ModelFileError(
            "the model file is damaged or was edited: its contents do not match its checksum"
        )
    return document, {tensor.name: _array_of(tensor) for tensor in stored}


def _bytes_of(source: Source) -> bytes:
    """All bytes of a file, read only if it begins as a safetensors file does."""
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
        _check_start(data[:_START], len(data))
        return data
    if isinstance(source, str | os.PathLike):
        with open(source, "rb") as file:
            _check_start(file.read(_START), os.fstat(file.fileno()).st_size)
            file.seek(0)
            return file.read()
    if not hasattr(source, "read"):
        raise TypeError(
            "a model is loaded from a path, bytes or a binary file object; got "
            f"{type(source).__name__}"
        )
    start = _read(source, _START)
    _check_start(start, None)
    data = start + _read(source, -1)
    _check_start(start, len(data))
    return data


def _read(file: BinaryIO, size: int) -> bytes:
    """`size` bytes of a file, -1 for all, or those up to its end: one read may return fewer."""
    parts: list[bytes] = []
    while size and (part := file.read(size)):
        if not isinstance(part, bytes):
            raise TypeError(
                "a model is loaded from a binary file object; this one is open in text mode"
            )
        parts.append(part)
        size -= len(part) if size > 0 else 0
    return b"".join(parts)


def _check_start(start: bytes, size: int | None) -> None:
    """Raise if a file of that size, if it is known, does not begin with a header."""
    length = int.from_bytes(start[:_LENGTH], "little")
    if start[_LENGTH:] != b"{" or not 2 <= length <= _LONGEST_HEADER:
        raise ModelFileError(
            "this is not a model file: it does not start as a safetensors file does"
        )
    if size is not None and length > size - _LENGTH:
        raise ModelFileError(
            f"the model file is cut off: its header should have {length} bytes, but the file has "
            f"{size}"
        )


def _parsed(text: str | bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{what} of the model file is not valid JSON: {error}") from None
    if not isinstance(found, dict):
        raise ModelFileError(f"{what} of the model file is not a JSON object")
    return found


def _stored_of(data: bytes) -> list[_Stored]:
    deserialize: Callable[[bytes], list[tuple[str, dict[str, Any]]]] = safetensors.deserialize
    try:
        found = deserialize(data)
    except safetensors.SafetensorError as error:
        raise ModelFileError(f"the model file is damaged or cut off: {error}") from None
    return [_Stored(name, own["dtype"], tuple(own["shape"]), own["data"]) for name, own in found]


def _array_of(tensor: _Stored) -> NDArray[Any]:
    """The values, which are read-only; the bytes, if they are of an unknown type."""
    dtype = _TYPES.get(tensor.type, UNKNOWN)
    array = np.frombuffer(tensor.data, dtype)
    if dtype != UNKNOWN:
        array = _little_endian(array).reshape(tensor.shape)
    array.flags.writeable = False
    return array


def _checksum(text: str, tensors: Iterable[_Stored]) -> str:
    """SHA-256 of the document without its checksum, and of the tensors."""
    digest = sha256(text.encode("utf-8", "surrogatepass"))
    for name, kind, sizes, data in sorted(tensors):
        shape = ",".join(map(str, sizes))
        digest.update(f"\n{name} {kind} {shape}\n".encode("utf-8", "surrogatepass"))
        digest.update(data)
    return digest.hexdigest()


def _little_endian(array: NDArray[Any]) -> NDArray[Any]:
    """From the machine's order of bytes to that of the format, and back."""
    return array if sys.byteorder == "little" else array.byteswap()
