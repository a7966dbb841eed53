"""`fastmlp serve`."""

from __future__ import annotations

import click

from fastmlp.cli.options import model_argument


@click.command()
@model_argument
def serve(model: str) -> None:
    """Answer requests for predictions of MODEL over HTTP."""
