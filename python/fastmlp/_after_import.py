"""Things to do as soon as another module is imported, without importing it."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

Action = Callable[[], None]


class _Finder(MetaPathFinder):
    """Finds the awaited modules where Python does, and adds the actions to their import."""

    def __init__(self) -> None:
        self.actions: defaultdict[str, list[Action]] = defaultdict(list)

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """The module's own specification; None for modules that nothing waits for."""
        if fullname not in self.actions:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            _add_to_import(spec.loader, self.actions[fullname])
        return spec


def _add_to_import(loader: Loader, actions: list[Action]) -> None:
    execute = loader.exec_module

    def execute_and_act(module: ModuleType) -> None:
        execute(module)
        for action in actions:
            action()

    loader.exec_module = execute_and_act  # type: ignore[method-assign]


_FINDER = _Finder()


def after_import(module: str, action: Action) -> None:
    """Act once the module is imported: at once if it is already, else as soon as it is.

    Parameters
    ----------
    module : str
        Name of a module that may not be installed.
    action : callable
        Takes nothing. It is kept for as long as the process lasts.
    """
    if module in sys.modules:
        action()
        return
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    _FINDER.actions[module].append(action)
