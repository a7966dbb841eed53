"""`fastmlp export`."""

from __future__ import annotations

import click

from fastmlp.cli.options import model_argument


@click.command(
    epilog="""\b
Examples:
  fastmlp export houses.safetensors --onnx houses.onnx
  fastmlp export houses.safetensors --c houses.c"""
)
@model_argument
@click.option("--onnx", type=click.Path(dir_okay=False), help="ONNX file to write.")
@click.option("--c", type=click.Path(dir_okay=False), help="C99 source file to write.")
def export(model: str, onnx: str | None, c: str | None) -> None:
    """Write MODEL as an ONNX graph or as C source, with its preprocessing."""
    if not (onnx or c):
        raise click.UsageError("give --onnx FILE, --c FILE or both")
