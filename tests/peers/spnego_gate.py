"""A web server that lets in whoever has a Kerberos ticket for it, after RFC 4559, and hands on.

It accepts with GSS-API (MIT's, by the package gssapi) and the keytab that ``KRB5_KTNAME`` names, and
answers what the server at ``--upstream`` answers.  It listens at 127.0.0.1, .2 and .3.  ``PUT /_gate`` with ``{"mode": ...}`` sets how it
behaves; ``GET /_gate`` tells of each request ``path, scheme, connection, outcome`` and whose it was,
and no message of a login.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import http.client
import json
import os
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gssapi
from gssapi.raw.misc import GSSError

MODES = (
    "connection",  # a login is good for the rest of its connection, as with IIS
    "request",  # each request needs one
    "no_proof",  # takes the ticket and proves nothing
    "wrong_proof",  # sends noise for a proof
    "old_proof",  # sends the proof of another login
    "anonymous",  # answers without asking
    "unasked",  # asks the first time, and answers anybody on other connections
    "never",  # asks again whatever comes
    "denied",  # 403 to whoever has logged in, with what was sent
    "forgets",  # asks again at every third request of a connection
    "basic",  # offers Basic only
    "basic_too",  # offers Basic beside Negotiate, and takes either
    "large",  # a long page comes with the question
    "elsewhere",  # redirects whoever has logged in to another server
)
HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "authorization"}
)
LARGE = b"x" * 5_000_000


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gate
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.user: str | None = None
        self.count = 0
        self.proof = b""
        self.bound = False

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/_gate":
            return self._control(body)
        self.count += 1
        seen: dict[str, Any] = {
            "path": self.path,
            "method": self.command,
            "scheme": self.headers.get("Authorization", "").partition(" ")[0],
            "connection": self.client_address[1],
        }
        seen["outcome"] = self._outcome(body)
        seen["user"], seen["bound"] = self.user, self.bound
        self.server.state.seen.append(seen)
        return None

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def _outcome(self, body: bytes) -> str:
        mode, proof = self.server.state.mode, b""
        scheme, _, rest = self.headers.get("Authorization", "").partition(" ")
        unasked = mode == "unasked" and self.server.state.asked and not (scheme or self.user)
        if unasked or mode == "anonymous":
            return self._hand_on(body, None)
        if scheme == "Basic" and mode in ("basic", "basic_too"):
            return self._hand_on(body, None)
        if scheme == "Negotiate":
            try:
                proof = self._accepted(base64.b64decode(rest))
            except (ValueError, GSSError) as error:
                return self._ask(f"refused: {type(error).__name__}")
        elif self.user is None or mode in ("request", "never"):
            return self._ask("asked")
        elif mode == "forgets" and self.count % 3 == 0:
            return self._ask("asked again")
        if mode == "never":
            return self._ask("asked again")
        return self._served(mode, body, proof)

    def _served(self, mode: str, body: bytes, proof: bytes) -> str:
        if mode == "denied":
            self._send(403, {}, f"no: {self.headers['Authorization']}".encode())
            return "denied"
        if mode == "elsewhere":
            self._send(302, {"Location": self.server.state.elsewhere, **_header(proof)}, b"")
            return "sent elsewhere"
        told: bytes | None = proof or None
        if mode == "no_proof":
            told = None
        elif mode == "wrong_proof":
            told = bytes(reversed(proof))
        elif mode == "old_proof" and proof:
            told, self.server.state.proof = self.server.state.proof or proof, proof
        return self._hand_on(body, told)

    def _accepted(self, token: bytes) -> bytes:
        """The proof for the client. Raises GSSError for a ticket that is none."""
        bindings = None
        if self.server.state.bindings is not None:
            bindings = gssapi.raw.ChannelBindings(application_data=self.server.state.bindings)
        context = gssapi.SecurityContext(usage="accept", channel_bindings=bindings)
        proof = context.step(token)
        if not context.complete:
            raise ValueError("the login is not complete")
        self.user = str(context.initiator_name)
        self.bound = bool(int(context.actual_flags) & 2048)  # GSS_C_CHANNEL_BOUND_FLAG
        return proof or b""

    def _ask(self, outcome: str) -> str:
        self.user = None
        self.server.state.asked = True
        offers = {"basic": ["Basic realm=x"], "basic_too": ["Basic realm=x", "Negotiate"]}
        body = LARGE if self.server.state.mode == "large" else b"<html>log in</html>"
        headers = {"Content-Type": "text/html"}
        self._send(401, headers, body, offers.get(self.server.state.mode, ["Negotiate"]))
        return outcome

    def _hand_on(self, body: bytes, proof: bytes | None) -> str:
        target = urlsplit(self.server.state.upstream)
        wire = http.client.HTTPConnection(str(target.hostname), target.port, timeout=60)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
            wire.request(self.command, self.path, body or None, headers)
            answer = wire.getresponse()
            content = answer.read()
        finally:
            wire.close()
        kept = {k: v for k, v in answer.getheaders() if k.lower() not in {*HOP, "date", "server"}}
        self._send(answer.status, {**kept, **_header(proof)}, content)
        return "served"

    def _send(
        self, status: int, headers: dict[str, str], body: bytes, offers: list[str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        for offer in offers or []:
            self.send_header("WWW-Authenticate", offer)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _control(self, body: bytes) -> None:
        gate = self.server.state
        if self.command == "PUT":
            wanted = json.loads(body)
            assert wanted["mode"] in MODES
            gate.mode, gate.elsewhere = wanted["mode"], wanted.get("elsewhere", "")
            gate.seen, gate.asked, gate.proof = [], False, b""
        self._send(200, {"Content-Type": "application/json"}, json.dumps(gate.seen).encode())


def _header(proof: bytes | None) -> dict[str, str]:
    if not proof:
        return {}
    return {"WWW-Authenticate": f"Negotiate {base64.b64encode(proof).decode()}"}


class State:
    """What the servers at all addresses have in common."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.mode, self.elsewhere = "connection", ""
        self.seen: list[dict[str, Any]] = []
        self.asked = False
        self.proof = b""
        self.bindings: bytes | None = None


class Gate(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, host: str, port: int, state: State) -> None:
        super().__init__((host, port), Handler)
        self.state = state

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: clients that go away are a part of the tests."""

    def use_tls(self, certificate: Path, key: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        der = ssl.PEM_cert_to_DER_cert(certificate.read_text())
        self.state.bindings = b"tls-server-end-point:" + hashlib.sha256(der).digest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--key", type=Path)
    options = parser.parse_args()
    state, port = State(options.upstream), options.port
    for host in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
        gate = Gate(host, port, state)
        port = gate.server_address[1]
        if options.certificate:
            gate.use_tls(options.certificate, options.key)
        threading.Thread(target=gate.serve_forever, daemon=True).start()
    print(json.dumps({"port": port}), flush=True)
    sys.stdin.read()  # ends with whoever started it
    os._exit(0)


if __name__ == "__main__":
    main()
