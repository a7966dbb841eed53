"""`fastmlp export`."""

from __future__ import annotations

import click

from fastmlp.cli.commands.options import model_argument
from fastmlp.cli.outputs import check_outputs


@click.command(
    epilog="""\b
Examples:
  fastmlp export houses.safetensors --onnx houses.onnx
  fastmlp export houses.safetensors --c houses.c --dtype float16 --prefix houses_"""
)
@model_argument
@click.option(
    "--onnx",
    type=click.Path(dir_okay=False),
    help='ONNX file to write; needs pip install "fastmlp[onnx]".',
)
@click.option("--c", type=click.Path(dir_okay=False), help="File of C99 source to write.")
@click.option(
    "--inputs",
    type=click.Choice(["auto", "columns", "matrix"]),
    help="Inputs in ONNX: one for each column, or one matrix.  [default: columns if they have "
    "names or hold text]",
)
@click.option(
    "--dtype", type=click.Choice(["float16"]), help="Type of the weights in C; halves the file."
)
@click.option(
    "--prefix", metavar="NAME", help="Prefix of the names of the function and macros in C."
)
def export(
    model: str,
    onnx: str | None,
    c: str | None,
    inputs: str | None,
    dtype: str | None,
    prefix: str | None,
) -> None:
    """Write MODEL, with its preprocessing, as an ONNX graph or as C source."""
    if not (onnx or c):
        raise click.UsageError("pass what to write: --onnx FILE, --c FILE or both")
    if inputs and not onnx:
        raise click.UsageError("--inputs needs --onnx")
    if (dtype or prefix) and not c:
        raise click.UsageError("--dtype and --prefix need --c")
    check_outputs((onnx, c), (model,))
    from fastmlp.cli.models.files import load_model

    estimator, _ = load_model(model)
    if onnx is not None:
        estimator.to_onnx(onnx, inputs=inputs or "auto")
    if c is not None:
        estimator.to_c(c, dtype=dtype, prefix=prefix or "")
