"""The lying web server, and clients for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.jsons import read_any
from greenlang_data.drivers.http.message import Answer, Ask
from greenlang_data.runtime import get_runtime
from greenlang_data.settings.http import HttpSettings

FOLDER = Path(__file__).parent


@dataclass
class Web:
    """A running server; ``other`` is the port of a second origin."""

    port: int
    other: int
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def client(self, **settings: Any) -> HttpClient:
        return HttpClient(self.url, config(**settings), "web")

    def seen(self, path: str) -> list[dict[str, Any]]:
        return [one for one in self._tell("seen") if one["path"].split("?")[0] == path]

    def gone(self) -> list[str]:
        return list(self._tell("gone"))

    def _tell(self, what: str) -> Any:
        return run(HttpClient(self.url, config(), "teller"), what).data


def config(**settings: Any) -> HttpSettings:
    return HttpSettings(
        connector_id="web", connector_type="web", **{"timeout_seconds": 5, **settings}
    )


def run(client: HttpClient, url: str, log: ReadLog | None = None, **ask: Any) -> Answer[Any]:
    """Ask on the package's own event loop, as a driver does."""
    log = ReadLog() if log is None else log
    return get_runtime().run(client.ask(Ask(url, **ask), log, read_any))


@contextmanager
def served(*options: str, scheme: str = "http", server: str = "lying_server.py") -> Iterator[Web]:
    process = subprocess.Popen(
        [sys.executable, str(FOLDER / server), *options], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        yield Web(ports["port"], ports["other"], scheme)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with served() as running:
        yield running


@pytest.fixture
def serve() -> Iterator[Callable[..., Web]]:
    """Servers with options of their own."""
    with ExitStack() as stack:
        yield lambda *options, **more: stack.enter_context(served(*options, **more))
