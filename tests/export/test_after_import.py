"""What waits for a module happens when that is imported, and does not import it."""

import importlib
import sys
import zipfile
from importlib.abc import MetaPathFinder
from importlib.util import find_spec, spec_from_file_location

import pytest

from fastmlp._after_import import _FINDER, after_import


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The name of a module that is not imported yet."""
    (tmp_path / "awaited_module.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "awaited_module"
    sys.modules.pop("awaited_module", None)
    _FINDER.actions.pop("awaited_module", None)


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


def test_modules_that_a_finder_of_its_own_finds(tmp_path, monkeypatch):
    (tmp_path / "editable.py").write_text("value = 2\n")

    class Editable(MetaPathFinder):
        def find_spec(self, fullname, path, target=None):
            if fullname != "found_elsewhere":
                return None
            return spec_from_file_location(fullname, tmp_path / "editable.py")

    seen = []
    after_import("found_elsewhere", lambda: seen.append(True))
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Editable()])
    assert importlib.import_module("found_elsewhere").value == 2
    del sys.modules["found_elsewhere"]
    assert seen == [True]


def test_other_modules_of_the_same_loader_do_not_act(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "several.zip", "w") as archive:
        for name in ("awaited_in_archive", "beside_it"):
            archive.writestr(f"{name}.py", "")
    monkeypatch.syspath_prepend(tmp_path / "several.zip")
    seen = []
    after_import("awaited_in_archive", lambda: seen.append(True))
    for name in ("awaited_in_archive", "beside_it"):
        importlib.import_module(name)
        del sys.modules[name]
    assert seen == [True]


def test_again_when_it_is_reloaded(module):
    seen = []
    after_import(module, lambda: seen.append(True))
    importlib.reload(importlib.import_module(module))
    assert seen == [True, True]


def test_an_action_that_fails_leaves_the_import_alone(module):
    def fail():
        raise ImportError("another version")

    after_import(module, fail)
    with pytest.warns(
        RuntimeWarning,
        match=f"{module} was imported, but fastmlp could not register.*another version",
    ):
        assert importlib.import_module(module).value == 1
