"""The README's Python runs as it stands, from top to bottom."""

import re
from pathlib import Path

import matplotlib as mpl
import pytest

README = Path(__file__).parents[2] / "README.md"


def test_code_blocks_run(capsys: pytest.CaptureFixture[str]) -> None:
    mpl.use("Agg")
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert len(blocks) == 5
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)
    printed = capsys.readouterr().out
    assert re.search(r"^R2: 0\.\d\d, epochs: \d+, best: \d+$", printed, flags=re.MULTILINE)
    assert re.search(
        r"^Epoch \[1/100\], Loss: \d\.\d{4}, Val Loss: \d\.\d{4}$", printed, flags=re.MULTILINE
    )
