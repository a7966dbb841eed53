"""Names of targets: the columns of y, which also name predictions."""

from __future__ import annotations

from typing import Any


def target_names_of(y: Any) -> tuple[str, ...] | None:
    """The names of y's columns, if y is a frame or a Series of any library and all have one.

    None for other targets, and if names are not text, are empty or occur twice.

    Parameters
    ----------
    y : array-like, Series or frame
    """
    names: Any = getattr(y, "column_names", None)  # of pyarrow, whose columns are arrays
    if names is None:
        names = getattr(y, "columns", None)
    if names is None:
        # Arrays of Dask have names too, which nobody gave them.
        names = [y.name] if hasattr(y, "to_frame") and hasattr(y, "name") else []
    found = tuple(names)
    are_names = all(isinstance(name, str) and name for name in found)
    return found if found and are_names and len({*found}) == len(found) else None


def check_target_names(known: tuple[str, ...] | None, y: Any, name: str) -> None:
    """Raise if y has a column of the training targets in the place of another one.

    Parameters
    ----------
    known : tuple of str or None
        Names of the training targets.
    y : array-like, Series or frame
    name : str
        What messages call y.
    """
    names = target_names_of(y)
    if known is None or names is None or len(names) != len(known):
        return
    if any(own != other and own in known for own, other in zip(names, known, strict=True)):
        raise ValueError(
            f"{name} must have its columns in the order of training, {list(known)}; got "
            f"{list(names)}"
        )
