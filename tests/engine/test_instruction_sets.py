"""Which instruction set's module is loaded, and what show_versions tells."""

import sys

import numpy as np
import pytest

import fastmlp
from fastmlp import _core
from fastmlp._threads import n_threads

VARIABLE = "FASTMLP_INSTRUCTION_SET"
needs_unit = pytest.mark.skipif(
    "amx" not in _core.available_instruction_sets, reason="no matrix unit here"
)


@pytest.fixture
def run(forked):
    """Function that runs a script in a process of its own, where a level may be named."""
    return lambda script, level: forked(script, **{VARIABLE: level})


MODULE = "from fastmlp import _core; print(_core._module.__name__)"


@pytest.mark.parametrize("level", ["v99", "V3", "avx2", "../v3"])
def test_unknown_instruction_set(level, run):
    done = run("import fastmlp", level)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"ImportError: {VARIABLE}={level!r}")
    assert all(known in last for known in _core.available_instruction_sets)


@pytest.mark.parametrize("level", _core.available_instruction_sets)
def test_every_available_instruction_set_loads(level, run):
    done = run(MODULE, level)
    assert done.stdout.strip() == _core._name(level), done.stderr


@pytest.mark.parametrize("level", [None, ""])
def test_the_strongest_is_the_default(level, run):
    done = run(MODULE, level)
    assert done.stdout.strip() == _core._name(_core.available_instruction_sets[-1])


WIDE = """
import numpy as np
from fastmlp import Regressor, _core
random = np.random.default_rng(0)
X = random.normal(size=(300, 260)).astype("float32")
model = Regressor((300, 280), preset="plain", max_iter=3, early_stopping=False, random_state=0)
print(_core.build_info()["instruction_set"], *model.fit(X, X[:, 0]).predict(X[:50]), sep=";")
"""


@needs_unit
def test_the_matrix_unit_gives_the_numbers_of_the_registers(run):
    registers, unit = (run(WIDE, level).stdout.split(";") for level in ("v4", "amx"))
    assert registers[0] == "x86-64-v4"
    assert unit[0] == "x86-64-v4 with AMX"
    assert registers[1:] != unit[1:]
    np.testing.assert_allclose(np.float64(unit[1:]), np.float64(registers[1:]), atol=2e-5)


PERMISSION = """
import ctypes

libc = ctypes.CDLL(None, use_errno=True)

def permitted():
    ask, tile_data, bits = 0x1022, 18, ctypes.c_uint64()  # ARCH_GET_XCOMP_PERM
    assert libc.syscall(158, ask, ctypes.byref(bits)) == 0  # arch_prctl
    return bits.value >> tile_data & 1

def refuse():
    class Stack(ctypes.Structure):
        _fields_ = [("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]

    # The system refuses where a signal handler's stack has no room for the unit's registers.
    global room
    room = ctypes.create_string_buffer(4096)
    stack = Stack(ctypes.addressof(room), 0, 4096)
    assert libc.sigaltstack(ctypes.byref(stack), None) == 0

from fastmlp import Dense, Network, _core
"""


@needs_unit
@pytest.mark.parametrize("level", [None, "amx"])
def test_permission_is_asked_for_by_the_first_wide_layer(level, run):
    script = f"""{PERMISSION}
print(permitted())
Network([Dense(300, 100), Dense(100, 300)])
Network([Dense(300, 300)], dtype="float64")
print(permitted())
Network([Dense(300, 300)])
print(permitted(), _core.build_info()["instruction_set"])
"""
    done = run(script, level)
    assert done.stdout.split("\n")[:3] == ["0", "0", "1 x86-64-v4 with AMX"], done.stderr


@needs_unit
def test_a_refused_matrix_unit_is_done_without(run):
    script = f"""{PERMISSION}
refuse()
Network([Dense(300, 300)])
print(permitted(), _core.build_info()["instruction_set"])
"""
    done = run(script, None)
    assert done.stdout == "0 x86-64-v4\n", done.stderr


@needs_unit
def test_a_refused_matrix_unit_that_was_named_is_an_error(run):
    script = f"""{PERMISSION}
refuse()
Network([Dense(100, 100)])
Network([Dense(300, 300)])
"""
    done = run(script, "amx")
    assert done.returncode == 1
    assert "RuntimeError: the instruction set 'amx' was asked for" in done.stderr


def test_an_instruction_set_that_the_processor_lacks(monkeypatch):
    monkeypatch.setattr(_core, "_built", lambda: ["v2", "v3", "v4"])
    monkeypatch.setattr(_core, "_usable", lambda built: ["v2"])
    monkeypatch.setenv(VARIABLE, "v4")
    with pytest.raises(ImportError, match="this processor cannot run it; it can run: v2"):
        _core._load()


def test_a_processor_older_than_all(monkeypatch):
    monkeypatch.setattr(_core, "_built", lambda: ["v3", "v4"])
    monkeypatch.setattr(_core, "_usable", lambda built: [])
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(ImportError, match=r"older than any .* \(v3, v4\)"):
        _core._load()


def test_missing_core_says_what_to_do(monkeypatch):
    monkeypatch.setattr(_core, "_built", list)
    with pytest.raises(ImportError, match=r"pip install \."):
        _core._load()


def test_show_versions(capsys):
    fastmlp.show_versions()
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert lines["fastmlp"] == fastmlp.__version__
    assert lines["python"].startswith(sys.version.split()[0])
    build = _core.build_info()
    assert lines["instruction set"].startswith(build["instruction_set"])
    for level in _core.available_instruction_sets:
        assert level in lines["instruction set"]
    assert int(lines["threads"].split()[0]) == n_threads(None)
    assert build["threading"] in lines["threads"]
    assert lines["compiler"] == build["compiler"]
    assert lines["Eigen"].startswith("3.4")
    for package in ("numpy", "scipy", "scikit-learn", "joblib", "tqdm", "pandas", "polars"):
        assert lines[package][0].isdigit()
    assert "platform" in lines
