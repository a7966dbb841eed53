"""The application: predictions of a model file over HTTP."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from pydantic import ValidationError
from typing_extensions import TypedDict

from fastmlp._version import __version__
from fastmlp.serving.served_model import Answer, ModelFile

# What `app_from_environment` reads: a path, and megabytes.
MODEL, MAX_REQUEST_MB = "FASTMLP_MODEL", "FASTMLP_MAX_REQUEST_MB"
DEFAULT_MAX_REQUEST_MB = 16.0  # some 100,000 rows of ten columns

_log = logging.getLogger("fastmlp.serving")


class Health(TypedDict):
    """Whether the service works."""

    status: str
    reload_error: str | None


def create_app(
    path: str | os.PathLike[str],
    *,
    check_seconds: float = 1.0,
    max_request_mb: float = DEFAULT_MAX_REQUEST_MB,
) -> FastAPI:
    """Make an application that predicts with a model file.

    ``POST /predict`` answers a row, ``POST /predict/batch`` a list of rows, ``GET /model``
    describes the model and ``GET /health`` the service; ``/docs`` shows them all. When the file is
    replaced, or after ``POST /reload``, the new model takes over between two requests. If the new
    file is broken, the old model stays in service and /health says why.

    Parameters
    ----------
    path : str or PathLike
        A model file.
    check_seconds : float, default=1.0
        Time between two looks at the file. Servers that run no lifespan events do not look.
    max_request_mb : float, default=16
        Megabytes of JSON that a request may have. Larger ones are answered with status 413.

    Returns
    -------
    FastAPI
        The application, for uvicorn or another ASGI server.

    Raises
    ------
    ModelFileError, OSError
        If the file cannot be loaded.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastmlp import Regressor
    >>> from fastmlp.serving import create_app
    >>> X = [[0.0], [1.0], [2.0], [3.0]]
    >>> model = Regressor(preset="plain", max_iter=5, random_state=0).fit(X, [1.0, 2.0, 3.0, 4.0])
    >>> path = os.path.join(tempfile.mkdtemp(), "line.safetensors")
    >>> model.save(path)
    >>> app = create_app(path)  # uvicorn.run(app) serves it
    """
    models = ModelFile(os.fspath(path))
    most_bytes = int(1e6 * max_request_mb)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        watch = asyncio.create_task(_watch(models, check_seconds))
        yield
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch

    app = FastAPI(title="fastmlp", version=__version__, lifespan=lifespan)

    @app.post("/predict")
    async def predict(request: Request) -> Answer:
        """Predict one row: an object with a value, or null, for each column of the model."""
        model = models.model  # all of the request
        with _refusing_rows():
            return model.answer(model.row.validate_json(await _body_of(request, most_bytes)))

    @app.post("/predict/batch")
    async def predict_batch(request: Request) -> list[Answer]:
        """Predict a list of rows; the answers have their order."""
        model = models.model
        body = await _body_of(request, most_bytes)

        def answers() -> list[Answer]:
            return model.answers(model.rows.validate_json(body))

        with _refusing_rows():
            return await run_in_threadpool(answers)

    @app.get("/model")
    async def describe() -> dict[str, Any]:
        """What the model predicts, from which columns, and how it was trained."""
        return models.model.about()

    @app.get("/health")
    async def health() -> Health:
        """Whether the service works, and the error if the current file could not be loaded."""
        return Health(status="ok", reload_error=models.error)

    @app.post("/reload")
    async def reload() -> dict[str, str]:
        """Load the model file again."""
        error = await run_in_threadpool(models.reload)
        if error is not None:
            raise HTTPException(409, f"the model in service stays: {error}")
        return {"digest": models.model.description.digest}

    def schema() -> dict[str, Any]:
        """The OpenAPI schema, with the columns of the model in service."""
        found = get_openapi(title=app.title, version=app.version, routes=app.routes)
        row = models.model.row.json_schema()
        # pydantic's schema of the list would refer to a definition that the document does not have.
        rows = {"type": "array", "items": row}
        for route, body in (("/predict", row), ("/predict/batch", rows)):
            content = {"application/json": {"schema": body}}
            found["paths"][route]["post"]["requestBody"] = {"required": True, "content": content}
        return found

    app.openapi = schema  # type: ignore[method-assign]
    return app


def app_from_environment() -> FastAPI:
    """Make the application of the model file that the variable FASTMLP_MODEL names.

    FASTMLP_MAX_REQUEST_MB is `max_request_mb`. For servers that import it by name, such as
    ``uvicorn --factory fastmlp.serving:app_from_environment --workers 4``.

    Raises
    ------
    KeyError
        If there is no variable FASTMLP_MODEL.
    ValueError
        If FASTMLP_MAX_REQUEST_MB is not a number.
    ModelFileError, OSError
        If the file cannot be loaded.
    """
    max_request_mb = float(os.environ.get(MAX_REQUEST_MB, DEFAULT_MAX_REQUEST_MB))
    return create_app(os.environ[MODEL], max_request_mb=max_request_mb)


async def _body_of(request: Request, most_bytes: int) -> bytes:
    """The body of a request; 413 if it is longer.

    What is beyond is read and dropped: a client that is still sending would not read the answer.
    """
    body, n_bytes = bytearray(), 0
    async for part in request.stream():
        n_bytes += len(part)
        if n_bytes <= most_bytes:
            body += part
    if n_bytes > most_bytes:
        raise HTTPException(
            413,
            f"the request has {n_bytes / 1e6:,.6g} MB and may have {most_bytes / 1e6:,g}: send the "
            "rows in several requests, or start the service with a higher --max-request-mb",
        )
    return bytes(body)


@contextmanager
def _refusing_rows() -> Iterator[None]:
    """Answer 422 to rows that the model cannot read."""
    try:
        yield
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError(
            [{**one, "loc": ("body", *one["loc"])} for one in found]
        ) from error
    except (ValueError, TypeError) as error:  # such as infinity; the message names the column
        detail = {"type": "value_error", "loc": ("body",), "msg": str(error)}
        raise RequestValidationError([detail]) from error


async def _watch(models: ModelFile, seconds: float) -> None:
    """Load the file whenever it has changed."""
    while True:
        await asyncio.sleep(seconds)
        if not models.has_changed():
            continue
        error = await run_in_threadpool(models.reload)
        if error is None:
            _log.warning("loaded %s, digest %s", models.path, models.model.description.digest)
        else:
            _log.error("cannot load %s: %s; the model in service stays", models.path, error)
