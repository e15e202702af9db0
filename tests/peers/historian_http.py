"""The HTTP server under the historian emulators: keep-alive, request log, knobs, faults.

``PUT /_control`` with a JSON object sets knobs while the server runs, ``DELETE /_control`` sets
all back, ``GET /_control`` reads them.  Control requests are neither logged nor damaged.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import ssl
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from .historian_faults import Right, Rules, answer_with

HOST = "127.0.0.1"
MAX_BODY_BYTES = 16 << 20
GZIP_FROM_BYTES = 1024


@dataclass
class Request:
    """One request as an emulator sees it; ``path`` is decoded, ``query`` keeps repeats."""

    method: str
    target: str
    headers: dict[str, str]  # lower-case names
    body: bytes = b""
    rule: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def parts(self) -> list[str]:
        """The path's segments, each decoded on its own so that an encoded slash survives."""
        return [unquote(part) for part in urlsplit(self.target).path.strip("/").split("/")]

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    def all(self, name: str) -> list[str]:
        """Every value of a parameter; names are compared without regard to case."""
        return [value for key, value in self.query if key.lower() == name.lower()]

    def one(self, name: str, default: str = "") -> str:
        """The first value of a parameter."""
        return next(iter(self.all(name)), default)


@dataclass
class Answer:
    """What an emulator answers."""

    status: int = 200
    body: Any = None  # bytes and str go out as they are, all else as JSON
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"
    packed: dict[str, bytes] = field(default_factory=dict)  # a kept answer is packed once

    def encoded(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


class Refused(Exception):
    """Raised anywhere in an emulator to answer with an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Emulator:
    """Base of the emulators: knobs over defaults, and ``handle`` for one request."""

    path: ClassVar[str] = ""  # what clients are configured with, after the origin
    defaults: ClassVar[dict[str, Any]] = {"gzip": True, "delay": 0.0}

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.rules = Rules()
        self.changed: dict[str, Any] = {}
        self.origin = ""

    def knob(self, name: str) -> Any:
        """The current value of a knob."""
        return self.changed.get(name, self.defaults[name])

    def set(self, knobs: dict[str, Any]) -> None:
        """Change knobs; a name that there is not is an error."""
        knobs = dict(knobs)
        faults = knobs.pop("faults", None)
        unknown = set(knobs) - set(self.defaults)
        if unknown:
            raise KeyError(f"no such knob: {sorted(unknown)}")
        with self.lock:
            self.changed.update(knobs)
            if faults is not None:
                self.rules = Rules(faults)

    def reset(self) -> None:
        """Set every knob back and forget faults, tokens and counters."""
        with self.lock:
            self.changed = {}
            self.rules = Rules()

    def handle(self, request: Request) -> Answer:
        """Answer one request."""
        raise NotImplementedError


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server
    # Two writes for head and body would wait for each other's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        request = self._request()
        if request.path == "/_control":
            self._control(request)
            return
        number = self.server.log(request, self.client_address[1])
        emulator = self.server.emulator
        request.rule = emulator.rules.take(f"{request.method} {request.target}")
        time.sleep(emulator.knob("delay"))
        if answer_with(request.rule, self):
            return
        try:
            answer = emulator.handle(request)
        except Refused as refused:
            answer = refused.answer
        answer.headers.setdefault("X-Request-Number", str(number))
        self._send(request, answer)

    def _request(self) -> Request:
        length = min(int(self.headers.get("Content-Length") or 0), MAX_BODY_BYTES)
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, self.path, headers, self.rfile.read(length))

    def _control(self, request: Request) -> None:
        emulator = self.server.emulator
        answer = Answer()
        try:
            if request.method == "DELETE":
                emulator.reset()
            elif request.method == "PUT":
                emulator.set(json.loads(request.body))
            answer.body = {**emulator.defaults, **emulator.changed}
        except (KeyError, TypeError, ValueError) as error:
            answer = Answer(400, {"error": str(error)})
        self.plain(answer.status, answer.encoded(), {"Content-Type": answer.content_type})

    def _send(self, request: Request, answer: Answer) -> None:
        body = answer.encoded()
        headers = {"Content-Type": answer.content_type, **answer.headers}
        accepts = "gzip" in request.headers.get("accept-encoding", "")
        if self.server.emulator.knob("gzip") and accepts and len(body) >= GZIP_FROM_BYTES:
            if "gzip" not in answer.packed:
                answer.packed["gzip"] = gzip.compress(body, 1, mtime=0)
            body = answer.packed["gzip"]
            headers["Content-Encoding"] = "gzip"
        if not answer_with(request.rule, self, Right(answer.status, headers, body)):
            self.plain(answer.status, body, headers)

    def plain(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """Send a whole answer with the right length."""
        self.head(status, {"Content-Length": str(len(body)), **headers})
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def head(self, status: int, headers: dict[str, str]) -> None:
        """Send a status line and headers."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Be silent; the request log is the server's."""


for _method in ("POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"):
    setattr(Handler, f"do_{_method}", Handler.do_GET)


class Server(ThreadingHTTPServer):
    """The listening socket, the emulator and the request log."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, emulator: Emulator, audit: Path | None) -> None:
        super().__init__((HOST, port), Handler)
        self.emulator = emulator
        self._audit = audit
        self._count = 0
        self._log_lock = threading.Lock()

    def log(self, request: Request, connection: int) -> int:
        """Append a request to the log; secrets stay in, since tests look for them."""
        entry = {
            "method": request.method,
            "target": request.target,
            "path": request.path,
            "query": request.query,
            "headers": request.headers,
            "body": request.body.decode(errors="replace"),
            "connection": connection,
            "time": time.time(),
        }
        with self._log_lock:
            self._count += 1
            if self._audit is not None:
                with self._audit.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(entry) + "\n")
            return self._count

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no error; everything else is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def tls_context(certificate: str, key: str) -> ssl.SSLContext:
    """A server context for a certificate and its key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def run(
    description: str | None,
    build: Callable[[argparse.Namespace], Emulator],
    extend: Callable[[argparse.ArgumentParser], object] = lambda _: None,
) -> None:
    """Read the options, print the ready line and serve until stdin is closed."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--audit", type=Path)
    parser.add_argument("--certificate", default="")
    parser.add_argument("--key", default="")
    extend(parser)
    options = parser.parse_args()
    emulator = build(options)
    server = Server(options.port, emulator, options.audit)
    control, scheme = server, "http"
    if options.certificate:
        scheme = "https"
        context = tls_context(options.certificate, options.key)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        control = Server(0, emulator, None)  # the control interface stays in clear text
    emulator.origin = f"{scheme}://{HOST}:{server.server_port}"
    for listener in {server, control}:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
    ready = {"port": server.server_port, "pid": os.getpid(), "origin": emulator.origin}
    ready |= {"path": emulator.path, "control": control.server_port}
    print(json.dumps(ready), flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        sys.stdin.buffer.read()
