"""Actions that run when another module is imported, without importing it."""

from __future__ import annotations

import sys
import warnings
from collections import defaultdict
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
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
        # Not only `PathFinder`: editable installations and tools have finders of their own.
        others = (finder for finder in list(sys.meta_path) if finder is not self)
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((one for one in found if one is not None), None)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _Loader(spec.loader, fullname, self.actions[fullname])
        return spec


class _Loader(Loader):
    """Loads a module with its own loader, and then runs the actions.

    The own loader is not changed: several modules may share it. The module gets it back before it
    is executed.
    """

    def __init__(self, loader: Any, module: str, actions: list[Action]) -> None:
        self._loader, self._module, self._actions = loader, module, actions

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Make the module."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Execute the module, then run the actions, whose failures do not fail the import."""
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        for action in self._actions:
            try:
                action()
            except Exception as error:
                warnings.warn(
                    f"{self._module} was imported, but fastmlp could not register with it: {error}",
                    RuntimeWarning,
                    stacklevel=2,
                )


_FINDER = _Finder()


def after_import(module: str, action: Action) -> None:
    """Act once the module is imported: at once if it is already, else as soon as it is.

    Parameters
    ----------
    module : str
        Name of a module that may not be installed.
    action : callable
        Takes nothing. It is kept for as long as the process lasts.

    Warns
    -----
    RuntimeWarning
        If an action fails at the module's import.
    """
    if module in sys.modules:
        action()
        return
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    _FINDER.actions[module].append(action)
