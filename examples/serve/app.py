"""A service around a model file, behind a key. See README.md."""

import os
import secrets
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from fastmlp.serving import create_app


def keyed_app(path: str, key: str) -> FastAPI:
    """Make an application that predicts with a model file for clients that send the key."""
    app = create_app(path)

    @app.middleware("http")
    async def check_key(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        is_open = request.url.path == "/health"  # for load balancers
        given = request.headers.get("X-Key", "")
        if is_open or secrets.compare_digest(given.encode(), key.encode()):
            return await call_next(request)
        return JSONResponse({"detail": "the header X-Key must hold the key"}, status_code=401)

    return app


def app() -> FastAPI:
    """Make the application of the variables MODEL and KEY."""
    return keyed_app(os.environ["MODEL"], os.environ["KEY"])
