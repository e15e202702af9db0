"""Systems for connectors of a user's own: one that follows a script, and a little HTTP server."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import BaseModel, Field

from greenlang_data import BaseConnector, ConnectorConfig


class Question(BaseModel):
    """What a scripted system is asked."""

    number: int = 0


class Answer(BaseModel):
    """What a scripted system answers."""

    rows: list[dict[str, Any]]


class ScriptedConnector(BaseConnector[Question, Answer, ConnectorConfig]):
    """Each entry of ``script`` is the error of one attempt, or None; after the last all is well."""

    connector_id = "scripted"
    connector_version = "1.2.3"

    def __init__(self, config: ConnectorConfig) -> None:
        super().__init__(config)
        self.script: list[BaseException | None] = []
        self.delay = 0.0
        self.attempts = 0
        self.connects = 0
        self.disconnects = 0
        self.is_well = True

    async def connect(self) -> bool:
        self.connects += 1
        return True

    async def disconnect(self) -> bool:
        self.disconnects += 1
        return True

    async def _health_check_impl(self) -> bool:
        return self.is_well

    async def _fetch_data_impl(self, query: Question) -> Answer:
        self.attempts += 1
        error = self.script.pop(0) if self.script else None
        if self.delay:
            await asyncio.sleep(self.delay)
        if error is not None:
            raise error
        return Answer(rows=[{"number": query.number, "double": 2 * query.number}])


def config_for(connector_id: str = "plant1", **changes: Any) -> ConnectorConfig:
    """A config that does not wait between attempts, and neither retries nor trips unless told."""
    quick: dict[str, Any] = {
        "max_retries": 0,
        "retry_multiplier": 0,
        "retry_min_wait": 0,
        "retry_max_wait": 0,
        "circuit_breaker_threshold": 100,
    }
    return ConnectorConfig(
        connector_id=connector_id, connector_type="scripted", **{**quick, **changes}
    )


def scripted(connector_id: str = "plant1", **changes: Any) -> ScriptedConnector:
    return ScriptedConnector(config_for(connector_id, **changes))


class DeviceServer(ThreadingHTTPServer):
    """Serves ``/health`` and ``/data``; answers 503 while ``is_down``."""

    daemon_threads = True
    is_down = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), DeviceHandler)
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class DeviceHandler(BaseHTTPRequestHandler):
    """Answers with two points that echo what was asked."""

    server: DeviceServer

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        points = [{"device": asked.get("device_id", [""])[0], "value": value} for value in (1, 2)]
        body = json.dumps({"points": points}).encode()
        self.send_response(503 if self.server.is_down else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Keep quiet."""


@contextmanager
def device_server() -> Iterator[DeviceServer]:
    with DeviceServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class HTTPClient:
    """As much of an HTTP client as the guide's custom connector needs."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.closed = False

    async def get(self, path: str, params: dict[str, str] | None = None) -> tuple[int, Any]:
        url = self.base_url + path + "?" + urllib.parse.urlencode(params or {})
        return await asyncio.to_thread(self._get, url)

    async def close(self) -> None:
        self.closed = True

    @staticmethod
    def _get(url: str) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, None
        except urllib.error.URLError as error:
            raise ConnectionError(f"the device did not answer: {error.reason}") from error


class MyQuery(BaseModel):
    """Custom query model."""

    device_id: str = Field(..., description="Device identifier")
    start_time: datetime = Field(..., description="Start time")
    end_time: datetime = Field(..., description="End time")


class MyPayload(BaseModel):
    """Custom payload model."""

    data_points: list[dict[str, Any]] = Field(..., description="Data points")
    total_count: int = Field(..., description="Total count")


class MyConfig(ConnectorConfig):
    """Custom configuration."""

    api_key: str = Field(..., description="API key")
    base_url: str = Field(..., description="API base URL")


class MyConnector(BaseConnector[MyQuery, MyPayload, MyConfig]):
    """The guide's custom connector, with a client of the standard library."""

    connector_id = "my-connector"
    connector_version = "1.0.0"

    async def connect(self) -> bool:
        self._client = HTTPClient(self.config.base_url)
        return True

    async def disconnect(self) -> bool:
        if self._client:
            await self._client.close()
        return True

    async def _health_check_impl(self) -> bool:
        try:
            status, _ = await self._client.get("/health")
        except Exception:
            return False
        return status == 200

    async def _fetch_data_impl(self, query: MyQuery) -> MyPayload:
        params = {
            "device_id": query.device_id,
            "start": query.start_time.isoformat(),
            "end": query.end_time.isoformat(),
        }
        status, data = await self._client.get("/data", params=params)
        if status != 200:
            raise ConnectionError(f"the device answered {status}")
        return MyPayload(data_points=data["points"], total_count=len(data["points"]))
