"""The TranslateBrowsePathsToNodeIds service: nodes by the names on the way to them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.binary import (
    MalformedAnswerError,
    Reader,
    encode_string,
    numeric_node_id,
)
from greenlang_data.drivers.opcua.bulk import in_chunks
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.services import TRANSLATE
from greenlang_data.drivers.opcua.statuses import BAD

Step = tuple[int, str]
"""The number of a standard reference type, and the name in the standard's namespace it leads to."""


def path_of(*steps: Step) -> bytes:
    """A RelativePath: forward along references of these types and their subtypes."""
    return struct.pack("<i", len(steps)) + b"".join(
        numeric_node_id(reference) + struct.pack("<BBH", 0, 1, 0) + encode_string(name)
        for reference, name in steps
    )


async def follow(
    connection: Connection, paths: Sequence[tuple[bytes, bytes]], log: ReadLog
) -> list[bytes | None]:
    """The first node at the end of each (node id, path), None where there is none."""

    async def part(start: int, stop: int) -> list[bytes | None]:
        body = struct.pack("<i", stop - start) + b"".join(
            node + path for node, path in paths[start:stop]
        )
        reader = await connection.ask_if_possible(TRANSLATE, body, log)
        if reader.count(8) != stop - start:
            raise MalformedAnswerError("the answer has not one result per path")
        targets = [_first_target(reader) for _ in range(stop - start)]
        reader.finish()
        return targets

    parts = await in_chunks(len(paths), connection.limits, "translate", part)
    return [target for part in parts for target in part]


def _first_target(reader: Reader) -> bytes | None:
    """The first target of a BrowsePathResult that lies on this server."""
    code = reader.uint32()
    targets = []
    for _ in range(reader.count(6)):
        targets.append(reader.node_id())
        reader.skip(4)
    return targets[0] if targets and not code & BAD else None
