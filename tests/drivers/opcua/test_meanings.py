"""Enumerations and structures: what values mean beyond their bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from asyncua import ua

import greenlang_data as gd
from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua import OpcUaDriver
from greenlang_data.drivers.schema import about_series
from tests.drivers.opcua.helpers import (
    HISTORY_END,
    HISTORY_START,
    config,
    series,
    snapshot,
    window,
    with_driver,
)
from tests.peers.launch import OpcuaPeer
from tests.peers.lying_opcua import Lie, LyingOpcua, Service


@pytest.mark.parametrize(
    ("tag", "number", "name"),
    [
        ("Discrete.Pump", 1, "Running"),
        ("Discrete.PumpUnknown", 7, None),
        ("Discrete.Valve", 2, "öffen"),
        ("Discrete.Mode", 30, "manual"),
        ("i=2259", 0, "Running"),
    ],
)
def test_numbers_keep_their_value_and_get_their_name(
    opcua_peer: OpcuaPeer, tag: str, number: float, name: str | None
) -> None:
    async def use(driver: OpcUaDriver) -> None:
        row = (await snapshot(driver, [tag]))[tag]
        assert (row["value"], row["text"], row["data_type"]) == (number, name, "Enumeration")

    with_driver(opcua_peer.endpoint, use)


def test_plain_integers_stay_plain_and_are_asked_about_once(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        tags = ["Type.Int32", "Type.Byte", "Discrete.Pump"]
        await snapshot(driver, tags)
        opcua_peer.clear_requests()
        rows = await snapshot(driver, tags)
        assert [line["service"] for line in opcua_peer.requests()] == ["Read"]
        assert (rows["Type.Int32"]["data_type"], rows["Type.Int32"]["text"]) == ("Int32", None)
        assert rows["Discrete.Pump"]["text"] == "Running"

    with_driver(opcua_peer.endpoint, use)


def test_states_have_their_names_in_histories_too(opcua_peer: OpcuaPeer) -> None:
    tags = ["Discrete.PumpHistory", "History.Ints", "History.Million"]

    async def use(driver: OpcUaDriver) -> None:
        end = HISTORY_START + timedelta(seconds=1000)
        request = window(*tags, end=end)
        found = await series(driver, request)
        states = found["Discrete.PumpHistory"]
        assert about_series(states)["data_type"] == "Enumeration"
        names = ["Off", "Running", "Fault", None]
        numbers = [0.0, 1.0, 2.0, 7.0]
        bad = [index % 10 == 9 for index in range(1000)]
        expected = [None if bad[i] else names[i % 4] for i in range(1000)]
        assert states.column("text").to_pylist() == expected
        values = [None if bad[i] else numbers[i % 4] for i in range(1000)]
        assert states.column("value").to_pylist() == values
        assert about_series(found["History.Ints"])["data_type"] == "Int32"
        assert found["History.Ints"].column("text").null_count == found["History.Ints"].num_rows
        opcua_peer.clear_requests()
        await series(driver, request)
        services = {line["service"] for line in opcua_peer.requests()}
        assert services == {"HistoryRead"}

    with_driver(opcua_peer.endpoint, use)


@pytest.mark.parametrize("page", [1, 7, 50_000])
def test_pages_do_not_show_in_the_names_of_states(opcua_peer: OpcuaPeer, page: int) -> None:
    async def use(driver: OpcUaDriver) -> None:
        assert driver._session is not None
        driver._session.connection.limits.shrink("page", page)
        end = HISTORY_START + timedelta(seconds=20)
        table = (await series(driver, window("Discrete.PumpHistory", end=end)))[
            "Discrete.PumpHistory"
        ]
        texts = table.column("text").cast("string").to_pylist()
        assert texts[:5] == ["Off", "Running", "Fault", None, "Off"]
        assert len(texts) == 20
        assert texts.count("Running") == 4  # and once bad

    with_driver(opcua_peer.endpoint, use)


def test_states_in_frames(opcua_peer: OpcuaPeer) -> None:
    tag, end = "Discrete.PumpHistory", HISTORY_START + timedelta(seconds=4)
    with gd.Session(sources=[config(opcua_peer.endpoint)]) as session:
        long = session.scada([tag], start=HISTORY_START, end=end, shape="long")
        wide = session.scada([tag], start=HISTORY_START, end=end)
    assert long["value"].tolist() == [0.0, 1.0, 2.0, 7.0]
    assert long["text"].fillna("-").tolist() == ["Off", "Running", "Fault", "-"]
    assert wide[tag].tolist() == ["Off", "Running", "Fault", "7"]
    assert gd.verify(long) == "intact"
    assert gd.verify(wide) == "intact"


def test_structures_of_the_standard(opcua_peer: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        row = (await snapshot(driver, ["i=2256"]))["i=2256"]
        assert row["value"] is None
        assert row["data_type"] == "ServerStatusDataType"
        content = json.loads(row["text"])
        assert content["State"] == "Running_0"
        assert content["BuildInfo"]["ProductName"] == "NodeOPCUA-Server"
        assert content["SecondsTillShutdown"] == 0
        assert content["StartTime"].endswith("Z")

    with_driver(opcua_peer.endpoint, use)


def test_structures_of_the_plant_s_own(opcua_second: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        row = (await snapshot(driver, ["Recipe"]))["Recipe"]
        assert row["data_type"] == "Recipe"
        assert json.loads(row["text"]) == {
            "Name": "Süß",
            "Batch": 2**63 + 5,
            "Steps": [1, -2, 3],
            "Start": {"X": 0.1, "Y": -2.0},
            "Note": None,
        }

    with_driver(opcua_second.endpoint, use, namespace_index=opcua_second.namespace)


def test_structures_in_histories(opcua_second: OpcuaPeer) -> None:
    async def use(driver: OpcUaDriver) -> None:
        end = HISTORY_END + timedelta(days=365 * 100)
        found = await series(driver, window("Recipe", start=HISTORY_START, end=end))
        (text,) = found["Recipe"].column("text").to_pylist()
        assert json.loads(text)["Start"] == {"X": 0.1, "Y": -2.0}
        assert about_series(found["Recipe"])["data_type"] == "Recipe"

    with_driver(opcua_second.endpoint, use, namespace_index=opcua_second.namespace)


def test_what_the_server_does_not_describe_stays_bytes_and_is_noted(
    opcua_second: OpcuaPeer,
) -> None:
    log = ReadLog()

    async def use(driver: OpcUaDriver) -> None:
        # This server has no definitions of the standard's own structures.
        row = (await snapshot(driver, ["i=2256"], log))["i=2256"]
        content = json.loads(row["text"])
        assert content["type_id"] == "i=864"
        assert len(bytes.fromhex(content["body"])) > 50
        assert row["data_type"] == "ExtensionObject"

    with_driver(opcua_second.endpoint, use)
    assert any("cannot be decoded: i=864" in note for note in log.notes)


@pytest.mark.parametrize("lie", [Lie.SERVICE_FAULT, Lie.TRUNCATED, Lie.SILENCE])
def test_values_do_not_depend_on_what_they_mean(
    opcua_peer: OpcuaPeer, lying_opcua_factory: Callable[[OpcuaPeer], LyingOpcua], lie: Lie
) -> None:
    liar = lying_opcua_factory(opcua_peer)
    log = ReadLog()

    async def use(driver: OpcUaDriver) -> None:
        liar.tell(lie, Service.BROWSE, code=ua.StatusCodes.BadServiceUnsupported)
        rows = await snapshot(driver, ["Discrete.Valve", "i=2260", "Status.Good"], log)
        assert rows["Discrete.Valve"]["value"] == 2
        assert json.loads(rows["i=2260"]["text"])["type_id"] == "i=340"
        assert rows["Status.Good"]["value"] == 20.5

    with_driver(liar.endpoint, use, timeout_seconds=2)
    assert any("data types" in note for note in log.notes)
