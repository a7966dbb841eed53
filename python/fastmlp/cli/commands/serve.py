"""`fastmlp serve`."""

from __future__ import annotations

import os
from importlib.util import find_spec

import click

from fastmlp.cli.commands.options import model_argument
from fastmlp.cli.errors import DataError


@click.command(
    epilog="""\b
Examples:
  fastmlp serve houses.safetensors --port 8080
  curl -d '{"area": 80, "town": "Ulm", "garden": null}' localhost:8080/predict
  curl -d '[{"area": 80, "town": "Ulm", "garden": true}]' localhost:8080/predict/batch"""
)
@model_argument
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; 0.0.0.0 means all.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), metavar="N", default=8000, show_default="8000"
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    metavar="N",
    default=1,
    show_default="1",
    help="Processes; each loads the model.",
)
@click.option(
    "--max-request-mb",
    type=click.FloatRange(0, min_open=True),
    metavar="MB",
    help="Largest request; larger ones are answered with status 413.  [default: 16]",
)
def serve(model: str, host: str, port: int, workers: int, max_request_mb: float | None) -> None:
    """Answer requests for predictions of MODEL over HTTP, until Ctrl-C.

    POST /predict takes a row as JSON, POST /predict/batch a list of rows; GET /model and GET
    /health describe the model and the service, and /docs shows all of this in a browser. When MODEL
    is replaced by another model file, the service switches to it.
    """
    missing = [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]
    if missing:
        needed = " and ".join(missing)
        raise DataError(f'serve needs {needed}: pip install "fastmlp[serve]"')
    import uvicorn

    from fastmlp.cli.models.files import describe
    from fastmlp.serving.app import MAX_REQUEST_MB, MODEL

    describe(model)  # reports a bad file once, here
    os.environ[MODEL] = os.path.abspath(model)  # which all processes read
    if max_request_mb is not None:
        os.environ[MAX_REQUEST_MB] = str(max_request_mb)
    uvicorn.run(
        "fastmlp.serving:app_from_environment",
        factory=True,
        host=host,
        port=port,
        workers=workers,
    )
