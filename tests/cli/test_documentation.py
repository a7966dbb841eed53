"""Commands in the documentation are commands that there are."""

import re
import shlex
from pathlib import Path

import click
import pytest

from fastmlp.cli.group import group

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs/command-line.md", ROOT / "docs/serving.md", ROOT / "examples/serve/README.md"]
HELP = [group.epilog, *(command.epilog for command in group.commands.values())]
TEXTS = [*(page.read_text() for page in PAGES), *HELP]
COMMANDS = [
    shlex.split(line)
    for text in TEXTS
    for line in re.findall(r"^(?:.*\| | *)fastmlp ([a-z]+ [^>|\n]*)", text, re.MULTILINE)
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_it_can_be_run(words):
    name, *arguments = words
    with group.commands[name].make_context(name, arguments) as context:
        assert isinstance(context, click.Context)
