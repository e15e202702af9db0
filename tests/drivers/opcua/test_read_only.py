"""Nothing but reading leaves the driver: what was on the wire, and what is refused before it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from contextlib import aclosing
from datetime import timedelta

import pytest
from asyncua import ua

import greenlang_data as gd
from greenlang_data.drivers.base import ReadLog, Watch
from greenlang_data.drivers.opcua import OpcUaDriver
from greenlang_data.drivers.opcua.services import ALLOWED, ForbiddenRequestError
from tests.drivers.opcua.helpers import HISTORY_START, config, connected
from tests.peers.launch import OpcuaPeer
from tests.peers.tap import Tap

# By the numbers of the standard, written out once more, so that no slip in the driver's own list
# passes: all requests that a client may send and that change something or stand for a user's act.
CHANGING = {
    "AddNodes": 488, "AddReferences": 494, "DeleteNodes": 500, "DeleteReferences": 506,
    "RegisterServer": 437, "RegisterServer2": 12211, "RegisterNodes": 560, "Write": 673,
    "HistoryUpdate": 700, "Call": 712, "ModifyMonitoredItems": 763, "SetTriggering": 775,
    "TransferSubscriptions": 841,
}  # fmt: skip
READING = {
    "FindServers": 422, "GetEndpoints": 428, "OpenSecureChannel": 446, "CloseSecureChannel": 452,
    "CreateSession": 461, "ActivateSession": 467, "CloseSession": 473, "Browse": 527,
    "BrowseNext": 533, "TranslateBrowsePathsToNodeIds": 554, "Read": 631, "HistoryRead": 664,
}  # fmt: skip
SUBSCRIBING = {
    "CreateMonitoredItems": 751, "DeleteMonitoredItems": 781, "CreateSubscription": 787,
    "Publish": 826, "Republish": 832, "DeleteSubscriptions": 847,
}  # fmt: skip


@pytest.fixture
def tap(opcua_peer: OpcuaPeer) -> Iterator[Tap]:
    with Tap(opcua_peer.port) as made:
        yield made


def requests_in(stream: bytes) -> list[int]:
    """The encoding ids of the requests that a client without security sent."""
    ids: list[int] = []
    position, begins = 0, True
    while position < len(stream):
        kind, final, size = struct.unpack_from("<3scI", stream, position)
        assert kind in (b"HEL", b"OPN", b"MSG", b"CLO")
        body = position + 12
        if kind == b"OPN":
            for _ in range(3):  # the policy and two certificates
                body += 4 + max(0, struct.unpack_from("<i", stream, body)[0])
        elif kind != b"HEL":
            body += 4  # the token
        if kind != b"HEL" and begins:
            # Behind the sequence header, a NodeId of two bytes and a number.
            assert stream[body + 8 : body + 10] == b"\x01\x00"
            ids.append(int.from_bytes(stream[body + 10 : body + 12], "little"))
        begins = final == b"F"
        position += size
    return ids


async def browse_and_watch(endpoint: str) -> None:
    async with connected(endpoint) as driver:
        async for _ in driver.list_tags(ReadLog()):
            pass
        async with aclosing(driver.watch(Watch(("Bulk.00001",), 0.1), ReadLog())) as batches:
            async for _ in batches:
                break
        # The deletion of the subscription is sent without waiting for its answer.
        await driver.ping()


def test_everything_that_is_read_is_only_read(opcua_peer: OpcuaPeer, tap: Tap) -> None:
    end = HISTORY_START + timedelta(seconds=100)
    endpoint = (
        f"opc.tcp://127.0.0.1:{tap.port}{opcua_peer.endpoint.partition(str(opcua_peer.port))[2]}"
    )
    with gd.Session(config(endpoint)) as s:
        s.scada(["Bulk.00000", "Access.Writable", "Type.Int32", "i=2256"])
        s.scada("History.Mixed", start=HISTORY_START, end=end)
        s.scada("History.Mixed", start=HISTORY_START, end=end, aggregation="avg", interval=10)
        s.scada("History.Edited", start=HISTORY_START, end=end, modified=True)
        s.scada("History.Edited", times=[HISTORY_START + timedelta(seconds=1.5)])
    asyncio.run(browse_and_watch(endpoint))
    seen = {one for stream in tap.sent for one in requests_in(bytes(stream))}
    named = {**READING, **SUBSCRIBING}
    assert seen <= set(named.values())
    for expected in ("Read", "HistoryRead", "Browse", "CreateSubscription", "Publish",
                     "CreateMonitoredItems", "DeleteSubscriptions", "CloseSession"):  # fmt: skip
        assert named[expected] in seen, expected


def test_the_list_of_what_may_be_sent_holds_nothing_else() -> None:
    assert set(READING.values()) | set(SUBSCRIBING.values()) >= ALLOWED
    assert not ALLOWED & set(CHANGING.values())


async def _write(driver: OpcUaDriver, node: ua.NodeId) -> None:
    assert driver._session is not None
    client = driver._session.connection._client
    await client.get_node(node).write_value(ua.Variant(1.0, ua.VariantType.Double))


async def _call(driver: OpcUaDriver, node: ua.NodeId) -> None:
    assert driver._session is not None
    client = driver._session.connection._client
    # Server.GetMonitoredItems
    await client.nodes.server.call_method(ua.NodeId(11492), ua.Variant(1, ua.VariantType.UInt32))


async def _post(driver: OpcUaDriver, node: ua.NodeId) -> None:
    assert driver._session is not None
    driver._session.connection._channel.post(CHANGING["HistoryUpdate"], b"", 1.0)


@pytest.mark.parametrize("act", [_write, _call, _post])
def test_what_changes_something_does_not_get_out(
    opcua_peer: OpcuaPeer, tap: Tap, act: object
) -> None:
    path = opcua_peer.endpoint.partition(str(opcua_peer.port))[2]

    async def main() -> None:
        async with connected(f"opc.tcp://127.0.0.1:{tap.port}{path}") as driver:
            node = ua.NodeId.from_string(opcua_peer.node("Access.Writable"))
            with pytest.raises(ForbiddenRequestError, match="none of reading"):
                await act(driver, node)  # type: ignore[operator]
            await driver.ping()

    asyncio.run(main())
    assert not {one for stream in tap.sent for one in requests_in(bytes(stream))} & set(
        CHANGING.values()
    )
