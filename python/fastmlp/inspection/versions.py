"""show_versions: what a bug report needs."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from fastmlp import _core
from fastmlp._threads import n_threads
from fastmlp._version import __version__

_DEPENDENCIES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "joblib",
    "narwhals",
    "safetensors",
    "tqdm",
    "pandas",
    "polars",
    "pyarrow",
    "matplotlib",
)


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def show_versions() -> None:
    """Print versions, instruction set, threads, compiler and dependencies.

    Examples
    --------
    >>> import fastmlp
    >>> fastmlp.show_versions()  # doctest: +ELLIPSIS
    fastmlp: ...
    """
    build = _core.build_info()
    lines = {
        "fastmlp": __version__,
        "python": sys.version.replace("\n", " "),
        "platform": platform.platform(),
        "instruction set": f"{build['instruction_set']} "
        f"(available: {', '.join(_core.available_instruction_sets)})",
        "threads": f"{n_threads(None)} ({build['threading']})",
        "compiler": build["compiler"],
        "Eigen": build["eigen"],
        **{package: _version_of(package) for package in _DEPENDENCIES},
    }
    for name, value in lines.items():
        print(f"{name}: {value}")
