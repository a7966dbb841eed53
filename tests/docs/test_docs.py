"""The Python in docs/ runs as it stands, each page from top to bottom."""

import re
from pathlib import Path

import matplotlib as mpl
import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCKS = {
    page.name: re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)
    for page in sorted(DOCS.glob("*.md"))
}


@pytest.mark.parametrize("page", [page for page, blocks in BLOCKS.items() if blocks])
def test_code_blocks_run(page: str) -> None:
    mpl.use("Agg")
    names: dict[str, object] = {}
    for block in BLOCKS[page]:
        exec(compile(block, page, "exec"), names)
