"""The Python in docs/ runs as it stands, each page from top to bottom.

But for blocks marked `py`, which are for several machines or take minutes.
"""

import re
import shutil
from functools import cache
from pathlib import Path

import matplotlib as mpl
import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCKS = {
    page.name: re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)
    for page in sorted(DOCS.glob("*.md"))
}

# Beside what all tests need.
NEEDS = {
    "dask.md": ("distributed",),
    "export.md": ("onnxruntime", "skl2onnx"),
    "federated.md": ("dp_accounting",),
    "privacy.md": ("dp_accounting",),
    "streaming.md": ("datasketches",),
}


@cache
def names_after(page: str) -> dict[str, object]:
    """What the page's code has defined at its end."""
    mpl.use("Agg")
    names: dict[str, object] = {}
    for block in BLOCKS[page]:
        exec(compile(block, page, "exec"), names)
    return names


@pytest.mark.parametrize("page", [page for page, blocks in BLOCKS.items() if blocks])
def test_code_blocks_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in NEEDS.get(page, ()):
        pytest.importorskip(module)
    if page == "export.md" and shutil.which("gcc") is None:
        pytest.skip("there is no gcc")
    monkeypatch.chdir(tmp_path)  # some write files
    names_after(page)


def test_deviations_differ_as_the_page_of_losses_says() -> None:
    least, largest = names_after("losses.md")["std"]  # type: ignore[misc]
    assert largest > 3 * least


def test_the_forecast_is_as_good_as_the_page_says() -> None:
    rmse = names_after("forecasts.md")["rmse"]
    assert isinstance(rmse, dict)
    assert rmse["extrapolation='linear'"] < 4.4 < rmse["ridge regression"]
