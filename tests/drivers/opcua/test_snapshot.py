"""Current values from the node-opcua server, which shares no code with the driver."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from greenlang_data.drivers.base import ReadLog, Records, Snapshot
from greenlang_data.drivers.opcua import OpcUaDriver
from greenlang_data.drivers.schema import SNAPSHOT, UNKNOWN_TAG
from greenlang_data.errors import QueryError, SourceUnreachable, UnsupportedError
from greenlang_data.settings.tag import TagEntry
from tests.drivers.opcua.helpers import batches, config, connected, snapshot, with_driver
from tests.peers.launch import OpcuaPeer

BULK_TIME = datetime(2025, 6, 15, 12, 34, 56, 789000, tzinfo=UTC)

# tag -> value, text, data type
TYPES: dict[str, tuple[float | None, str | None, str | None]] = {
    "Boolean": (1.0, None, "Boolean"),
    "SByte": (-128.0, None, "SByte"),
    "Byte": (255.0, None, "Byte"),
    "Int16": (-32768.0, None, "Int16"),
    "UInt16": (65535.0, None, "UInt16"),
    "Int32": (-2147483648.0, None, "Int32"),
    "UInt32": (4294967295.0, None, "UInt32"),
    "Int64": (None, "-9223372036854775807", "Int64"),
    "UInt64": (None, "9223372036854775813", "UInt64"),
    "Float": (1.5, None, "Float"),
    "Double": (0.1, None, "Double"),
    "String": (None, "Zähler größer ß 🌱", "String"),
    "DateTime": (None, "2024-02-29T23:59:58.1234567Z", "DateTime"),
    "ByteString": (None, "000102feff", "ByteString"),
    "Guid": (None, "72962b91-fa75-4ae6-8d28-b404dc7daf63", "Guid"),
    "LocalizedText": (None, "Förderpumpe", "LocalizedText"),
    "NodeId": (None, "i=2258", "NodeId"),
    "DoubleArray": (None, "[1.5,-2.25,1e+300]", "Double[3]"),
    "Int32Array": (None, "[-1,0,2147483647]", "Int32[3]"),
    "StringArray": (None, '["eins","zwei","drei €"]', "String[3]"),
    "EmptyArray": (None, "[]", "Double[0]"),
    "DoubleMatrix": (None, "[[1.0,2.0,3.0],[4.0,5.0,6.0]]", "Double[2,3]"),
    "NullValue": (None, None, None),
    "Infinity": (float("-inf"), None, "Double"),
}

# tag -> value, quality, status
STATUSES: dict[str, tuple[float | None, str, str]] = {
    "Status.Good": (20.5, "good", "Good"),
    "Status.GoodClamped": (21.5, "good", "GoodClamped"),
    "Status.GoodLocalOverride": (22.5, "good", "GoodLocalOverride"),
    "Status.GoodCalculated": (23.5, "good", "Good"),
    "Status.Uncertain": (55.5, "uncertain", "UncertainLastUsableValue"),
    "Status.Bad": (None, "bad", "BadSensorFailure"),
    "Status.BadWithValue": (None, "bad", "BadDeviceFailure"),
}


def test_every_type_is_read_exactly(opcua_peer: OpcuaPeer) -> None:
    rows = with_driver(
        opcua_peer.endpoint, lambda driver: snapshot(driver, [f"Type.{name}" for name in TYPES])
    )
    found = {
        name.removeprefix("Type."): (row["value"], row["text"], row["data_type"])
        for name, row in rows.items()
    }
    assert found == TYPES
    for row in rows.values():
        assert row["timestamp"] == BULK_TIME
        assert row["quality"] == "good"
        assert row["failure"] is None


def test_a_number_that_is_none_stays_one(opcua_peer: OpcuaPeer) -> None:
    rows = with_driver(opcua_peer.endpoint, lambda driver: snapshot(driver, ["Type.NotANumber"]))
    value = rows["Type.NotANumber"]["value"]
    assert value != value


def test_statuses_keep_their_names_and_bad_values_are_null(opcua_peer: OpcuaPeer) -> None:
    rows = with_driver(opcua_peer.endpoint, lambda driver: snapshot(driver, list(STATUSES)))
    found = {tag: (row["value"], row["quality"], row["status"]) for tag, row in rows.items()}
    assert found == STATUSES
    assert all(row["failure"] is None for row in rows.values())


def test_tags_that_cannot_be_read_fail_alone(opcua_peer: OpcuaPeer) -> None:
    tags = ["Status.Good", "Nothing", "Access.WriteOnly", "Access.Denied", "nsu=urn:no;s=x"]
    rows = with_driver(opcua_peer.endpoint, lambda driver: snapshot(driver, tags))
    assert rows["Status.Good"]["failure"] is None
    failures = {tag: rows[tag]["failure"] for tag in tags[1:]}
    assert failures["Nothing"].startswith(UNKNOWN_TAG)
    assert "ns=2;s=Nothing (BadNodeIdUnknown)" in failures["Nothing"]
    assert "BadNotReadable" in failures["Access.WriteOnly"]
    assert "BadUserAccessDenied" in failures["Access.Denied"]
    assert "BadNodeIdUnknown" in failures["nsu=urn:no;s=x"]
    for tag in tags[1:]:
        assert rows[tag]["quality"] == "bad"
        assert rows[tag]["value"] is None


def test_units_and_names_come_from_the_server_or_the_configuration(opcua_peer: OpcuaPeer) -> None:
    entries = (
        TagEntry(tag="flow", node_id=opcua_peer.node("Analog.Flow"), unit="m3/h"),
        TagEntry(tag="plain", node_id=opcua_peer.node("Bulk.00001"), unit="bar"),
    )
    tags = ["Analog.Temperature", "Analog.Flow", "flow", "plain", "Bulk.00000", "i=2258"]
    rows = with_driver(opcua_peer.endpoint, lambda driver: snapshot(driver, tags), tags=entries)
    units = {tag: row["unit"] for tag, row in rows.items()}
    assert units == {
        "Analog.Temperature": "°C",
        "Analog.Flow": "m³/h",
        "flow": "m3/h",
        "plain": "bar",
        "Bulk.00000": None,
        "i=2258": None,
    }
    assert rows["flow"]["tag_name"] == "Analog.Flow"
    assert rows["i=2258"]["tag_name"] == "CurrentTime"


def test_times_keep_what_the_server_sent(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> dict[str, int | None]:
        names = ["Picoseconds", "NoSource", "Old", "FarFuture", "Before1970"]
        request = Snapshot(tuple(f"Time.{name}" for name in names))
        (batch,) = await batches(driver, request)
        assert batch.schema == SNAPSHOT
        stamps = [stamp.value for stamp in batch.column("timestamp")]
        assert batch.column("server_timestamp")[1].as_py() is not None
        return dict(zip(names, stamps, strict=True))

    found = with_driver(opcua_peer.endpoint, use)
    milliseconds = int(BULK_TIME.timestamp() * 1000)
    # 1234 ticks of 100 ns, and 56.78 ns in picoseconds, of which whole nanoseconds are kept.
    assert found["Picoseconds"] == milliseconds * 1_000_000 + 123_400 + 56
    assert found["NoSource"] is None
    assert found["Old"] is None
    assert found["FarFuture"] is None
    landing = datetime(1969, 7, 20, 20, 17, 40, 250000, tzinfo=UTC)
    assert found["Before1970"] == round(landing.timestamp() * 1000) * 1_000_000


def test_a_repeated_snapshot_costs_one_request_per_chunk(opcua_peer: OpcuaPeer) -> None:
    tags = [f"Bulk.{index:05d}" for index in range(300)]

    async def use(driver: OpcUaDriver) -> tuple[int, int]:
        first, second = ReadLog(), ReadLog()
        await snapshot(driver, tags, first)
        opcua_peer.clear_requests()
        rows = await snapshot(driver, tags, second)
        assert [rows[tag]["value"] for tag in tags] == [i * 0.5 + 0.25 for i in range(300)]
        assert [line["service"] for line in opcua_peer.requests()] == ["Read"]
        return first.requests, second.requests

    first, second = with_driver(opcua_peer.endpoint, use)
    assert first > 1
    assert second == 1


def test_ten_thousand_tags_within_the_limits(opcua_peer_large: OpcuaPeer) -> None:
    tags = [f"Bulk.{index:05d}" for index in range(10_000)]
    opcua_peer_large.clear_requests()

    async def use(driver: OpcUaDriver) -> None:
        rows = await snapshot(driver, tags)
        assert [rows[tag]["value"] for tag in tags] == [i * 0.5 + 0.25 for i in range(10_000)]

    with_driver(opcua_peer_large.endpoint, use, timeout_seconds=30)
    for line in opcua_peer_large.requests():
        if line["service"] == "Read":
            assert line["nodes"] <= 2000
        if line["service"] == "TranslateBrowsePathsToNodeIds":
            assert line["nodes"] <= 100


def test_a_server_that_hides_its_limit_is_asked_for_less(opcua_peer: OpcuaPeer) -> None:
    tags = [f"Bulk.{index:05d}" for index in range(300)]

    async def use(driver: OpcUaDriver) -> None:
        session = driver._session
        assert session is not None
        # As if the server had told no limits; it still refuses more than 2,000 and 100 nodes.
        session.connection.limits._largest["translate"] = 1000
        session.connection.limits._largest["read"] = 100_000
        many = (*tags, *(f"Nothing.{index}" for index in range(4000)))
        (batch,) = await batches(driver, Snapshot(many))
        assert batch.num_rows == 4300
        assert batch.column("value").null_count == 4000
        assert session.connection.limits["read"] < 4300

    with_driver(opcua_peer.endpoint, use, timeout_seconds=30)


def test_the_second_server_gives_the_same(opcua_second: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        names = ["Type.Boolean", "Type.Int32", "Type.UInt64", "Type.Double", "Type.String"]
        rows = await snapshot(driver, [*names, "Status.Uncertain", "Status.Bad", "Nothing"])
        for tag in names:
            row = rows[tag]
            expected = TYPES[tag.removeprefix("Type.")]
            assert (row["value"], row["text"], row["data_type"]) == expected
            assert row["timestamp"] == BULK_TIME
        assert rows["Status.Uncertain"]["quality"] == "uncertain"
        assert rows["Status.Uncertain"]["value"] == 55.5
        assert rows["Status.Bad"]["status"] == "BadSensorFailure"
        assert rows["Nothing"]["failure"].startswith(UNKNOWN_TAG)
        await driver.ping()

    with_driver(opcua_second.endpoint, use, namespace_index=opcua_second.namespace)


def test_a_malformed_node_id_is_refused_before_anything_is_sent(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        opcua_peer.clear_requests()
        with pytest.raises(QueryError, match="ns=2;x=5"):
            await batches(driver, Snapshot(("Bulk.00000", "ns=2;x=5")))
        assert opcua_peer.requests() == []

    with_driver(opcua_peer.endpoint, use)


def test_no_tags_and_no_records(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        assert await batches(driver, Snapshot(())) == []
        with pytest.raises(UnsupportedError):
            await batches(driver, Records("material"))

    with_driver(opcua_peer.endpoint, use)


def test_many_reads_at_the_same_time_share_the_connection(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        tags = [[f"Bulk.{index:05d}" for index in range(first, 300, 7)] for first in range(7)]
        found = await asyncio.gather(*(snapshot(driver, some) for some in tags * 3))
        for rows in found:
            for tag, row in rows.items():
                assert row["value"] == int(tag[-5:]) * 0.5 + 0.25

    with_driver(opcua_peer.endpoint, use)


def test_nothing_but_reading_is_ever_asked(opcua_peer: OpcuaPeer) -> None:
    opcua_peer.clear_requests()

    async def use(driver: OpcUaDriver) -> None:
        await snapshot(driver, ["Bulk.00000", "Access.Writable", "Analog.Flow"])
        await driver.ping()

    with_driver(opcua_peer.endpoint, use)
    services = {line["service"] for line in opcua_peer.requests()}
    assert services <= {
        "Read", "HistoryRead", "TranslateBrowsePathsToNodeIds", "GetEndpoints", "CreateSession",
        "ActivateSession", "CloseSession", "OpenSecureChannel", "CloseSecureChannel",
    }  # fmt: skip


def test_before_connecting_and_after_closing_reads_are_refused(opcua_peer: OpcuaPeer) -> None:
    async def main() -> None:
        driver = OpcUaDriver(config(opcua_peer.endpoint))
        assert not driver.connected
        with pytest.raises(SourceUnreachable):
            await batches(driver, Snapshot(("Bulk.00000",)))
        async with connected(opcua_peer.endpoint) as other:
            assert other.connected
            await other.connect()
            await other.close()
            await other.close()
            assert not other.connected
            with pytest.raises(SourceUnreachable):
                await other.ping()

    asyncio.run(main())
