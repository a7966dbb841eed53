"""The roles of a training table's columns: target, weight, input and so on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fastmlp.cli.errors import DataError, check_columns

TaskName = Literal["regression", "classification"]


@dataclass(frozen=True)
class Roles:
    """Columns with a role. All others are inputs.

    Parameters
    ----------
    targets : tuple of str
    dropped : tuple of str
        Columns that are not used.
    categories : tuple of str
        Inputs whose numbers are categories.
    weight, groups, time : str or None
        Columns of the rows' weights, groups and times. The time is an input too.
    """

    targets: tuple[str, ...]
    dropped: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    weight: str | None = None
    groups: str | None = None
    time: str | None = None

    def check(self, names: Sequence[str], file: str) -> None:
        """Raise if a column does not exist, or if no inputs are left."""
        check_columns((*self._beside_inputs, *self.dropped, *self.categories), names, file)
        for option, name in (("weight", self.weight), ("groups", self.groups), ("time", self.time)):
            if name in self.targets:
                raise DataError(f"--{option}: the column {name!r} is the target")
        inputs = self.inputs(names)
        if others := [name for name in self.categories if name not in inputs]:
            raise DataError(f"--category: the column {others[0]!r} is not an input")
        if not inputs:
            raise DataError(f"{file} has no columns left for inputs")

    def inputs(self, names: Sequence[str]) -> list[str]:
        """Names of the inputs."""
        others = {*self.targets, *self.dropped, self.weight, self.groups}
        return [name for name in names if name not in others]

    def used(self, names: Sequence[str]) -> list[str]:
        """Names of all columns that are read."""
        used = {*self.inputs(names), *self._beside_inputs}
        return [name for name in names if name in used]

    @property
    def _beside_inputs(self) -> list[str]:
        named = (*self.targets, self.weight, self.groups, self.time)
        return [name for name in named if name is not None]
