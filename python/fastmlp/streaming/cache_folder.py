"""The folders of row caches. A cache is complete or absent, and kept only on request."""

from __future__ import annotations

import errno
import json
import logging
import os
import platform
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from fastmlp.streaming.cache_file import read_cache, write_description
from fastmlp.streaming.row_cache import RowCache
from fastmlp.streaming.source_pass import LearntFromSource
from fastmlp.streaming.sources.blocks import Source

_Write = Callable[[Path], tuple[RowCache, LearntFromSource]]

_UNFINISHED = ".unfinished"
_BYTES_OF_VALUE = 4  # stored, as most are

_log = logging.getLogger("fastmlp")


@dataclass(frozen=True)
class Cache:
    """A folder that keeps the row caches of streams, for later fits on the same streams.

    Parameters
    ----------
    folder : path-like
        Created if it does not exist. Each source gets a folder in it.
    key : str or None, default=None
        Identifies the rows of a source without files, for which changes cannot be detected: a
        function, a polars or a Dask frame. Choose another key when the rows change. Without a key,
        the cache of such a source is removed when the fit ends.
    dtype : {"float32", "float16"}, default="float32"
        Type that numbers are stored in. "float16" halves the file, and keeps three digits of each
        number's distance from the median of the first rows.

    Raises
    ------
    ValueError
        If `dtype` is another type.

    Examples
    --------
    >>> from fastmlp import Cache
    >>> Cache("caches", key="sales until June")
    Cache(folder='caches', key='sales until June', dtype='float32')
    """

    folder: str | os.PathLike[str]
    key: str | None = None
    dtype: Literal["float32", "float16"] = "float32"

    def __post_init__(self) -> None:
        if self.dtype not in ("float32", "float16"):
            raise ValueError(f"dtype must be 'float32' or 'float16'; got {self.dtype!r}")


class RowsOfSource:
    """The row cache of a source in a `with` block: an existing one, or a new one.

    Parameters
    ----------
    cache : Cache or None
        Where caches are kept; None: in a temporary folder, which is removed.
    source : Source
    asked : mapping
        Other values that the cache depends on, such as the names of the targets, as in JSON.
    write : callable
        Writes a cache into a folder.

    Raises
    ------
    OSError
        If there is not enough space on the disk.
    """

    def __init__(
        self, cache: Cache | None, source: Source, asked: Mapping[str, Any], write: _Write
    ) -> None:
        self._parent = None if cache is None else Path(cache.folder)
        known = source.fingerprint if cache is None or cache.key is None else cache.key
        self._digest = None
        if self._parent is not None and known is not None:
            text = json.dumps([known, list(source.names), asked], sort_keys=True)
            self._digest = sha256(text.encode()).hexdigest()[:32]
        self._source, self._write = source, write
        self._temporary: Path | None = None

    def __enter__(self) -> tuple[RowCache, LearntFromSource]:
        if self._parent is not None:
            self._parent.mkdir(parents=True, exist_ok=True)
            if self._digest is not None:
                return self._kept(self._parent / self._digest)
        self._temporary = Path(tempfile.mkdtemp(prefix="fastmlp-", dir=self._parent))
        try:
            _check_space(self._temporary, self._source)
            return self._write(self._temporary)
        except BaseException:
            self._remove()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()

    def _remove(self) -> None:
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def _kept(self, folder: Path) -> tuple[RowCache, LearntFromSource]:
        _remove_unfinished(folder)
        if folder.exists():  # else another process may be about to put a whole one there
            found = read_cache(folder)
            if found is not None and found[0].is_intact:
                _log.info("the row cache %s is used again", folder)
                return found
            if found is not None:
                _log.warning("the row cache %s is damaged and is being written again", folder)
            shutil.rmtree(folder, ignore_errors=True)
        return _written(folder, self._source, self._write)


def host() -> str:
    """Name of this machine in names of folders, which machines may share."""
    return sha256(platform.node().encode()).hexdigest()[:8]


def _written(folder: Path, source: Source, write: _Write) -> tuple[RowCache, LearntFromSource]:
    """Write a cache to a temporary folder, and rename it when it is complete."""
    writer = f"{host()}.{os.getpid()}.{secrets.token_hex(4)}"
    unfinished = folder.with_name(f"{folder.name}.{writer}{_UNFINISHED}")
    unfinished.mkdir()
    try:
        _check_space(unfinished, source)
        write_description(*write(unfinished))
        try:
            os.rename(unfinished, folder)
        except OSError:  # another process was faster
            if read_cache(folder) is None:
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    found = read_cache(folder)
    if found is None:
        raise OSError(f"the row cache {folder} cannot be read after it was written")
    return found


def _remove_unfinished(folder: Path) -> None:
    """Remove what killed processes of this machine left while they wrote this cache."""
    of_machine = f"{folder.name}.{host()}."
    for path in folder.parent.glob(f"{of_machine}*{_UNFINISHED}"):
        writer = path.name.removeprefix(of_machine).partition(".")[0]
        with suppress(ValueError, PermissionError):
            try:
                os.kill(int(writer), 0)
            except ProcessLookupError:
                shutil.rmtree(path, ignore_errors=True)


def _check_space(folder: Path, source: Source) -> None:
    """Log how much disk space a cache takes, if that is known; an error if there is not enough."""
    if source.n_rows is None or source.n_columns is None:
        return
    needed = source.n_rows * _BYTES_OF_VALUE * (source.n_columns + 4)
    free = shutil.disk_usage(folder).free
    _log.info(
        "the rows of X take about %.2f GB in %s, where %.1f GB are free",
        needed / 1e9,
        folder.parent,
        free / 1e9,
    )
    if needed > free:
        raise OSError(
            errno.ENOSPC,
            f"the rows of X take about {needed / 1e9:.2f} GB on disk, and {folder.parent} has "
            f"{free / 1e9:.2f} GB left; cache= names another folder",
        )
