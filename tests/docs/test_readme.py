"""The README's Python runs from top to bottom and prints what is shown below each example."""

import re
from pathlib import Path

import matplotlib as mpl
import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = re.compile(r"```python\n(.*?)```(?:\n\n```\n(.*?)```)?", re.DOTALL)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def test_examples_print_what_is_shown(capsys, tmp_path, monkeypatch):
    mpl.use("Agg")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "readme"}
    examples = EXAMPLE.findall((ROOT / "README.md").read_text())
    assert len(examples) == 7
    for code, shown in examples:
        exec(compile(code, "README.md", "exec"), names)
        assert_alike(capsys.readouterr().out, shown)


def assert_alike(printed, shown):
    """Numbers may differ a little, as they do between instruction sets; ... stands for lines."""
    texts = [re.escape(" ".join(text.split())) for text in NUMBER.split(shown)]
    form = rf"\s*({NUMBER.pattern})\s*".join(text.replace(r"\.\.\.", ".*") for text in texts)
    match = re.fullmatch(form.replace(r"\ ", r"\s+"), printed.strip(), re.DOTALL)
    assert match, f"shown:\n{shown}\nprinted:\n{printed}"
    numbers = [[float(n) for n in found] for found in (match.groups(), NUMBER.findall(shown))]
    assert numbers[0] == pytest.approx(numbers[1], rel=0.15, abs=0.05)
