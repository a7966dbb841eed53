"""What waits for a module happens when that is imported, and does not import it."""

import importlib
import sys
from importlib.util import find_spec

import pytest

from fastmlp._after_import import after_import


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The name of a module that is not imported yet."""
    (tmp_path / "awaited_module.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "awaited_module"
    sys.modules.pop("awaited_module", None)


def test_at_the_import_and_at_once_afterwards(module):
    seen = []
    after_import(module, lambda: seen.append(sys.modules[module].value))
    assert find_spec(module) is not None  # looking for it is no import
    assert module not in sys.modules
    assert not seen
    imported = importlib.import_module(module)
    assert seen == [1]
    assert imported.__loader__.get_source(module) == "value = 1\n"
    after_import(module, lambda: seen.append(2))
    assert seen == [1, 2]


def test_modules_that_are_not_installed():
    after_import("no_such_module_anywhere", lambda: None)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such_module_anywhere")
