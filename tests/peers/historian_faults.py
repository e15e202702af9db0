"""What goes wrong on the way: rules that damage chosen answers of a historian emulator.

A rule is a JSON object: ``kind``, and optionally ``match`` (a regular expression searched in
``METHOD target``), ``skip`` (so many matching requests pass first), ``times`` (so many are
damaged; for ever when left out).  The first rule that applies wins.  ``README.md`` lists the
kinds; those that are not here are for the emulator itself.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import socket
import struct
import threading
import time
from typing import Any, NamedTuple, Protocol

LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>"
PROXY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
HOSTILE_LENGTH = 10**15
STALL_SECONDS = 3600.0
CHUNK = b" " * 65536


class Wire(Protocol):
    """What a fault needs of the connection's handler."""

    close_connection: bool
    wfile: Any
    connection: socket.socket

    def head(self, status: int, headers: dict[str, str]) -> None: ...

    def plain(self, status: int, body: bytes, headers: dict[str, str]) -> None: ...


class Right(NamedTuple):
    """The answer that the emulator would have given."""

    status: int
    headers: dict[str, str]
    body: bytes


class Rules:
    """The rules in force and how often each has met a request."""

    def __init__(self, rules: list[dict[str, Any]] | None = None) -> None:
        self._rules = rules or []
        self._met = [0] * len(self._rules)
        self._lock = threading.Lock()
        for rule in self._rules:
            re.compile(rule.get("match", ""))
            if not isinstance(rule.get("kind"), str):
                raise TypeError(f"a fault without a kind: {rule}")

    def take(self, line: str) -> dict[str, Any]:
        """The rule for this request, or an empty one."""
        with self._lock:
            for index, rule in enumerate(self._rules):
                if not re.search(rule.get("match", ""), line):
                    continue
                self._met[index] += 1
                count = self._met[index] - rule.get("skip", 0)
                if 0 < count <= rule.get("times", count):
                    return rule
        return {}


def answer_with(
    rule: dict[str, Any],
    wire: Wire,
    right: Right | None = None,
) -> bool:
    """Answer as the rule says; called before the work (without the right answer) and after it.

    Returns whether the answer is done.
    """
    kind = rule.get("kind", "")
    if right is None:
        early = _EARLY.get(kind)
        if early is not None:
            early(rule, wire)
        return early is not None
    late = _LATE.get(kind)
    if late is not None:
        late(rule, wire, right)
    return late is not None


# --- instead of an answer ----------------------------------------------------------------


def _status(rule: dict[str, Any], wire: Wire) -> None:
    body = rule.get("body", {"Errors": ["A fault of the test."]})
    text = body.encode() if isinstance(body, str) else _json(body)
    wire.plain(
        rule.get("status", 503),
        text,
        {"Content-Type": "application/json", **rule.get("headers", {})},
    )


def _json(body: object) -> bytes:
    return json.dumps(body).encode()


def _proxy_error(rule: dict[str, Any], wire: Wire) -> None:
    wire.plain(rule.get("status", 502), PROXY_PAGE, {"Content-Type": "text/html"})


def _html_login(_: dict[str, Any], wire: Wire) -> None:
    wire.plain(200, LOGIN_PAGE, {"Content-Type": "text/html; charset=utf-8"})


def _redirect(rule: dict[str, Any], wire: Wire) -> None:
    wire.plain(rule.get("status", 302), b"", {"Location": rule["location"]})


def _hang(rule: dict[str, Any], wire: Wire) -> None:
    _wait_for_client(wire, rule.get("seconds", STALL_SECONDS))


def _reset(_: dict[str, Any], wire: Wire) -> None:
    _abort(wire)


def _empty(_: dict[str, Any], wire: Wire) -> None:
    wire.plain(200, b"", {"Content-Type": "application/json"})


def _garbage(rule: dict[str, Any], wire: Wire) -> None:
    noise = bytes((index * 37 + 11) & 0xFF for index in range(rule.get("bytes", 4096)))
    wire.plain(200, noise, {"Content-Type": "application/json"})


def _hostile_length(_: dict[str, Any], wire: Wire) -> None:
    wire.head(200, {"Content-Type": "application/json", "Content-Length": str(HOSTILE_LENGTH)})
    wire.wfile.write(b'{"Items":[')
    wire.wfile.flush()
    _wait_for_client(wire, STALL_SECONDS)


def _endless(rule: dict[str, Any], wire: Wire) -> None:
    wire.head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
    for _ in range(rule.get("chunks", 1 << 30)):
        wire.wfile.write(b"%x\r\n%s\r\n" % (len(CHUNK), CHUNK))
    _close(wire)


def _gzip_bomb(rule: dict[str, Any], wire: Wire) -> None:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0) as file:
        for _ in range(rule.get("megabytes", 512)):
            file.write(b" " * (1 << 20))
    wire.plain(
        200,
        packed.getvalue(),
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )


def _deep_json(rule: dict[str, Any], wire: Wire) -> None:
    depth = rule.get("depth", 100_000)
    body = b'{"Items":' + b"[" * depth + b"]" * depth + b"}"
    wire.plain(200, body, {"Content-Type": "application/json"})


