"""The compiled core: the module built for the best instruction set that this processor has.

``FASTMLP_INSTRUCTION_SET`` (``v2``, ``v3``, ``v4`` or ``amx``) takes another one. ``amx`` is v4's
module with wide layers of float32 on the processor's matrix unit. Where nothing is named and the
system refuses that unit, v4 does their work; where ``amx`` is named, the refusal is an error.
"""

import os
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

VARIABLE = "FASTMLP_INSTRUCTION_SET"
_ORDER = ("generic", "v2", "v3", "v4", "amx", "native")  # from the weakest to the strongest


def _name(level: str) -> str:
    return f"fastmlp._core_{'v4' if level == 'amx' else level}"


def _built() -> list[str]:
    return [level for level in _ORDER if find_spec(_name(level)) is not None]


def _usable(built: list[str]) -> list[str]:
    from fastmlp._cpu import has_matrix_unit, processor_level

    usable = {"generic", "native", *(f"v{level}" for level in range(2, processor_level() + 1))}
    if "v4" in usable and has_matrix_unit():
        usable.add("amx")
    return [level for level in built if level in usable]


def _load() -> tuple[ModuleType, list[str]]:
    built = _built()
    if not built or find_spec("fastmlp._cpu") is None:
        raise ImportError(
            "fastmlp's compiled core is missing. Install the package (pip install .) instead of "
            "importing it from its source folder; if it is installed, reinstall it."
        )
    usable = _usable(built)
    wanted = os.environ.get(VARIABLE)
    if wanted:
        if wanted not in built:
            raise ImportError(
                f"{VARIABLE}={wanted!r}, but this installation of fastmlp was built for "
                f"{', '.join(built)}"
            )
        if wanted not in usable:
            raise ImportError(
                f"{VARIABLE}={wanted!r}, but this processor cannot run it; "
                f"it can run: {', '.join(usable) or 'none of those built'}"
            )
        chosen = wanted
    elif usable:
        chosen = usable[-1]
    else:
        raise ImportError(
            f"this processor is older than any that fastmlp was built for ({', '.join(built)}); "
            "build it for this machine with "
            "pip install . -C cmake.define.FASTMLP_LEVELS=native"
        )
    module = import_module(_name(chosen))
    # The first wide layer asks the system. If the user named the level, a refusal is an error.
    module.use_matrix_unit(wanted=chosen in ("amx", "native"), required=wanted == "amx")
    return module, usable


_module, available_instruction_sets = _load()

ClassDecoding = _module.ClassDecoding
CoalitionNetworkF32 = _module.CoalitionNetworkF32
CoalitionNetworkF64 = _module.CoalitionNetworkF64
EpochsF32 = _module.EpochsF32
EpochsF64 = _module.EpochsF64
NetworkF32 = _module.NetworkF32
NetworkF64 = _module.NetworkF64
NumberDecoding = _module.NumberDecoding
OptimizerF32 = _module.OptimizerF32
OptimizerF64 = _module.OptimizerF64
PredictorF32 = _module.PredictorF32
PredictorF64 = _module.PredictorF64
PrivateTraining = _module.PrivateTraining
Standardisation = _module.Standardisation
ThreadBudget = _module.ThreadBudget
Training = _module.Training
RowPredictorF32 = _module.RowPredictorF32
RowPredictorF64 = _module.RowPredictorF64
RowReader = _module.RowReader
Window = _module.Window
WindowReader = _module.WindowReader
available_threads = _module.available_threads
build_info = _module.build_info
shuffle = _module.shuffle
train = _module.train
