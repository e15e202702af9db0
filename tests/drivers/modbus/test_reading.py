"""Snapshots of two independent servers: every type, table and order, exactly."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from greenlang_data.connectors.scada import SCADAConnector, SCADAQuery
from greenlang_data.drivers.base import ReadLog, Records, Request, Snapshot, Window
from greenlang_data.drivers.modbus import ModbusDriver
from greenlang_data.drivers.modbus.driver import CLIENT_CLOCK
from greenlang_data.drivers.modbus.tcp import TcpLink
from greenlang_data.drivers.schema import SNAPSHOT
from greenlang_data.errors import (
    ConfigurationError,
    SourceUnreachable,
    UnknownTagError,
    UnsupportedError,
)
from greenlang_data.settings.register import Register
from tests.drivers.modbus.helpers import (
    Rows,
    config,
    holding_word,
    read_once,
    register,
    snapshot,
    values,
    with_driver,
    words,
)
from tests.peers.launch import Peer
from tests.peers.proxy import FaultProxy

Factory = Callable[..., Peer]
ProxyFactory = Callable[[int], FaultProxy]

STEP = 700000000000000003


def many(
    kind: str, start: int, rows: int, order: str | None = "ABCD", table: str = "holding"
) -> list[Register]:
    width = {"16": 1, "32": 2, "64": 4}[kind[-2:]]
    return [
        register(
            f"{table}{start + width * row}",
            table=table,
            type=kind,
            address=start + width * row,
            word_order=order,
        )
        for row in range(rows)
    ]


@pytest.mark.parametrize(
    ("ones", "expected"),
    [
        (many("float32", 0, 5000), [row * 0.5 - 100 for row in range(5000)]),
        (many("float32", 10000, 100, "CDAB"), [row * 1.25 + 0.5 for row in range(100)]),
        (many("float32", 10200, 100, "BADC"), [row * 1.25 + 0.5 for row in range(100)]),
        (many("float32", 10400, 100, "DCBA"), [row * 1.25 + 0.5 for row in range(100)]),
        (many("int16", 11000, 100, None), [(row - 50) * 655 for row in range(100)]),
        (many("uint16", 11100, 100, None), [row * 655 for row in range(100)]),
        (many("int32", 11200, 50), [(row - 25) * 40000003 for row in range(50)]),
        (many("uint32", 11300, 50), [row * 80000003 % 2**32 for row in range(50)]),
        (many("float64", 11600, 25), [row * 0.125 - 1.5 for row in range(25)]),
        (many("int32", 11700, 50, "CDAB"), [(row - 25) * 40000003 for row in range(50)]),
        (
            many("float32", 0, 5000, table="input"),
            [row * 0.25 + 1000 for row in range(5000)],
        ),
    ],
    ids=lambda one: f"{one[0].type}-{one[0].tag}" if isinstance(one[0], Register) else "",
)
def test_numbers(modbus_peer: Peer, ones: list[Register], expected: list[float]) -> None:
    assert list(values(read_once(config(modbus_peer.port, ones))).values()) == expected


@pytest.mark.parametrize(
    ("start", "kind", "order", "first"),
    [(11400, "int64", "ABCD", -12), (11500, "uint64", "ABCD", 0), (11800, "uint64", "CDAB", 0)],
)
def test_long_integers_are_exact(
    modbus_peer: Peer, start: int, kind: str, order: str, first: int
) -> None:
    rows = read_once(config(modbus_peer.port, many(kind, start, 25, order)))
    got = [int(row["text"] or row["value"]) for row in rows.values()]
    assert got == [(index + first) * STEP for index in range(25)]
    assert sum(row["text"] is None for row in rows.values()) == 1  # the zero


def test_bits_and_bit_tables(modbus_peer: Peer) -> None:
    coils = [register(f"C{at}", table="coil", type="bool", address=at) for at in range(3, 4100)]
    inputs = [register(f"D{at}", table="discrete", type="bool", address=at) for at in range(50)]
    bits = [register(f"B{bit}", type="bool", bit=bit, address=12100) for bit in range(16)]
    got = values(read_once(config(modbus_peer.port, coils + inputs + bits)))
    assert [got[f"C{at}"] for at in range(3, 4100)] == [at % 3 == 0 for at in range(3, 4100)]
    assert [got[f"D{at}"] for at in range(50)] == [at % 5 == 0 or at % 7 == 0 for at in range(50)]
    assert [got[f"B{bit}"] for bit in range(16)] == [0xA5C3 >> bit & 1 for bit in range(16)]


def text(tag: str, address: int, order: str | None = None) -> Register:
    return register(tag, type="string", address=address, length=16, word_order=order)


def test_texts(modbus_peer: Peer) -> None:
    ones = [
        text("plain", 12000),
        text("umlaut", 12016),
        text("latin", 12032),
        text("swapped", 12048, "BADC"),
        text("blanks", 12064),
    ]
    rows = read_once(config(modbus_peer.port, ones))
    assert {tag: row["text"] for tag, row in rows.items()} == {
        "plain": "GREENLANG",
        "umlaut": "Zählerstand 20 °C",
        "latin": None,
        "swapped": "GREENLANG",
        "blanks": "PUMP 01",
    }
    assert rows["latin"]["failure"] == "the text is not UTF-8: byte 0xFC at position 2"
    assert rows["latin"]["status"] == "InvalidText"
    assert {row["value"] for row in rows.values()} == {None}


def test_what_is_no_number_is_bad(modbus_peer: Peer) -> None:
    names = ["nan", "inf", "minus", "negative zero", "largest", "smallest"]
    ones = [
        register(name, type="float32", word_order="ABCD", address=12300 + 2 * index)
        for index, name in enumerate(names)
    ]
    rows = read_once(config(modbus_peer.port, ones))
    assert [row["status"] for row in rows.values()] == [
        *("NaN", "Infinity", "-Infinity"),
        *(None, None, None),
    ]
    assert [row["quality"] for row in rows.values()] == ["bad"] * 3 + ["good"] * 3
    assert [row["value"] for row in rows.values()][:3] == [None] * 3
    assert str(rows["negative zero"]["value"]) == "-0.0"
    assert rows["largest"]["value"] == 3.4028234663852886e38
    assert rows["smallest"]["value"] == 1.401298464324817e-45
    assert {row["failure"] for row in rows.values()} == {None}


def test_scaled_values(modbus_peer: Peer) -> None:
    ones = [register(f"T{at}", type="uint16", address=at, scale=0.1, unit="Cel") for at in (21, 22)]
    ones = [one.model_copy(update={"address": one.address + 15000}) for one in ones]
    rows = read_once(config(modbus_peer.port, ones))
    assert [row["value"] for row in rows.values()] == [
        holding_word(15021) / 10,
        holding_word(15022) / 10,
    ]
    assert {(row["unit"], row["data_type"]) for row in rows.values()} == {("Cel", "float64")}


def test_the_second_server_agrees(modbus_second: Peer) -> None:
    ones = [
        *many("float32", 0, 100),
        *words(300, 400),
        text("name", 400).model_copy(update={"length": 5}),
        *[register(f"C{at}", table="coil", type="bool", address=at) for at in range(200)],
        *[register(f"D{at}", table="discrete", type="bool", address=at) for at in range(200)],
        *many("float32", 0, 100, table="input"),
        *[register(f"U{at}", address=at, unit_id=2) for at in range(10)],
    ]
    rows = read_once(config(modbus_second.port, ones))
    got = values(rows)
    assert [got[f"holding{2 * at}"] for at in range(100)] == [at * 0.5 - 100 for at in range(100)]
    assert [got[f"input{2 * at}"] for at in range(100)] == [at * 0.25 + 1000 for at in range(100)]
    assert [got[f"W{at}"] for at in range(300, 400)] == [holding_word(at) for at in range(300, 400)]
    assert [got[f"C{at}"] for at in range(200)] == [at % 3 == 0 for at in range(200)]
    assert [got[f"D{at}"] for at in range(200)] == [at % 5 == 0 or at % 7 == 0 for at in range(200)]
    assert [got[f"U{at}"] for at in range(10)] == list(range(1000, 1010))
    assert rows["name"]["text"] == "GREENLANG"


def test_the_shape_and_the_log(modbus_peer: Peer) -> None:
    ones = [*words(14000, 14003, unit="kPa"), register("Flow", type="uint16", address=14500)]

    async def use(driver: ModbusDriver) -> None:
        log, before = ReadLog(), datetime.now(UTC)
        tags = ("Flow", "W14002", "W14000")
        (batch,) = [one async for one in driver.read(Snapshot(tags), log)]
        assert batch.schema == SNAPSHOT
        batch.validate(full=True)
        rows = batch.to_pylist()
        assert [row["tag_id"] for row in rows] == list(tags)
        assert [row["unit"] for row in rows] == [None, "kPa", "kPa"]
        for row in rows:
            assert before - timedelta(milliseconds=1) <= row["timestamp"] <= datetime.now(UTC)
            assert row["server_timestamp"] is None
        assert log.requests == 2
        assert log.notes == [CLIENT_CLOCK]
        assert await snapshot(driver, ()) == {}

    with_driver(config(modbus_peer.port, ones), use)


def test_values_are_never_put_together_from_two_answers(modbus_factory: Factory) -> None:
    # The peer counts its requests in two registers, so halves of two answers would differ.
    peer = modbus_factory()
    counter = register("Counter", type="uint32", word_order="ABCD", address=13000)
    ones = [*words(12900, 13000), counter, *words(13002, 13120)]

    async def use(driver: ModbusDriver) -> None:
        for _ in range(20):
            value = int((await snapshot(driver))["Counter"]["value"])
            assert value >> 16 == value & 0xFFFF

    with_driver(config(peer.port, ones, max_block_registers=7), use)


def test_unknown_tags_name_the_nearest(modbus_peer: Peer) -> None:
    ones = [register("Boiler.Pressure", address=14000), register("Boiler.Level", address=14001)]

    async def use(driver: ModbusDriver) -> Rows:
        return await snapshot(driver, ("Boiler.Presure", "Boiler.Level", "xyz"))

    rows = with_driver(config(modbus_peer.port, ones), use)
    missing = rows["Boiler.Presure"]
    assert missing["failure"] == "unknown tag 'Boiler.Presure'; did you mean 'Boiler.Pressure'?"
    assert (missing["quality"], missing["value"], missing["timestamp"]) == ("bad", None, None)
    assert rows["xyz"]["failure"] == "unknown tag 'xyz': not in the register map"
    assert rows["Boiler.Level"]["value"] == holding_word(14001)


def test_the_connector_on_top(modbus_peer: Peer) -> None:
    async def run() -> None:
        connector = SCADAConnector(config(modbus_peer.port, words(14000, 14010)))
        payload, provenance = await connector.fetch_data(SCADAQuery(tag_ids=["W14003"]))
        assert payload.tags[0].value == holding_word(14003)
        assert provenance.metadata["requests"] == 1
        with pytest.raises(UnknownTagError):
            await connector.fetch_data(SCADAQuery(tag_ids=["W1"]))
        assert await connector.health_check()
        await connector.disconnect()

    asyncio.run(run())


@pytest.mark.parametrize(
    "request_",
    [
        Window(("W0",), datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC)),
        Records(""),
    ],
)
def test_history_is_refused_with_what_would_give_it(modbus_peer: Peer, request_: Request) -> None:
    async def use(driver: ModbusDriver) -> None:
        with pytest.raises(UnsupportedError, match=r"no history.*Record it from now on"):
            await anext(driver.read(request_, ReadLog()))

    with_driver(config(modbus_peer.port, words(0, 1)), use)


def test_settings_may_change_between_reads(modbus_peer: Peer) -> None:
    async def use(driver: ModbusDriver) -> None:
        log = ReadLog()
        await snapshot(driver, log=log)
        assert log.requests == 1
        driver.config.max_block_registers = 10
        await snapshot(driver, log=log)
        assert log.requests == 11
        driver.config.registers = tuple(words(14200, 14202))
        rows = await snapshot(driver)
        assert values(rows) == {f"W{at}": holding_word(at) for at in (14200, 14201)}

    with_driver(config(modbus_peer.port, words(14000, 14100)), use)


def test_a_value_wider_than_a_block_fails_alone(modbus_peer: Peer) -> None:
    ones = [register("wide", type="float32", word_order="ABCD"), register("word", address=14000)]
    rows = read_once(config(modbus_peer.port, ones, max_block_registers=1))
    assert rows["wide"]["failure"] == "holding 0-1 takes 2 registers, and max_block_registers is 1"
    assert rows["word"]["value"] == holding_word(14000)


def test_a_tag_that_is_there_twice_is_refused(modbus_peer: Peer) -> None:
    with pytest.raises(ConfigurationError, match="more than one tag 'W1'"):
        read_once(config(modbus_peer.port, [*words(0, 3), *words(1, 2)]))


def test_reads_at_the_same_time_share_the_connection(modbus_peer: Peer) -> None:
    async def use(driver: ModbusDriver) -> None:
        reads = [snapshot(driver, (f"W{at}",)) for at in range(14000, 14050)]
        got = [values(rows) for rows in await asyncio.gather(*reads)]
        assert got == [{f"W{at}": holding_word(at)} for at in range(14000, 14050)]

    with_driver(config(modbus_peer.port, words(14000, 14050)), use)


def test_only_reading_functions_reach_the_wire(modbus_factory: Factory) -> None:
    peer = modbus_factory()
    ones = [
        *words(29990, 30020),
        *[register(f"I{at}", table="input", address=at) for at in range(3)],
        *[register(f"C{at}", table="coil", type="bool", address=at) for at in range(3)],
        *[register(f"D{at}", table="discrete", type="bool", address=at) for at in range(3)],
        register("gone", unit_id=200),
    ]

    async def use(driver: ModbusDriver) -> None:
        await driver.ping()
        for _ in range(3):
            await snapshot(driver)

    with_driver(config(peer.port, ones), use)
    assert {one["function"] for one in peer.requests()} == {1, 2, 3, 4}


def test_ping(modbus_peer: Peer) -> None:
    for ones in ([], words(14000, 14001), words(30000, 30001), [register("gone", unit_id=200)]):
        with_driver(config(modbus_peer.port, ones), lambda driver: driver.ping())


def test_lifecycle(modbus_peer: Peer) -> None:
    async def run() -> None:
        driver = ModbusDriver(config(modbus_peer.port, words(14000, 14001)))
        assert not driver.connected
        await driver.close()
        with pytest.raises(SourceUnreachable, match="plant: the connection is closed"):
            await driver.ping()
        with pytest.raises(SourceUnreachable):
            await snapshot(driver)
        for _ in range(3):
            await asyncio.gather(driver.connect(), driver.connect())
            assert driver.connected
            assert values(await snapshot(driver)) == {"W14000": holding_word(14000)}
            await driver.close()
            await driver.close()
            assert not driver.connected

    asyncio.run(run())


def test_no_delay_and_one_connection(modbus_peer: Peer, proxy_factory: ProxyFactory) -> None:
    proxy = proxy_factory(modbus_peer.port)

    async def use(driver: ModbusDriver) -> None:
        await asyncio.gather(driver.connect(), snapshot(driver), driver.ping())
        link = driver._link
        assert isinstance(link, TcpLink)
        assert link._transport is not None
        connection = link._transport.get_extra_info("socket")
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1

    with_driver(config(proxy.port, words(14000, 14300)), use)
    assert proxy.connections == 1


def test_nothing_is_logged(modbus_peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        read_once(config(modbus_peer.port, [*words(29990, 30020), register("gone", unit_id=200)]))
    assert caplog.records == []


@pytest.mark.parametrize("endpoint", ["", "http://plc:502", "plc:0"])
def test_wrong_endpoints(endpoint: str) -> None:
    settings = config(1).model_copy(update={"endpoint": endpoint})
    with pytest.raises(ConfigurationError, match="plant"):
        read_once(settings)