_EARLY = {
    "status": _status,
    "proxy_error": _proxy_error,
    "html_login": _html_login,
    "redirect": _redirect,
    "hang": _hang,
    "reset": _reset,
    "empty": _empty,
    "garbage": _garbage,
    "hostile_length": _hostile_length,
    "endless": _endless,
    "gzip_bomb": _gzip_bomb,
    "deep_json": _deep_json,
}


# --- instead of the whole right answer ---------------------------------------------------


def _cut(rule: dict[str, Any], wire: Wire, right: Right) -> None:
    """The right length is declared, a share of the body comes, then the connection ends."""
    wire.head(right.status, {"Content-Length": str(len(right.body)), **right.headers})
    _part(rule, wire, right.body)
    _close(wire)


def _cut_reset(rule: dict[str, Any], wire: Wire, right: Right) -> None:
    wire.head(right.status, {"Content-Length": str(len(right.body)), **right.headers})
    _part(rule, wire, right.body)
    _abort(wire)


def _stall(rule: dict[str, Any], wire: Wire, right: Right) -> None:
    wire.head(right.status, {"Content-Length": str(len(right.body)), **right.headers})
    _part(rule, wire, right.body)
    _wait_for_client(wire, rule.get("seconds", STALL_SECONDS))


def _truncated(rule: dict[str, Any], wire: Wire, right: Right) -> None:
    """The body is cut and the length says so: only the JSON is wrong."""
    wire.plain(
        right.status, right.body[: int(len(right.body) * rule.get("share", 0.5))], right.headers
    )


def _length_long(rule: dict[str, Any], wire: Wire, right: Right) -> None:
    wire.head(
        right.status,
        {"Content-Length": str(len(right.body) + rule.get("bytes", 100)), **right.headers},
    )
    wire.wfile.write(right.body)
    _close(wire)


def _length_short(rule: dict[str, Any], wire: Wire, right: Right) -> None:
    wire.head(
        right.status,
        {"Content-Length": str(max(0, len(right.body) - rule.get("bytes", 100))), **right.headers},
    )
    wire.wfile.write(right.body)
    _close(wire)


def _no_length(_: dict[str, Any], wire: Wire, right: Right) -> None:
    """An answer whose end is the end of the connection."""
    wire.head(right.status, {"Connection": "close", **right.headers})
    wire.wfile.write(right.body)
    _close(wire)


def _chunked(rule: dict[str, Any], wire: Wire, right: Right) -> None:
    wire.head(right.status, {"Transfer-Encoding": "chunked", **right.headers})
    size = rule.get("bytes", 1000)
    for place in range(0, len(right.body), size):
        part = right.body[place : place + size]
        wire.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
    if rule.get("ends", True):
        wire.wfile.write(b"0\r\n\r\n")
        wire.wfile.flush()
    else:
        _close(wire)


def _drip(rule: dict[str, Any], wire: Wire, right: Right) -> None:
    wire.head(right.status, {"Content-Length": str(len(right.body)), **right.headers})
    size = rule.get("bytes", 1)
    for place in range(0, len(right.body), size):
        wire.wfile.write(right.body[place : place + size])
        wire.wfile.flush()
        time.sleep(rule.get("seconds", 0.05))


def _content_type(rule: dict[str, Any], wire: Wire, right: Right) -> None:
    wire.plain(
        right.status, right.body, right.headers | {"Content-Type": rule.get("value", "text/html")}
    )


def _bad_gzip(_: dict[str, Any], wire: Wire, right: Right) -> None:
    wire.plain(right.status, right.body[::-1], right.headers | {"Content-Encoding": "gzip"})


def _byte_order_mark(_: dict[str, Any], wire: Wire, right: Right) -> None:
    wire.plain(right.status, b"\xef\xbb\xbf" + right.body, right.headers)


def _slow(rule: dict[str, Any], wire: Wire, right: Right) -> None:
    time.sleep(rule.get("seconds", 1.0))
    wire.plain(right.status, right.body, right.headers)


_LATE = {
    "cut": _cut,
    "cut_reset": _cut_reset,
    "stall": _stall,
    "truncated": _truncated,
    "length_long": _length_long,
    "length_short": _length_short,
    "no_length": _no_length,
    "chunked": _chunked,
    "drip": _drip,
    "content_type": _content_type,
    "bad_gzip": _bad_gzip,
    "byte_order_mark": _byte_order_mark,
    "slow": _slow,
}


# --- the connection ----------------------------------------------------------------------


def _part(rule: dict[str, Any], wire: Wire, body: bytes) -> None:
    count = rule.get("bytes", int(len(body) * rule.get("share", 0.5)))
    wire.wfile.write(body[:count])
    wire.wfile.flush()


def _close(wire: Wire) -> None:
    wire.close_connection = True
    wire.wfile.flush()


def _abort(wire: Wire) -> None:
    """Close with RST instead of FIN; socketserver would say FIN first if it still could."""
    wire.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.close_connection = True
    os.close(wire.connection.detach())


def _wait_for_client(wire: Wire, seconds: float) -> None:
    """Say nothing until the client goes away or the time is over."""
    wire.close_connection = True
    wire.connection.settimeout(seconds)
    try:
        while wire.connection.recv(65536):
            pass
    except OSError:
        return
