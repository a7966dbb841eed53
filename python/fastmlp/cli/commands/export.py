"""`fastmlp export`."""

from __future__ import annotations

import click

from fastmlp.cli.commands.options import model_argument
from fastmlp.cli.outputs import check_outputs


@click.command(
    epilog="""\b
Examples:
  fastmlp export houses.safetensors --onnx houses.onnx
  fastmlp export houses.safetensors --c houses.c"""
)
@model_argument
@click.option(
    "--onnx",
    type=click.Path(dir_okay=False),
    help='ONNX file to write; needs pip install "fastmlp[onnx]".',
)
@click.option("--c", type=click.Path(dir_okay=False), help="File of C99 source to write.")
def export(model: str, onnx: str | None, c: str | None) -> None:
    """Write MODEL, with its preprocessing, as an ONNX graph or as C source."""
    if not (onnx or c):
        raise click.UsageError("say what to write: --onnx FILE, --c FILE or both")
    check_outputs((onnx, c), (model,))
    from fastmlp.cli.models.files import load_model

    estimator, _ = load_model(model)
    if onnx is not None:
        estimator.to_onnx(onnx)
    if c is not None:
        estimator.to_c(c)
