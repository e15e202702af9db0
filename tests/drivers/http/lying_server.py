"""A web server, in a process of its own, that misbehaves as its path says.

Each path is one behaviour; ``/seen`` tells what has arrived so far, and ``/gone`` which paths'
clients went away before the answer was whole. It knows nothing of the client that it is used on.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import socket
import ssl
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

JSON = "application/json"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        self._note("")
        path = urlsplit(self.path).path.strip("/")
        getattr(self, f"serve_{path.replace('-', '_')}", self.serve_missing)()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self._note(body)
        path = urlsplit(self.path).path.strip("/")
        getattr(self, f"post_{path.replace('-', '_')}", self.serve_missing)(body)

    def _note(self, body: str) -> None:
        seen = {"path": self.path, "headers": dict(self.headers), "body": body}
        if not self.path.startswith(("/seen", "/gone")):
            self.server.seen.append(seen)

    def answer(self, status: int, body: bytes, kind: str | None = JSON, **headers: str) -> None:
        # send_response would add the true date beside another one.
        (self.send_response_only if "Date" in headers else self.send_response)(status)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", headers.pop("length", str(len(body))))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def json(self, status: int = 200, value: object = None, **headers: str) -> None:
        self.answer(status, json.dumps(value).encode(), **headers)

    # --- what is told about the others --------------------------------------------------------

    def serve_seen(self) -> None:
        self.json(value=self.server.seen)

    def serve_gone(self) -> None:
        self.json(value=self.server.gone)

    # --- good answers ------------------------------------------------------------------------

    def serve_hello(self) -> None:
        self.json(value={"hello": "world"}, X_Request_Id="served-1")

    def serve_suffix(self) -> None:
        self.answer(200, b'{"ok":1}', "application/problem+json; charset=utf-8")

    def serve_zipped(self) -> None:
        two = gzip.compress(b'{"a":[1,') + gzip.compress(b"2]}")
        self.answer(200, two, Content_Encoding="gzip")

    def serve_large(self) -> None:
        body = b'"' + b"x" * 5_000_000 + b'"'
        self.answer(200, body)

    def serve_cookie(self) -> None:
        had = self.headers.get("Cookie", "")
        self.json(value={"had": had}, Set_Cookie="session=abc; Path=/")

    def serve_partial(self) -> None:
        self.answer(206, b"[1,2]", Content_Range="items 0-1/9")

    # --- statuses ----------------------------------------------------------------------------

    def serve_status(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        status = int(query["code"][0])
        headers = {}
        if "after" in query:
            headers["Retry_After"] = query["after"][0]
        if "date" in query:  # a server whose clock is a day ahead of everybody else's
            ahead = time.time() + 86400
            headers["Date"] = formatdate(ahead, usegmt=True)
            headers["Retry_After"] = formatdate(ahead + float(query["date"][0]), usegmt=True)
        self.answer(status, b'{"Errors":["it is the pump\'s day off"]}', **headers)

    def serve_once_busy(self) -> None:
        self.server.count += 1
        if self.server.count % 2:
            self.json(429, {}, Retry_After="0")
        else:
            self.json(value={"hello": "again"})

    def serve_missing(self, *_: object) -> None:
        self.answer(404, b"<html><title>Not here</title></html>", "text/html")

    # --- logins ------------------------------------------------------------------------------

    def serve_token_needed(self) -> None:
        token = self.headers.get("Authorization", "")
        if token == f"Bearer token-{self.server.tokens}":
            self.json(value={"by": token})
        else:
            self.answer(401, b"<html/>", "text/html", WWW_Authenticate='Bearer realm="x", NTLM')

    def serve_never(self) -> None:
        self.answer(401, b"", "text/html", WWW_Authenticate="Negotiate, NTLM, Basic realm=x")

    def serve_repeats(self) -> None:
        """What was wrong with the login, word for word."""
        sent = self.headers["Authorization"]
        scheme, _, rest = sent.partition(" ")
        plain = base64.b64decode(rest).decode().partition(":")[2] if scheme == "Basic" else rest
        self.json(403, {"Errors": [f"no such login: {sent}", plain, quote(plain)]})

    def serve_repeats_as_title(self) -> None:
        page = f"<html><title>Hello {self.headers['Authorization']}</title></html>"
        self.answer(200, page.encode(), "text/html")

    def serve_repeats_as_scheme(self) -> None:
        self.answer(401, b"", "text/html", WWW_Authenticate=self._password())

    def serve_repeats_as_data(self) -> None:
        self.answer(200, f'{{"a": {self._password()}}}'.encode())

    def serve_repeats_as_place(self) -> None:
        self.answer(302, b"", Location=f"http://{self._password()}.example/")

    def serve_repeats_as_id(self) -> None:
        self.json(value={}, X_Request_Id=self._password())

    def _password(self) -> str:
        pair = self.headers["Authorization"].partition(" ")[2]
        return base64.b64decode(pair).decode().partition(":")[2]

    def post_repeats(self, body: str) -> None:
        self.json(400, {"error": body.replace("+", " ")})

    def serve_negotiate(self) -> None:
        self.answer(401, b"", "text/html", WWW_Authenticate="Negotiate, NTLM")

    def serve_expire(self) -> None:
        self.server.tokens += 1  # what was given out so far is void
        self.json(value={})

    def post_token(self, body: str) -> None:
        form = {key: value[0] for key, value in parse_qs(body).items()}
        pair = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic "))
        if "wrong" in (form.get("password"), pair.decode().partition(":")[2]):
            self.json(400, {"error": "invalid_grant", "error_description": "secret wrong"})
            return
        self.server.tokens += 1
        token = {"access_token": f"token-{self.server.tokens}", "token_type": "Bearer"}
        self.json(value={**token, "expires_in": self.server.token_life})

    def post_no_token(self, body: str) -> None:
        self.json(value={"token_type": "bearer"})

    def post_echo(self, body: str) -> None:
        self.json(value={"body": body, "type": self.headers.get("Content-Type")})

    # --- redirects ---------------------------------------------------------------------------

    def serve_elsewhere(self) -> None:
        self.answer(302, b"", Location=self.server.other + "/hello")

    def serve_moved(self) -> None:
        self.answer(307, b"", Location="/hello")

    def post_moved(self, body: str) -> None:
        self.answer(307, b"", Location="/echo")

    def serve_circle(self) -> None:
        self.answer(302, b"", Location="/circle")

    def serve_moved_with_much(self) -> None:
        """Where it leads to is right; the body is 300 MB once it is decompressed."""
        bomb = gzip.compress(bytes(10_000_000), 1) * 30
        self.answer(307, bomb, Location="/hello", Content_Encoding="gzip")

    def serve_moved_to_nonsense(self) -> None:
        self.answer(302, b"", Location="http://[")

    def serve_moved_to_bytes(self) -> None:
        self.answer(302, b"", Location="/\xff")

    # --- wrong answers -----------------------------------------------------------------------

    def serve_two_lengths(self) -> None:
        self.answer(200, b"{}", Content_length="7")

    def serve_chunk_of_negative_length(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", JSON)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"-5\r\n{}")

    def serve_html(self) -> None:
        self.answer(200, b"<html><title>Please log in</title></html>", "text/html")

    def serve_unnamed_html(self) -> None:
        self.answer(200, b"  <html></html>", None)

    def serve_broken_json(self) -> None:
        self.answer(200, b'{"Items":[{"a":1},{"b":')

    def serve_garbage(self) -> None:
        self.wfile.write(bytes((index * 37 + 11) & 0xFF for index in range(2000)))
        self.close_connection = True

    def serve_cut(self) -> None:
        self.answer(200, b'{"a":1', length="1000")
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def serve_cut_chunk(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", JSON)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b'7\r\n{"a":1}\r\n')
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def serve_bomb(self) -> None:
        bomb = gzip.compress(b" " * 60_000_000 + b"1")
        self.answer(200, bomb, Content_Encoding="gzip")

    def serve_cut_zip(self) -> None:
        self.answer(200, gzip.compress(b'{"a":1}' + b" " * 5000)[:-12], Content_Encoding="gzip")

    def serve_bad_zip(self) -> None:
        self.answer(200, b"no gzip at all", Content_Encoding="gzip")

    def serve_brotli(self) -> None:
        self.answer(200, b"???", Content_Encoding="br")

    def serve_endless(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", JSON)
        self.send_header("Connection", "close")
        self.end_headers()
        self._until_gone(b" " * 65536, 0)

    def serve_declared(self) -> None:
        self.answer(200, b"1", length="999999999999")
        self._until_gone(b"", 0.05)

    def serve_drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", JSON)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self._until_gone(b" ", 0.05)

    def serve_drip_unmeasured(self) -> None:
        """An answer that ends when the connection does."""
        self.send_response(200)
        self.send_header("Content-Type", JSON)
        self.end_headers()
        self._until_gone(b" ", 0.05)

    def serve_stall_unmeasured(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self._until_gone(b"", 0.05)

    def serve_silent(self) -> None:
        self._until_gone(b"", 0.05)

    def _until_gone(self, piece: bytes, pause: float) -> None:
        """Send pieces until the client has gone, and note that it has."""
        self.close_connection = True
        end = time.monotonic() + 30
        try:
            while time.monotonic() < end:
                self.wfile.write(piece)
                self.connection.settimeout(max(pause, 0.001))
                try:
                    if self.connection.recv(1) == b"":
                        break
                except TimeoutError:
                    continue
        except OSError:
            pass
        self.server.gone.append(self.path)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[object] = []
        self.gone: list[str] = []
        self.count = 0
        self.tokens = 0
        self.token_life = 3600.0
        self.other = ""

    def handle_error(self, *_: object) -> None: ...


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--key", type=Path)
    parser.add_argument("--token-life", type=float, default=3600)
    options = parser.parse_args()
    server, other = Server(), Server()
    server.other = f"http://127.0.0.1:{other.server_port}"
    server.token_life = options.token_life
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    for one in (server, other):
        threading.Thread(target=one.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_port, "other": other.server_port}), flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
