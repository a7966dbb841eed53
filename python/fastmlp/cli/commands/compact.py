"""`fastmlp compact`."""

from __future__ import annotations

from typing import Any

import click

from fastmlp.cli.commands.options import model_argument, model_output_option, text_options
from fastmlp.cli.outputs import check_outputs
from fastmlp.cli.tables.reading import TextFormat


@click.command(
    epilog="""\b
Examples:
  fastmlp compact houses.safetensors --dtype int8 -o small.safetensors
  fastmlp compact houses.safetensors houses.csv --distill -o one.safetensors
  fastmlp compact houses.safetensors houses.csv --networks 3 --dtype int8 -o three.safetensors"""
)
@model_argument
@click.argument("table", required=False, type=click.Path(dir_okay=False, allow_dash=True))
@model_output_option
@click.option(
    "--dtype",
    type=click.Choice(["float16", "bfloat16", "int8"]),
    help="Store each weight in two bytes, or in one (int8).",
)
@click.option("--distill", is_flag=True, help="Train one network to predict what MODEL predicts.")
@click.option(
    "--hidden",
    type=click.IntRange(1),
    multiple=True,
    metavar="UNITS",
    help="Units of a hidden layer of that network; repeat it for several layers.  "
    "[default: as MODEL's]",
)
@click.option(
    "--networks",
    type=click.IntRange(1),
    metavar="N",
    help="Keep this many networks: those whose mean is closest to that of all.",
)
@click.option(
    "--max-predict-us",
    type=click.FloatRange(0, min_open=True),
    metavar="US",
    help="Keep as many networks as predict a row in this many microseconds on this machine.",
)
@text_options
def compact(
    model: str,
    table: str | None,
    output: str,
    dtype: str | None,
    distill: bool,
    hidden: tuple[int, ...],
    networks: int | None,
    max_predict_us: float | None,
    how: TextFormat,
) -> None:
    """Make a smaller or faster model of MODEL.

    --distill, --networks and --max-predict-us need a TABLE of rows like those to be predicted, best
    the training table; its target is not needed. With a TABLE the report says how much predictions
    change. --dtype makes files smaller, but not predictions faster.
    """
    ways = (distill, networks is not None, max_predict_us is not None)
    if sum(ways) > 1:
        raise click.UsageError("--distill, --networks and --max-predict-us cannot be used together")
    if not (any(ways) or dtype):
        raise click.UsageError(
            "pass --dtype, or a TABLE and --distill, --networks N or --max-predict-us US"
        )
    if any(ways) and table is None:
        raise click.UsageError("--distill, --networks and --max-predict-us need a TABLE")
    if hidden and not distill:
        raise click.UsageError("--hidden needs --distill")
    check_outputs((output,), (model, table))
    from fastmlp.cli.models.compaction import compact_model

    method: str | None = None
    options: dict[str, Any] = {}
    if distill:
        method, options = "distilled", {"hidden_layer_sizes": hidden or None}
    elif any(ways):
        method = "with_fewer_networks"
        options = {"n_networks": networks, "max_predict_us": max_predict_us}
    report = compact_model(model, table, how, output, method=method, options=options, dtype=dtype)
    click.echo("\n".join(report))
