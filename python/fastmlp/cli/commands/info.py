"""`fastmlp info`."""

from __future__ import annotations

import json

import click

from fastmlp.cli.commands.options import json_option, model_argument


@click.command(
    epilog="""\b
Examples:
  fastmlp info houses.safetensors
  fastmlp info houses.safetensors --json"""
)
@model_argument
@json_option
def info(model: str, as_json: bool) -> None:
    """Describe MODEL: its target and columns, its held-out scores and how it was trained."""
    from fastmlp.cli.models.model_info import facts_of, lines_about

    click.echo(json.dumps(facts_of(model), indent=2) if as_json else "\n".join(lines_about(model)))
