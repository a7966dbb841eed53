"""Files that are written completely or not at all."""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EISDIR
from pathlib import Path
from zlib import crc32

_SUFFIX = ".tmp"
_NAMED = 50  # characters of a file's name in the temporary one's; names have at most 255 bytes
_RANDOM_BYTES = 8  # of the temporary name


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file so that its path holds the old contents or all of the new ones at any time.

    Raises
    ------
    OSError
        If the file cannot be written; the old one is then unchanged.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary file in the same folder, which replaces `path` if nothing fails.

    It takes the old file's name and permissions. A link stays one. After any exception the old file
    is unchanged. A pipe or a device is written directly.

    Yields
    ------
    Path
        The file to write; it is empty.

    Raises
    ------
    TypeError
        If `path` is not a str or PathLike of text.
    """
    if not isinstance(os.fspath(path), str):
        raise TypeError(f"path must be text or a PathLike of text; got {path!r}")
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR), os.fspath(path))
    if target.exists() and not target.is_file():
        yield target
        return
    random = secrets.token_hex(_RANDOM_BYTES)
    temporary = target.with_name(f"{_start_of_name(target)}{random}{_SUFFIX}")
    try:
        # Opened with the permissions that a new file gets, unless there is an old one.
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    except OSError as error:  # which names a temporary file that the user does not know
        raise type(error)(error.errno, error.strerror, os.fspath(path)) from None
    try:
        with suppress(FileNotFoundError):
            os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync_folder(target.parent)


def remove_leftovers(path: str | os.PathLike[str]) -> None:
    """Remove the temporary files that killed processes left when they wrote this file."""
    target = Path(os.path.realpath(path))
    # No more than that: "fit" must leave those of "fit.2" alone, which another process may write.
    random = f"[0-9a-f]{{{2 * _RANDOM_BYTES}}}"
    own = re.compile(re.escape(_start_of_name(target)) + random + re.escape(_SUFFIX))
    with suppress(OSError):
        for name in os.listdir(target.parent):
            if own.fullmatch(name):
                os.unlink(target.parent / name)


def _start_of_name(target: Path) -> str:
    """How the names of its temporary files start; a long name of the file is cut, and hashed."""
    name = target.name
    if len(name) > _NAMED:
        name = f"{name[:_NAMED]}-{crc32(os.fsencode(name)):08x}"
    return f".{name}."


def _sync_folder(folder: Path) -> None:
    """Make a new name last through a loss of power, where folders can be opened and synchronised.

    Where they cannot, the file is still written.
    """
    if os.name != "posix":
        return
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
