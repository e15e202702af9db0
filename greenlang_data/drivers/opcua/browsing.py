"""The Browse and BrowseNext services over any number of nodes, whole and bounded."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from asyncua.ua.status_codes import StatusCodes

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.binary import (
    MalformedAnswerError,
    Reader,
    encode_string,
    numeric_node_id,
)
from greenlang_data.drivers.opcua.bulk import in_chunks
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.nodes import canonical
from greenlang_data.drivers.opcua.services import BROWSE, BROWSE_NEXT

FORWARD, INVERSE = 0, 1
HIERARCHICAL, HAS_ENCODING, HAS_SUBTYPE, HAS_PROPERTY = 33, 38, 45, 46
OBJECT, VARIABLE, ANY_CLASS = 1, 2, 0

# Reference type, node class, browse name and display name of each target.
_RESULT_MASK: Final = 1 | 4 | 8 | 16
_MOST_PER_NODE: Final = 1_000
_MOST_EMPTY_PAGES: Final = 100
# After so many references the loop gets a turn; that is a few milliseconds.
_BREATHER: Final = 500
# Form, identifier, class, names and type of a reference that has nothing in it.
_SMALLEST_REFERENCE: Final = 2 + 1 + 2 + 6 + 1 + 4 + 2
_SMALLEST_RESULT: Final = 4 + 4 + 4
_REMOTE: Final = 0xC0
_POINT_LOST: Final = frozenset(
    {StatusCodes.BadContinuationPointInvalid, StatusCodes.BadNoContinuationPoints}
)


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference to a node of this server; ids are encoded, in their canonical form."""

    kind: bytes
    node: bytes
    name: str
    display_name: str
    node_class: int


@dataclass(slots=True)
class Browsed:
    """The references of one node, or the ``code`` that came instead of them."""

    code: int
    references: list[Reference]
    continuation: bytes | None = None


@dataclass(slots=True)
class Budget:
    """What browsing may still bring in; an address space without end is cut off here."""

    references: int
    size: int
    elsewhere: int = 0

    @property
    def spent(self) -> bool:
        """Whether nothing more may be asked for."""
        return self.references <= 0 or self.size <= 0


@dataclass(frozen=True, slots=True)
class Direction:
    """Which references to follow: forward or inverse, of a type and its subtypes, to a class."""

    way: int
    reference_type: int
    node_class: int

    def encode(self, node: bytes) -> bytes:
        """A BrowseDescription."""
        return (
            node
            + struct.pack("<i", self.way)
            + numeric_node_id(self.reference_type)
            + struct.pack("<BII", 1, self.node_class, _RESULT_MASK)
        )


async def browse(
    connection: Connection,
    nodes: Sequence[bytes],
    direction: Direction,
    budget: Budget,
    log: ReadLog,
    *,
    optional: bool = False,
) -> list[Browsed]:
    """The references of each node, in order; less than all only when ``budget`` is spent.

    ``optional`` is for what may go missing.
    """
    ask = connection.ask_if_possible if optional else connection.ask

    async def part(start: int, stop: int) -> list[Browsed]:
        # No view, of no time and no version.
        head = b"\x00\x00" + struct.pack("<qIIi", 0, 0, _MOST_PER_NODE, stop - start)
        body = head + b"".join(direction.encode(node) for node in nodes[start:stop])
        found = await _results(await ask(BROWSE, body, log), stop - start, budget)
        await _read_on(connection, found, budget, log)
        return found

    parts = await in_chunks(len(nodes), connection.limits, "browse", part)
    found = [one for several in parts for one in several]
    for place, one in enumerate(found):
        # The server had too few continuation points for all at once; alone it may do.
        if one.code & 0xFFFF0000 in _POINT_LOST and not budget.spent:
            found[place] = (await part(place, place + 1))[0]
    return found


async def _read_on(
    connection: Connection, found: Sequence[Browsed], budget: Budget, log: ReadLog
) -> None:
    """Follow the continuation points until there are none."""
    empty = 0
    while open_ones := [one for one in found if one.continuation is not None]:
        if budget.spent:
            _release(connection, open_ones)
            return
        some = open_ones[: connection.limits["browse"]]
        body = _next_body([one.continuation or b"" for one in some], release=False)
        reader = await connection.ask(BROWSE_NEXT, body, log)
        pages = await _results(reader, len(some), budget)
        empty = 0 if any(page.references for page in pages) else empty + 1
        if empty > _MOST_EMPTY_PAGES:
            _release(connection, open_ones)
            raise MalformedAnswerError("its address space goes on and on without references")
        for one, page in zip(some, pages, strict=True):
            one.code, one.continuation = page.code, page.continuation
            one.references += page.references


def _release(connection: Connection, some: Sequence[Browsed]) -> None:
    points = [one.continuation or b"" for one in some]
    for one in some:
        one.continuation = None
    size = connection.limits["browse"]
    for first in range(0, len(points), size):
        body = _next_body(points[first : first + size], release=True)
        connection.send_and_forget(BROWSE_NEXT, body)


def _next_body(points: Sequence[bytes], *, release: bool) -> bytes:
    return struct.pack("<Bi", release, len(points)) + b"".join(map(encode_string, points))


async def _results(reader: Reader, expected: int, budget: Budget) -> list[Browsed]:
    """The BrowseResults of an answer, without holding the loop up for long."""
    count = reader.count(_SMALLEST_RESULT)
    if count != expected:
        raise MalformedAnswerError(f"references of {max(count, 0)} nodes instead of {expected}")
    budget.size -= reader.end
    results = []
    for _ in range(count):
        code, continuation = reader.uint32(), reader.byte_string() or None
        left = max(reader.count(_SMALLEST_REFERENCE), 0)
        references: list[Reference] = []
        while left:
            some = min(left, _BREATHER)
            read = [read_reference(reader) for _ in range(some)]
            references += [one for one in read if one is not None]
            budget.elsewhere += read.count(None)
            left -= some
            budget.references -= some
            await asyncio.sleep(0)
        results.append(Browsed(code, references, continuation))
    reader.finish()
    return results


def read_reference(reader: Reader) -> Reference | None:
    """A ReferenceDescription; None when its target is on another server, or only named by URI."""
    kind = canonical(reader.node_id())
    reader.byte()
    elsewhere = reader.position < reader.end and reader.data[reader.position] & _REMOTE
    node = canonical(reader.node_id())
    reader.uint16()
    name = reader.string() or ""
    display_name = reader.localized_text() or name
    node_class = reader.int32()
    reader.node_id()
    return None if elsewhere else Reference(kind, node, name, display_name, node_class)
