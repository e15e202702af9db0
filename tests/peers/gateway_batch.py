"""``$batch`` of the SAP Gateway emulator: many GETs in one POST."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from .historian_http import Answer, Request

_BOUNDARY = "ejjeeffe0"


class Serving(Protocol):
    def serve(self, request: Request) -> Answer: ...


def answer_batch(emulator: Serving, request: Request) -> Answer:
    """Answer each GET of a multipart body; anything that would change something is refused."""
    found = re.search(r"boundary=\"?([^\";]+)", request.headers.get("content-type", ""))
    if not found:
        return Answer(400, "The batch has no boundary", content_type="text/plain")
    root = request.path.removesuffix("$batch")
    parts = request.body.decode().split(f"--{found[1]}")[1:-1]
    told = "".join(_part(emulator.serve, root, part) for part in parts)
    body = f"{told}--{_BOUNDARY}--\r\n"
    return Answer(
        202, body, {"DataServiceVersion": "2.0"}, f"multipart/mixed; boundary={_BOUNDARY}"
    )


def _part(serve: Callable[[Request], Answer], root: str, text: str) -> str:
    found = re.search(r"^(\w+) (\S+) HTTP/1\.1\r?\n(.*)", text, re.MULTILINE | re.DOTALL)
    if not found or found[1] != "GET":
        answer = Answer(405, "Only GET is answered", content_type="text/plain")
    else:
        lines = [line.split(":", 1) for line in found[3].splitlines() if ":" in line]
        headers = {name.strip().lower(): value.strip() for name, value in lines}
        target = found[2] if found[2].startswith("/") else root + found[2]
        answer = serve(Request("GET", target, headers))
    inner = answer.encoded().decode()
    return (
        f"--{_BOUNDARY}\r\nContent-Type: application/http\r\n"
        f"Content-Transfer-Encoding: binary\r\n\r\n"
        f"HTTP/1.1 {answer.status} OK\r\nContent-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(inner.encode())}\r\n\r\n{inner}\r\n"
    )
