"""Watching tags through subscriptions, on lines and servers of all kinds."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pyarrow as pa
import pytest
from asyncua import ua

from greenlang_data.drivers.base import ReadLog, Watch
from greenlang_data.drivers.opcua import OpcUaDriver
from greenlang_data.drivers.opcua.subscription import Subscription
from greenlang_data.drivers.schema import SNAPSHOT, UNKNOWN_TAG
from greenlang_data.errors import ProtocolError, SourceUnreachable
from tests.drivers.opcua.helpers import config, connected, snapshot, with_driver
from tests.peers.launch import OpcuaPeer
from tests.peers.lying_opcua import Lie, LyingOpcua, Service

WATCHING = {
    "Read", "TranslateBrowsePathsToNodeIds", "Browse", "BrowseNext", "GetEndpoints",
    "CreateSession", "ActivateSession", "CloseSession", "OpenSecureChannel", "CloseSecureChannel",
    "CreateSubscription", "CreateMonitoredItems", "Publish", "Republish", "DeleteSubscriptions",
}  # fmt: skip
LIVE = ("Live.Counter",)


async def watched(
    driver: OpcUaDriver, tags: tuple[str, ...], seconds: float, every: float = 0.1,
    log: ReadLog | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """The rows of some seconds."""
    rows: list[dict[str, Any]] = []
    until = time.monotonic() + seconds
    async with aclosing(driver.watch(Watch(tags, every), log or ReadLog())) as batches:
        async for batch in batches:
            assert batch.schema == SNAPSHOT
            rows += batch.to_pylist()
            if time.monotonic() > until:
                return rows
    raise AssertionError("a watch does not end by itself")


async def first_row(batches: AsyncIterator[pa.RecordBatch]) -> dict[str, Any]:
    async for batch in batches:
        if batch.num_rows:
            row: dict[str, Any] = batch.to_pylist()[0]
            return row
    raise AssertionError("a watch does not end by itself")


async def until_requested(peer: OpcuaPeer, service: str) -> None:
    async with asyncio.timeout(5):
        # The peer writes a file, which tells nobody.
        while service not in {line["service"] for line in peer.requests()}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def steps_of(rows: list[dict[str, Any]], tags: tuple[str, ...]) -> list[list[float]]:
    values = defaultdict(list)
    for row in rows:
        values[row["tag_id"]].append(row["value"])
    return [values[tag] for tag in tags]


def assert_nothing_lost(values: list[float]) -> None:
    """From the first step on every one, once."""
    steps = [value for value in values if value == int(value)]
    assert len(steps) >= 2
    assert steps == [steps[0] + place for place in range(len(steps))]


def test_a_row_for_each_tag_and_then_what_changes(opcua_peer: OpcuaPeer) -> None:
    tags = ("Bulk.00001", "Live.Counter", "Nothing", "Status.Bad", "Status.Uncertain",
            "Access.Denied", "Type.DoubleArray", "Type.UInt64", "Analog.Flow", "Discrete.Pump",
            "i=2260")  # fmt: skip
    opcua_peer.clear_requests()

    async def use(driver: OpcUaDriver) -> None:
        rows = await watched(driver, tags, 2)
        once = {row["tag_id"]: row for row in rows}
        read = await snapshot(driver, tags)
        assert set(once) == set(tags)
        for tag, row in once.items():
            if tag != "Live.Counter":
                assert [one["tag_id"] for one in rows].count(tag) == 1
                for name in ("tag_name", "value", "text", "unit", "quality", "data_type",
                             "failure"):  # fmt: skip
                    assert row[name] == read[tag][name], (tag, name)
        assert once["Nothing"]["failure"].startswith(UNKNOWN_TAG)
        assert once["Analog.Flow"]["unit"] == "m³/h"
        assert once["Discrete.Pump"]["text"] == "Running"
        live = [row["value"] for row in rows if row["tag_id"] == "Live.Counter"]
        assert len(live) > 5
        assert live == sorted(set(live))
        assert [row["timestamp"] for row in rows if row["tag_id"] == "Live.Counter"] == sorted(
            row["timestamp"] for row in rows if row["tag_id"] == "Live.Counter"
        )

    with_driver(opcua_peer.endpoint, use)
    services = {line["service"] for line in opcua_peer.requests()}
    assert {"CreateSubscription", "Publish", "DeleteSubscriptions"} <= services <= WATCHING


def test_two_thousand_items_without_a_loss(opcua_factory: Callable[..., OpcuaPeer]) -> None:
    peer = opcua_factory(tags=2000, history=10, mixed=10, step_period=500, max_items_per_call=300)
    tags = tuple(f"Bulk.{index:05d}" for index in range(2000))
    log = ReadLog()

    async def use(driver: OpcUaDriver) -> list[dict[str, Any]]:
        return await watched(driver, tags, 6, every=0.1, log=log)

    rows = with_driver(peer.endpoint, use, timeout_seconds=30)
    for values in steps_of(rows, tags):
        assert_nothing_lost(values)
    assert log.notes == []
    items = [line["nodes"] for line in peer.requests() if line["service"] == "CreateMonitoredItems"]
    assert sum(items) == 2000
    assert max(items) <= 300


def test_a_slow_reader_gets_everything(opcua_factory: Callable[..., OpcuaPeer]) -> None:
    peer = opcua_factory(tags=50, history=10, mixed=10, step_period=300)
    tags = tuple(f"Bulk.{index:05d}" for index in range(50))

    async def use(driver: OpcUaDriver) -> None:
        rows: list[dict[str, Any]] = []
        async with aclosing(driver.watch(Watch(tags, 0.1), ReadLog())) as batches:
            async for batch in batches:
                rows += batch.to_pylist()
                if len(rows) > 50 and len(rows) < 150:
                    await asyncio.sleep(1.5)
                if len(rows) > 600:
                    break
        for values in steps_of(rows, tags):
            assert_nothing_lost(values)

    with_driver(peer.endpoint, use)


def test_a_full_queue_shows_in_the_status(
    opcua_factory: Callable[..., OpcuaPeer], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tag changes twenty times between two reports, and the queue holds two values.
    peer = opcua_factory(tags=3, history=10, mixed=10, step_period=100)
    plain = Subscription.add_items

    async def sampled_often(self: Subscription, entries: list[bytes], every: float) -> list[int]:
        return await plain(self, entries, every / 20)

    monkeypatch.setattr(Subscription, "add_items", sampled_often)
    monkeypatch.setattr("greenlang_data.drivers.opcua.subscription._QUEUED_STEPS", 2)
    log = ReadLog()
    rows = with_driver(
        peer.endpoint, lambda driver: watched(driver, ("Bulk.00000",), 6, every=2, log=log)
    )
    marked = [row for row in rows if "(Overflow)" in row["status"]]
    assert marked
    assert all(row["quality"] == "good" and row["value"] is not None for row in marked)
    assert any("queues overflowed" in note for note in log.notes)


def test_a_beat_although_nothing_changes(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        sizes, began = [], time.monotonic()
        async with aclosing(driver.watch(Watch(("Bulk.00001",), 0.2), ReadLog())) as batches:
            async for batch in batches:
                sizes.append(batch.num_rows)
                if time.monotonic() - began > 2.5:
                    break
        assert sum(sizes) == 1
        assert len(sizes) >= 6

    with_driver(opcua_peer.endpoint, use)


def test_notifications_that_got_lost_are_had_again(
    opcua_factory: Callable[..., OpcuaPeer],
    lying_opcua_factory: Callable[[OpcuaPeer], LyingOpcua],
) -> None:
    peer = opcua_factory(tags=20, history=10, mixed=10, step_period=400)
    liar = lying_opcua_factory(peer)
    tags = tuple(f"Bulk.{index:05d}" for index in range(20))
    log = ReadLog()

    async def use(driver: OpcUaDriver) -> list[dict[str, Any]]:
        liar.tell(Lie.SILENCE, Service.PUBLISH, skip=3, times=2)
        return await watched(driver, tags, 6, every=0.1, log=log)

    rows = with_driver(liar.endpoint, use)
    assert liar.lies_told == 2
    assert "Republish" in {line["service"] for line in peer.requests()}
    for values in steps_of(rows, tags):
        assert_nothing_lost(values)
    assert log.notes == []


def test_notifications_that_cannot_be_had_again_are_noted(
    opcua_factory: Callable[..., OpcuaPeer],
    lying_opcua_factory: Callable[[OpcuaPeer], LyingOpcua],
) -> None:
    peer = opcua_factory(tags=5, history=10, mixed=10, step_period=300)
    inner = lying_opcua_factory(peer)
    with LyingOpcua(_as_peer(peer, inner)) as outer:
        log = ReadLog()

        async def use(driver: OpcUaDriver) -> list[dict[str, Any]]:
            inner.tell(Lie.SILENCE, Service.PUBLISH, skip=3, times=1)
            code = ua.StatusCodes.BadMessageNotAvailable
            outer.tell(Lie.SERVICE_FAULT, Service.REPUBLISH, code=code)
            return await watched(driver, ("Bulk.00000",), 4, every=0.1, log=log)

        rows = with_driver(outer.endpoint, use)
        assert len(rows) > 3
        assert outer.lies_told >= 1
        assert any("could not be had again" in note for note in log.notes)


class _Behind:
    def __init__(self, endpoint: str, port: int) -> None:
        self.endpoint, self.port = endpoint, port


def _as_peer(peer: OpcuaPeer, proxy: LyingOpcua) -> Any:
    return _Behind(proxy.endpoint, proxy.port)


@pytest.mark.parametrize(
    ("service", "code"),
    [
        (Service.CREATE_SUBSCRIPTION, ua.StatusCodes.BadServiceUnsupported),
        (Service.CREATE_SUBSCRIPTION, ua.StatusCodes.BadTooManySubscriptions),
        (Service.CREATE_ITEMS, ua.StatusCodes.BadServiceUnsupported),
    ],
)
def test_without_subscriptions_the_tags_are_polled(
    opcua_peer: OpcuaPeer,
    lying_opcua_factory: Callable[[OpcuaPeer], LyingOpcua],
    service: Service,
    code: int,
) -> None:
    liar = lying_opcua_factory(opcua_peer)
    liar.tell(Lie.SERVICE_FAULT, service, code=code)
    log = ReadLog()
    rows = with_driver(liar.endpoint, lambda driver: watched(driver, LIVE, 1.5, 0.2, log))
    assert len(rows) >= 4
    assert any("polled" in note and "Bad" in note for note in log.notes)


def test_a_server_with_too_little_room_is_polled(opcua_factory: Callable[..., OpcuaPeer]) -> None:
    peer = opcua_factory(tags=30, history=10, mixed=10, max_monitored_items=10)
    tags = tuple(f"Bulk.{index:05d}" for index in range(30))
    log = ReadLog()
    rows = with_driver(peer.endpoint, lambda driver: watched(driver, tags, 1, 0.2, log))
    assert {row["tag_id"] for row in rows} == set(tags)
    assert all(row["failure"] is None for row in rows)
    assert any("BadTooManyMonitoredItems" in note for note in log.notes)


@pytest.mark.parametrize(
    "code", [ua.StatusCodes.BadTooManyOperations, ua.StatusCodes.BadRequestTooLarge]
)
def test_a_server_that_finds_the_items_too_many_is_asked_for_fewer(
    opcua_peer: OpcuaPeer, lying_opcua_factory: Callable[[OpcuaPeer], LyingOpcua], code: int
) -> None:
    liar = lying_opcua_factory(opcua_peer)
    liar.tell(Lie.SERVICE_FAULT, Service.CREATE_ITEMS, times=3, code=code)
    tags = tuple(f"Bulk.{index:05d}" for index in range(300))
    log = ReadLog()
    opcua_peer.clear_requests()
    rows = with_driver(liar.endpoint, lambda driver: watched(driver, tags, 2, 0.2, log))
    assert liar.lies_told == 3
    assert {row["tag_id"] for row in rows} == set(tags)
    assert log.notes == []


def test_several_watches_share_a_session(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        live, still, both = await asyncio.gather(
            watched(driver, LIVE, 2),
            watched(driver, ("Bulk.00001", "Bulk.00002"), 1),
            watched(driver, ("Bulk.00003", "Live.Counter"), 2),
        )
        assert {row["tag_id"] for row in still} == {"Bulk.00001", "Bulk.00002"}
        assert len(live) > 5
        assert {row["tag_id"] for row in both} == {"Bulk.00003", "Live.Counter"}
        again = await watched(driver, LIVE, 1)
        assert len(again) > 2

    with_driver(opcua_peer.endpoint, use)


def test_the_subscription_is_deleted_when_the_watch_ends(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        opcua_peer.clear_requests()
        watching = asyncio.create_task(watched(driver, LIVE, 60))
        await until_requested(opcua_peer, "Publish")
        began = time.monotonic()
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
        assert time.monotonic() - began < 1
        await until_requested(opcua_peer, "DeleteSubscriptions")
        assert driver.connected
        assert (await snapshot(driver, ["Status.Good"]))["Status.Good"]["value"] == 20.5

    with_driver(opcua_peer.endpoint, use)


def test_closing_the_driver_ends_the_watch(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        watching = asyncio.create_task(watched(driver, LIVE, 60))
        await asyncio.sleep(0.5)
        began = time.monotonic()
        await driver.close()
        with pytest.raises(SourceUnreachable):
            await watching
        assert time.monotonic() - began < 2.5

    with_driver(opcua_peer.endpoint, use)


def test_a_restart_while_watching(opcua_factory: Callable[..., OpcuaPeer]) -> None:
    peer = opcua_factory(tags=5, history=10, mixed=10)

    async def main() -> None:
        driver = OpcUaDriver(config(peer.endpoint))
        await driver.connect()
        watching = asyncio.create_task(watched(driver, LIVE, 60))
        await asyncio.sleep(0.7)
        peer.kill()
        with pytest.raises(SourceUnreachable):
            await watching
        peer.restart()
        await driver.connect()
        assert len(await watched(driver, LIVE, 1)) > 3
        await driver.close()

    asyncio.run(main())


def test_a_stall_while_watching(
    opcua_factory: Callable[..., OpcuaPeer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("greenlang_data.drivers.opcua.subscription._KEEP_ALIVE_SECONDS", 0.5)
    peer = opcua_factory(tags=5, history=10, mixed=10)

    async def main() -> None:
        driver = OpcUaDriver(config(peer.endpoint, timeout_seconds=1))
        await driver.connect()
        watching = asyncio.create_task(watched(driver, LIVE, 60))
        await asyncio.sleep(0.7)
        peer.pause()
        began = time.monotonic()
        with pytest.raises(SourceUnreachable, match="silent"):
            await watching
        assert 1 < time.monotonic() - began < 6
        assert not driver.connected
        peer.resume()
        await driver.connect()
        assert len(await watched(driver, LIVE, 1)) > 3
        # A short stall ends nothing.
        watching = asyncio.create_task(watched(driver, LIVE, 3))
        await asyncio.sleep(0.5)
        peer.pause()
        await asyncio.sleep(0.6)
        peer.resume()
        assert len(await watching) > 3
        await driver.close()

    asyncio.run(main())


@pytest.mark.parametrize("lie", [Lie.TRUNCATED, Lie.TRAILING, Lie.UNKNOWN_TYPE, Lie.WRONG_HANDLE])
def test_publications_that_are_wrong_are_not_used(
    opcua_peer: OpcuaPeer, lying_opcua_factory: Callable[[OpcuaPeer], LyingOpcua], lie: Lie
) -> None:
    liar = lying_opcua_factory(opcua_peer)

    async def use(driver: OpcUaDriver) -> None:
        liar.tell(lie, Service.PUBLISH, skip=1)
        with pytest.raises(ProtocolError, match="cannot be understood"):
            await watched(driver, LIVE, 20)
        liar.tell(Lie.NONE)
        assert len(await watched(driver, LIVE, 1)) > 3

    with_driver(liar.endpoint, use)


def test_a_subscription_that_the_server_forgot(
    opcua_peer: OpcuaPeer, lying_opcua_factory: Callable[[OpcuaPeer], LyingOpcua]
) -> None:
    liar = lying_opcua_factory(opcua_peer)

    async def use(driver: OpcUaDriver) -> None:
        liar.tell(Lie.SERVICE_FAULT, Service.PUBLISH, skip=4, code=ua.StatusCodes.BadNoSubscription)
        with pytest.raises(SourceUnreachable, match="no longer knows"):
            await watched(driver, LIVE, 20)
        liar.tell(Lie.NONE)
        await driver.connect()
        assert len(await watched(driver, LIVE, 1)) > 3

    with_driver(liar.endpoint, use)


def test_the_second_server_reports_too(opcua_second: OpcuaPeer) -> None:
    async def main() -> None:
        settings = {"namespace_index": opcua_second.namespace}
        async with (
            connected(opcua_second.endpoint, **settings) as driver,
            aclosing(driver.watch(Watch(("Type.Double",), 0.2), ReadLog())) as batches,
        ):
            assert (await first_row(batches))["value"] == 0.1

    asyncio.run(main())
