"""The command `fastmlp`: train, predict, evaluate, describe, export and serve models."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec

_LIBRARIES = ("click", "pyarrow")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, by default the process's; return the exit status."""
    missing = [library for library in _LIBRARIES if find_spec(library) is None]
    if missing:
        print(
            f"The command fastmlp needs {' and '.join(missing)}, which is not installed: "
            'pip install "fastmlp[cli]"',
            file=sys.stderr,
        )
        return 1
    from fastmlp.cli.group import run

    return run(sys.argv[1:] if arguments is None else arguments)
