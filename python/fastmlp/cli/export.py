"""`fastmlp export`."""

from __future__ import annotations

import click

from fastmlp.cli.options import model_argument
from fastmlp.cli.outputs import check_writable
from fastmlp.model_file.atomic import replacing


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
    outputs = {"to_onnx": onnx, "to_c": c}
    if not (onnx or c):
        raise click.UsageError("say what to write: --onnx FILE, --c FILE or both")
    for path in outputs.values():
        if path is not None:
            check_writable(path)
    from fastmlp.cli.models import load_model

    estimator, _ = load_model(model)
    for method, path in outputs.items():
        if path is not None:
            with replacing(path) as written:
                getattr(estimator, method)(written)
