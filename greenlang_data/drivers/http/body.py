"""Bodies, read piece by piece: never more than allowed, whatever was declared or compressed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from requests import Response

from greenlang_data.drivers.http.worker import Stop
from greenlang_data.errors import LoadBudgetExceeded, ProtocolError, TransientError

_PIECE: Final = 262_144
# Both a zlib and a gzip header are recognised.
_ANY_HEADER: Final = 32 + zlib.MAX_WBITS
_PROXIES: Final = "Ask again, and check the proxies before it."


def read_body(response: Response, stop: Stop, limit: int, source: str) -> bytes | bytearray:
    """The whole body, decompressed.

    Raises LoadBudgetExceeded beyond ``limit`` bytes, ProtocolError for a compression that was not
    asked for or is broken, TransientError for one that ends too early, and what urllib3 raises when
    the connection does.
    """
    declared = response.headers.get("Content-Length", "")
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    piece = _PIECE
    if encoding == "identity" and declared.isdecimal():
        if int(declared) > limit:
            raise _too_large(limit, source)
        # At once, so that it is not copied; whoever gives up ends the connection.
        piece = max(_PIECE, int(declared))
    pieces = _pieces(response, stop, piece)
    if encoding in ("gzip", "x-gzip", "deflate"):
        pieces = _inflated(pieces, limit, source)
    elif encoding != "identity":
        raise ProtocolError(
            f"the answer is compressed as {encoding!r}, which was not asked for",
            source=source,
            remedy=_PROXIES,
        )
    return _joined(pieces, limit, source)


def _joined(pieces: Iterator[bytes], limit: int, source: str) -> bytes | bytearray:
    first = next(pieces, b"")
    body = None
    for piece in pieces:
        if body is None:
            body = bytearray(first)
        body += piece
        if len(body) > limit:
            raise _too_large(limit, source)
    if len(first) > limit:
        raise _too_large(limit, source)
    return first if body is None else body


def read_start(response: Response, stop: Stop, limit: int, source: str) -> bytes:
    """The body of a refusal, or nothing when it is too long or broken: it only explains."""
    try:
        return bytes(read_body(response, stop, limit, source))
    except (LoadBudgetExceeded, ProtocolError, TransientError):
        return b""


def _pieces(response: Response, stop: Stop, size: int) -> Iterator[bytes]:
    while piece := response.raw.read(size, decode_content=False):
        stop.check()
        yield piece
    stop.check()  # what ended it may have been us


def _inflated(pieces: Iterator[bytes], limit: int, source: str) -> Iterator[bytes]:
    inflater = zlib.decompressobj(_ANY_HEADER)
    begun = False
    try:
        for piece in pieces:
            waiting = piece
            while waiting:
                if inflater.eof:  # another member follows
                    inflater = zlib.decompressobj(_ANY_HEADER)
                begun = True
                yield inflater.decompress(waiting, min(_PIECE, limit + 1))
                waiting = inflater.unconsumed_tail or inflater.unused_data
    except zlib.error as error:
        raise ProtocolError(
            "the answer's compression is broken, so none of it is used",
            source=source,
            remedy=_PROXIES,
        ) from error
    while begun and not inflater.eof:
        rest = inflater.decompress(b"", _PIECE)
        if not rest:
            raise TransientError(
                "the compressed answer is not whole, so none of it is used",
                source=source,
                remedy=_PROXIES,
            )
        yield rest


def _too_large(limit: int, source: str) -> LoadBudgetExceeded:
    return LoadBudgetExceeded(
        f"one answer is larger than {limit} bytes",
        source=source,
        remedy="Ask for less at once, or raise max_answer_bytes.",
    )
