"""The matplotlib axes that displays draw on."""

from __future__ import annotations

from typing import Any


def axes_or_new(ax: Any, display: str) -> Any:
    """The axes, or new ones if they are None; an ImportError without matplotlib."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(f"{display} needs matplotlib: pip install 'fastmlp[plot]'") from error
    return plt.subplots()[1] if ax is None else ax
