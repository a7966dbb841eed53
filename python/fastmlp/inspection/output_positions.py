"""Outputs by name, or by position where no name is a number."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from fastmlp.table.text import quoted_few


def output_position(output: Any, names: Sequence[Any] | None, n_outputs: int) -> int:
    """Which of the outputs it is.

    Parameters
    ----------
    output : object
        A name: a class, label, column of y, or quantile, which may be a number; or a position.
    names : sequence or None
        Names of the outputs; None: they have none.
    n_outputs : int

    Raises
    ------
    ValueError
        If there is no such output.
    """
    known = [*names] if names is not None else [*range(n_outputs)]
    if output in known:
        return known.index(output)
    if not any(isinstance(name, Real) for name in known) and not isinstance(output, bool):
        if isinstance(output, Integral) and 0 <= int(output) < n_outputs:
            return int(output)
        if isinstance(output, Real) and (text := f"{float(output):g}") in known:
            return known.index(text)
    raise ValueError(f"output must be one of {quoted_few(known)}; got {output!r}")
