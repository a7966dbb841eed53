"""A service on loopback in a thread of its own, and a client."""

import json
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

import uvicorn


@dataclass
class Response:
    status: int
    body: Any


class Client:
    """Sends requests to a service."""

    def __init__(self, port):
        self._address = f"http://127.0.0.1:{port}"
        self.headers = {}

    def get(self, path):
        return self._answer(path, None)

    def post(self, path, body=None):
        """`body` is what JSON holds, or text."""
        text = body if isinstance(body, str) else json.dumps(body)
        return self._answer(path, text.encode())

    def _answer(self, path, body):
        request = urllib.request.Request(self._address + path, body, self.headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return Response(response.status, json.load(response))
        except urllib.error.HTTPError as error:
            with error:
                return Response(error.code, json.load(error))


class Service:
    """A service in a thread of its own."""

    def __init__(self, app):
        config = uvicorn.Config(app, port=0, log_level="error", ws="none")
        self._server = uvicorn.Server(config)
        self._started = threading.Event()
        startup = self._server.startup

        async def noting_startup(*arguments, **more):
            await startup(*arguments, **more)
            self._started.set()

        self._server.startup = noting_startup
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self):
        self._thread.start()
        assert self._started.wait(30)
        [socket] = self._server.servers[0].sockets
        return Client(socket.getsockname()[1])

    def __exit__(self, *failure):
        self._server.should_exit = True
        self._thread.join(30)
