"""Listing the tags of a server by browsing it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from asyncua import ua

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua import OpcUaDriver, walk
from greenlang_data.drivers.schema import TAGS
from greenlang_data.errors import ConfigurationError, ProtocolError, SourceBusy, SourceTimeout
from greenlang_data.settings.tag import TagEntry
from tests.drivers.opcua.helpers import connected, snapshot, still_works, with_driver
from tests.peers.launch import OpcuaPeer
from tests.peers.lying_opcua import Lie, LyingOpcua, Service

READ_ONLY = {
    "Read", "Browse", "BrowseNext", "GetEndpoints", "CreateSession", "ActivateSession",
    "CloseSession", "OpenSecureChannel", "CloseSecureChannel", "TranslateBrowsePathsToNodeIds",
}  # fmt: skip


async def listed(driver: OpcUaDriver, log: ReadLog | None = None) -> dict[str, dict[str, Any]]:
    """Rows by path, each path once."""
    found = [batch async for batch in driver.list_tags(log or ReadLog())]
    assert all(batch.schema == TAGS for batch in found)
    rows = pa.Table.from_batches(found).to_pylist()
    by_path = {row["path"]: row for row in rows}
    assert len(by_path) == len(rows)
    assert len({row["tag_id"] for row in rows}) == len(rows)
    return by_path


def test_names_types_units_and_ranges(opcua_peer: OpcuaPeer) -> None:
    log = ReadLog()
    rows = with_driver(opcua_peer.endpoint, lambda driver: listed(driver, log))
    namespace = opcua_peer.namespace
    assert rows["Peer/Analog/Analog.Temperature"] == {
        "tag_id": f"ns={namespace};s=Analog.Temperature",
        "tag_name": "Analog.Temperature",
        "path": "Peer/Analog/Analog.Temperature",
        "description": None,
        "data_type": "Double",
        "unit": "°C",
        "low": 0.0,
        "high": 400.0,
    }
    types = {path.rpartition(".")[2]: row["data_type"] for path, row in rows.items()
             if path.startswith("Peer/Type/")}  # fmt: skip
    assert types["Int64"] == "Int64"
    assert types["Guid"] == "Guid"
    assert types["DoubleArray"] == types["DoubleMatrix"] == "Double[]"
    assert rows["Peer/Discrete/Discrete.Pump"]["data_type"] == "PumpState"
    assert sum(path.startswith("Peer/Bulk") for path in rows) == 300
    assert "Peer/Access/Access.WriteOnly" not in rows
    assert "1 variables that this user may not read: left out" in log.notes
    assert not any("EURange" in path or path.startswith("Server/") for path in rows)
    assert any("browse_root = 'i=2253'" in note for note in log.notes)


def test_every_tag_of_the_list_can_be_read(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        rows = await listed(driver)
        found = await snapshot(driver, [row["tag_id"] for row in rows.values()])
        failed = {tag for tag, row in found.items() if row["failure"]}
        # The peer says of this one that it can be read, and refuses it all the same.
        assert failed == {opcua_peer.node("Access.Denied")}

    with_driver(opcua_peer.endpoint, use)


def test_circles_and_nodes_with_two_parents_are_listed_once(opcua_peer: OpcuaPeer) -> None:
    rows = with_driver(opcua_peer.endpoint, listed)
    shared = [row for row in rows.values() if row["tag_name"] == "Knot.Shared"]
    assert [row["path"] for row in shared] == ["Peer/Knot1/Knot.Shared"]
    assert shared[0]["description"] == "held by both"
    assert rows["Peer/Knot1/Deep/Knot.Deep"]["data_type"] == "Int16"


def test_configured_names_and_units_go_first(opcua_peer: OpcuaPeer) -> None:
    node = opcua_peer.node("Analog.Flow")
    entries = (TagEntry(tag="Steam", node_id=node, unit="t/h"),)
    rows = with_driver(opcua_peer.endpoint, listed, tags=entries)
    assert rows["Peer/Analog/Analog.Flow"]["tag_id"] == "Steam"
    assert rows["Peer/Analog/Analog.Flow"]["unit"] == "t/h"


def test_a_part_of_the_server(opcua_peer: OpcuaPeer) -> None:
    root = opcua_peer.node("Folder.Analog")
    rows = with_driver(opcua_peer.endpoint, listed, browse_root=root)
    assert set(rows) == {"Analog.Temperature", "Analog.Flow"}
    rows = with_driver(opcua_peer.endpoint, listed, browse_root="i=2256")
    assert rows["BuildInfo/ProductName"]["data_type"] == "String"
    with pytest.raises(ConfigurationError, match="browse_root"):
        with_driver(opcua_peer.endpoint, listed, browse_root="ns=2;s=Nothing")


def test_ten_thousand_tags_within_the_limits_only_by_reading_and_without_holding_up_the_loop(
    opcua_peer_large: OpcuaPeer,
) -> None:
    longest = 0.0

    async def watch_the_loop() -> None:
        nonlocal longest
        while True:
            # The thread's own time: what others do on a loaded machine does not count.
            before = time.thread_time()
            await asyncio.sleep(0.001)
            longest = max(longest, time.thread_time() - before)

    async def use(driver: OpcUaDriver) -> None:
        watcher = asyncio.create_task(watch_the_loop())
        rows = await listed(driver)
        watcher.cancel()
        assert sum(path.startswith("Peer/Bulk") for path in rows) == 10_000

    opcua_peer_large.clear_requests()
    with_driver(opcua_peer_large.endpoint, use, timeout_seconds=60)
    assert longest < 0.75
    requests = opcua_peer_large.requests()
    assert {line["service"] for line in requests} <= READ_ONLY
    assert max(line["nodes"] for line in requests if line["service"] == "Browse") <= 1000


def test_a_folder_of_many_is_followed_to_its_end(opcua_factory: Callable[..., OpcuaPeer]) -> None:
    peer = opcua_factory(tags=1, history=10, mixed=10, wide_folder=2345, max_nodes_per_browse=7)
    rows = with_driver(peer.endpoint, listed)
    assert sum(path.startswith("Peer/Wide/") for path in rows) == 2345
    services = [line["service"] for line in peer.requests()]
    assert services.count("BrowseNext") >= 2
    assert max(line["nodes"] for line in peer.requests() if line["service"] == "Browse") <= 7


def test_a_server_without_end_is_cut_off_and_says_so(
    opcua_peer: OpcuaPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "MOST_REFERENCES", 150)
    log = ReadLog()
    rows = with_driver(opcua_peer.endpoint, lambda driver: listed(driver, log))
    assert len(rows) < 300
    assert any("more than 150 references" in note for note in log.notes)
    monkeypatch.undo()
    monkeypatch.setattr(walk, "DEEPEST", 2)
    log = ReadLog()
    rows = with_driver(opcua_peer.endpoint, lambda driver: listed(driver, log))
    assert max(path.count("/") for path in rows) == 2
    assert any("deeper than 2 levels" in note for note in log.notes)


@pytest.mark.parametrize(
    "code",
    [ua.StatusCodes.BadTooManyOperations, ua.StatusCodes.BadResponseTooLarge,
     ua.StatusCodes.BadEncodingLimitsExceeded],
)  # fmt: skip
def test_a_server_that_finds_a_browse_too_much_is_asked_for_less(
    opcua_peer: OpcuaPeer, lying_opcua_factory: Callable[[OpcuaPeer], LyingOpcua], code: int
) -> None:
    liar = lying_opcua_factory(opcua_peer)
    liar.tell(Lie.SERVICE_FAULT, Service.BROWSE, skip=2, times=3, code=code)
    rows = with_driver(liar.endpoint, listed)
    assert liar.lies_told == 3
    assert sum(path.startswith("Peer/Bulk") for path in rows) == 300


@pytest.mark.parametrize(
    "lie", [Lie.TRUNCATED, Lie.TRAILING, Lie.RESULTS_LENGTH, Lie.NULL_RESULTS, Lie.UNKNOWN_TYPE]
)
def test_browse_answers_that_are_wrong_are_not_used(
    opcua_peer: OpcuaPeer, lying_opcua_factory: Callable[[OpcuaPeer], LyingOpcua], lie: Lie
) -> None:
    liar = lying_opcua_factory(opcua_peer)

    async def use(driver: OpcUaDriver) -> None:
        liar.tell(lie, Service.BROWSE, skip=1)
        with pytest.raises(ProtocolError, match="cannot be understood"):
            await listed(driver)
        liar.tell(Lie.NONE)
        await still_works(driver)

    with_driver(liar.endpoint, use)


def test_refusal_and_silence(
    opcua_peer: OpcuaPeer, lying_opcua_factory: Callable[[OpcuaPeer], LyingOpcua]
) -> None:
    liar = lying_opcua_factory(opcua_peer)

    async def main() -> None:
        async with connected(liar.endpoint, timeout_seconds=1) as driver:
            code = ua.StatusCodes.BadServerTooBusy
            liar.tell(Lie.SERVICE_FAULT, Service.BROWSE, code=code)
            with pytest.raises(SourceBusy):
                await listed(driver)
            liar.tell(Lie.SILENCE, Service.BROWSE)
            with pytest.raises(SourceTimeout):
                await listed(driver)
            liar.tell(Lie.NONE)
            await still_works(driver)

    asyncio.run(main())


def test_the_second_server_is_listed_too(opcua_second: OpcuaPeer) -> None:
    rows = with_driver(opcua_second.endpoint, listed)
    assert rows["Peer/Type.UInt64"]["data_type"] == "UInt64"
    assert sum("Bulk." in path for path in rows) == 50
    assert rows["Peer/Recipe"]["data_type"] == "Recipe"
