"""Print requirements of pyproject.toml: `lint`, or `lowest`, those of the tests at their lowest."""

import sys
from pathlib import Path

import tomllib


def requirements(wanted: str) -> list[str]:
    """Lines as pip takes them."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    if wanted == "lint":
        return extras["lint"]
    return [line.replace(">=", "==") for line in project["dependencies"] + extras["test"]]


if __name__ == "__main__":
    print("\n".join(requirements(sys.argv[1])))
