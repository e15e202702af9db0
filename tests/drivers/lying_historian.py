"""A historian, in this process, that answers every GET with what the test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import greenlang_data as gd

Query = dict[str, list[str]]
Says = Callable[[str, Query, dict[str, str]], Any]
"""What is said to a path, its query, and the request's headers: JSON, or a status before it."""


@contextmanager
def lying(says: Says, historian_type: str, path: str = "", **more: Any) -> Iterator[gd.Session]:
    """A session with one source, ``lying``, whose server says what ``says`` gives."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            below = parts.path.removeprefix(path).strip("/")
            said = says(below, parse_qs(parts.query), dict(self.headers))
            status, said = said if isinstance(said, tuple) else (200, said)
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    config = {
        "connector_id": "lying",
        "connector_type": "historian",
        "historian_type": historian_type,
        "server_url": f"http://127.0.0.1:{server.server_port}{path}",
        "max_retries": 0,
        "timeout_seconds": 20,
    }
    try:
        with gd.Session([gd.HistorianConfig(**{**config, **more})]) as session:
            yield session
    finally:
        server.shutdown()
        server.server_close()
