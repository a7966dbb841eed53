"""Lines of a table in Markdown, printed as soon as they are measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def print_head(names: Sequence[str]) -> None:
    print_line(names)
    print(f"|{'---|' * len(names)}", flush=True)


def print_line(cells: Iterable[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)
