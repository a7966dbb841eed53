"""Arrays of a model as users see them: nobody changes the model through them."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
from numpy.typing import NDArray


@overload
def read_only(arrays: NDArray[Any]) -> NDArray[Any]: ...


@overload
def read_only(arrays: tuple[NDArray[Any], ...]) -> list[NDArray[Any]]: ...


def read_only(arrays: Any) -> Any:
    """A read-only view of an array, or a list of such views of several."""
    if isinstance(arrays, tuple):
        return [read_only(array) for array in arrays]
    view = np.asarray(arrays).view()
    view.flags.writeable = False
    return view
