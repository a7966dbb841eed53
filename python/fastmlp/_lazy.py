"""Names of a package that are imported at their first use (PEP 562).

What loads a predictor needs neither scikit-learn nor narwhals, whose imports take a second.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def lazily(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Make a package's ``__getattr__``.

    Parameters
    ----------
    package : str
        Its name.
    modules : mapping of str to str
        For each public name the module that defines it. Public modules of the package itself are
        found without.
    """

    def find(name: str) -> Any:
        if name not in modules:
            module = f"{package}.{name}"
            if name.startswith("_") or find_spec(module) is None:
                raise AttributeError(f"module {package!r} has no attribute {name!r}")
            return import_module(module)
        value = getattr(import_module(modules[name]), name)
        setattr(sys.modules[package], name, value)  # next time it is found without this
        return value

    return find
