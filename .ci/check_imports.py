"""Imports and includes go in one direction only: every part may use those that it names, no other.

Prints each violation as file:line, and exits with 1 if there is one.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

# A module or package directly under python/fastmlp, and the others that it may import.
SMALL = [
    "_after_import",
    "_core",
    "_lazy",
    "_one_blas_thread",
    "_other_names",
    "_threads",
    "_user_warnings",
    "_version",
]
PYTHON = {
    "_version": [],
    "_after_import": [],
    "_lazy": [],
    "_user_warnings": [],
    "_one_blas_thread": [],
    "_other_names": [],
    "_cpu": [],
    "_core": ["_cpu"],
    "_threads": ["_core"],
    "privacy": SMALL,
    "table": SMALL,
    "networks": [*SMALL, "table"],
    "prediction": [*SMALL, "table", "networks"],
    "tasks": [*SMALL, "table", "networks", "prediction"],
    "ensemble": [*SMALL, "privacy", "table", "networks", "prediction", "tasks"],
    "rounds": [*SMALL, "table", "networks", "prediction", "tasks", "ensemble"],
    "streaming": [*SMALL, "table", "networks", "prediction", "tasks", "ensemble", "model_file"],
    "inspection": [*SMALL, "table", "networks", "prediction", "tasks", "ensemble"],
    "compact": [*SMALL, "table", "networks", "prediction", "tasks", "ensemble"],
    "model_file": [*SMALL, "privacy", "table", "networks", "prediction", "tasks", "ensemble"],
    "checkpoints": [*SMALL, "table", "ensemble", "model_file"],
    "export": [*SMALL, "table", "networks", "prediction"],
    "trained_model": [*SMALL, "prediction", "model_file", "export"],
    "estimators": [
        *SMALL,
        *("table", "networks", "prediction", "tasks", "ensemble", "inspection", "compact"),
        *("streaming", "model_file", "checkpoints", "trained_model", "privacy"),
    ],
    "dask": [*SMALL, "table", "tasks", "ensemble", "rounds", "streaming", "estimators"],
    "federated": [
        *SMALL,
        *("table", "networks", "prediction", "tasks", "ensemble", "rounds", "privacy"),
        *("streaming", "estimators"),
    ],
    "neural_network": [*SMALL, "table", "networks", "prediction", "model_file", "trained_model"],
    "loading": [*SMALL, "prediction", "model_file", "estimators", "neural_network"],
    "tuning": [*SMALL, "tasks", "ensemble"],
    "__init__": [
        *SMALL,
        *("networks", "prediction", "ensemble", "inspection", "model_file", "checkpoints"),
        *("estimators", "loading", "streaming", "privacy"),
    ],
    "serving": [*SMALL, "__init__", "table", "prediction", "model_file"],
    "cli": [*SMALL, "__init__", "table", "streaming", "inspection", "model_file", "serving"],
    "__main__": ["cli"],
}
# A folder of cpp/, and the others whose headers it may include.
CPP = {
    "core": [],
    "kernels": ["core"],
    "nn": ["core", "kernels"],
    "train": ["core", "kernels", "nn"],
    "predict": ["core", "kernels", "nn"],
    "explain": ["core", "kernels", "nn", "predict"],
    "stream": ["core"],
    "bindings": ["core", "kernels", "nn", "train", "predict", "explain", "stream"],
}
# A header of another project, and the only folder of cpp/ that may include it.
ONLY = {
    r"omp\.h": "core",
    r"pybind11/.*": "bindings",
    r"Python\.h": "bindings",
    r"Eigen/.*": "kernels",
}


def imported(tree: ast.Module, package: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Lines and the modules of fastmlp that they import, as parts of their names below it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            upwards = len(package) - node.level + 1
            base = package[:upwards] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            names = [[*base, alias.name] for alias in node.names]
        else:
            continue
        for name in names:
            if name[0] == "fastmlp":
                yield node.lineno, name[1:]


def python_violations(root: Path) -> Iterator[str]:
    """Imports upwards, and modules that no layer names."""
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        part = parts[0]
        if part not in PYTHON:
            yield f"{path}:1: {part} has no layer: .ci/check_imports.py lists them"
            continue
        package = ["fastmlp", *parts[:-1]]
        for line, name in imported(ast.parse(path.read_text(), str(path)), package):
            used = name[0] if name and name[0] in PYTHON else "__init__"
            if used != part and used not in PYTHON[part]:
                yield f"{path}:{line}: {part} must not import {used}"


def cpp_violations(root: Path) -> Iterator[str]:
    """Includes upwards, and of headers that belong to another folder."""
    for path in sorted([*root.rglob("*.h"), *root.rglob("*.cpp")]):
        part = path.relative_to(root).parts[0]
        if part not in CPP:
            yield f"{path}:1: {part} has no layer: .ci/check_imports.py lists them"
            continue
        for line, text in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', text)
            if not found:
                continue
            header = found[1]
            used = header.split("/")[0]
            if used in CPP and used != part and used not in CPP[part]:
                yield f"{path}:{line}: {part} must not include {header}"
            for pattern, owner in ONLY.items():
                if re.fullmatch(pattern, header) and part != owner:
                    yield f"{path}:{line}: only {owner} may include {header}"


def main() -> int:
    """Print what was found; the exit status."""
    violations = [*python_violations(Path("python/fastmlp")), *cpp_violations(Path("cpp"))]
    print("\n".join(violations) or "imports and includes go in one direction")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
