"""What a device refuses costs only the values concerned, and is found out once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.modbus import ModbusDriver
from greenlang_data.errors import SourceBusy, SourceUnreachable
from greenlang_data.settings.register import Register
from tests.drivers.modbus.helpers import (
    Rows,
    config,
    holding_word,
    read_once,
    register,
    snapshot,
    with_driver,
    words,
)
from tests.peers.launch import Peer
from tests.peers.lying_modbus import Behaviour, LyingModbus

Factory = Callable[..., Peer]
LyingFactory = Callable[..., LyingModbus]


async def counted(driver: ModbusDriver) -> tuple[Rows, ReadLog]:
    log = ReadLog()
    return await snapshot(driver, log=log), log


def floats(count: int) -> list[Register]:
    return [
        register(f"F{at}", type="float32", word_order="ABCD", address=2 * at) for at in range(count)
    ]


def bad(rows: Rows) -> list[str]:
    return [tag for tag, row in rows.items() if row["failure"]]


@pytest.mark.parametrize("position", [0, 30, 61, 62, 2500, 4999])
def test_one_bad_tag_of_5000_costs_14_requests_once(modbus_factory: Factory, position: int) -> None:
    peer = modbus_factory(illegal=[(2 * position, 2 * position)])

    async def use(driver: ModbusDriver) -> None:
        first, log = await counted(driver)
        again, later = await counted(driver)
        assert 81 < log.requests <= 81 + 14
        assert later.requests <= 82  # the values to its right shift into other blocks
        for rows in (first, again):
            assert bad(rows) == [f"F{position}"]
            good = [row["value"] for tag, row in rows.items() if tag != f"F{position}"]
            assert good == [at * 0.5 - 100 for at in range(5000) if at != position]
        row = first[f"F{position}"]
        name = f"holding {2 * position}-{2 * position + 1}"
        assert row["failure"] == f"IllegalDataAddress at {name}"
        assert (row["status"], row["quality"]) == ("IllegalDataAddress", "bad")
        assert (row["value"], row["timestamp"]) == (None, None)
        assert "asked again after a reconnect" in again[f"F{position}"]["failure"]

    with_driver(config(peer.port, floats(5000)), use)


def test_twenty_bad_tags(modbus_factory: Factory) -> None:
    wrong = list(range(7, 5000, 250))
    peer = modbus_factory(illegal=[(2 * at, 2 * at + 1) for at in wrong])

    async def use(driver: ModbusDriver) -> None:
        first, log = await counted(driver)
        again, later = await counted(driver)
        assert log.requests <= 81 + 14 * 20
        assert later.requests <= 81 + 20
        assert bad(first) == bad(again) == [f"F{at}" for at in wrong]

    with_driver(config(peer.port, floats(5000)), use)


def test_an_unreadable_gap_is_not_bridged_again(modbus_factory: Factory) -> None:
    peer = modbus_factory(illegal=[(14020, 14021)])
    ones = [*words(14000, 14020), *words(14022, 14050)]

    async def use(driver: ModbusDriver) -> None:
        first, log = await counted(driver)
        again, later = await counted(driver)
        assert bad(first) == bad(again) == []
        assert {tag: row["value"] for tag, row in again.items()} == {
            one.tag: holding_word(one.address) for one in ones
        }
        assert later.requests == 2
        assert log.requests <= 1 + 14
        assert any("one by one" in note for note in log.notes)
        assert all("one by one" not in note for note in later.notes)

    with_driver(config(peer.port, ones), use)


@pytest.mark.parametrize("code", [2, 3])
def test_a_device_with_a_smaller_maximum_is_read_in_parts(
    modbus_factory: Factory, code: int
) -> None:
    peer = modbus_factory(max_quantity=60, max_code=code)
    ones = words(14000, 14500)

    async def use(driver: ModbusDriver) -> None:
        first, log = await counted(driver)
        again, later = await counted(driver)
        assert bad(first) == bad(again) == []
        assert [row["value"] for row in again.values()] == [
            holding_word(one.address) for one in ones
        ]
        assert later.requests < log.requests
        assert any("set max_block_registers" in note for note in log.notes)

    with_driver(config(peer.port, ones), use)


def test_a_device_that_reads_single_registers_only(lying_modbus_factory: LyingFactory) -> None:
    peer = lying_modbus_factory(Behaviour.ONE_REGISTER)

    async def use(driver: ModbusDriver) -> None:
        await counted(driver)
        rows, later = await counted(driver)
        assert bad(rows) == []
        assert later.requests == 40

    with_driver(config(peer.port, words(0, 40)), use)


def test_bad_values_are_asked_for_again_after_a_reconnect(modbus_factory: Factory) -> None:
    peer = modbus_factory()

    async def use(driver: ModbusDriver) -> None:
        first, _ = await counted(driver)
        assert bad(first) == [f"W{at}" for at in range(30000, 30010)]
        _, later = await counted(driver)
        await driver.close()
        await driver.connect()
        _, log = await counted(driver)
        assert log.requests > later.requests == 2

    with_driver(config(peer.port, words(29990, 30020)), use)


def test_overlapping_values(modbus_peer: Peer) -> None:
    ones = [
        register("wide", type="uint64", word_order="ABCD", address=29998),
        register("inner", address=29998),
        register("pair", type="uint32", word_order="ABCD", address=29998),
        register("gone", address=30000),
        register("bit", type="bool", bit=3, address=29998),
    ]

    async def use(driver: ModbusDriver) -> None:
        for _ in range(3):
            rows, _ = await counted(driver)
            assert bad(rows) == ["wide", "gone"]
            assert rows["inner"]["value"] == holding_word(29998)
            assert rows["pair"]["value"] == holding_word(29998) << 16 | holding_word(29999)
            assert rows["bit"]["value"] == holding_word(29998) >> 3 & 1

    with_driver(config(modbus_peer.port, ones), use)


def test_units_behind_a_gateway_fail_alone(modbus_factory: Factory) -> None:
    peer = modbus_factory()
    units = [1, 200, 2, 201]
    ones = [
        register(f"U{unit}_{at}", unit_id=unit, address=at) for unit in units for at in (1, 600)
    ]

    async def use(driver: ModbusDriver) -> None:
        rows, log = await counted(driver)
        assert bad(rows) == ["U200_1", "U200_600", "U201_1", "U201_600"]
        assert log.requests == 6
        reason = "the gateway cannot reach unit 200 (GatewayTargetDeviceFailedToRespond)"
        assert rows["U200_600"]["failure"] == reason
        assert rows["U201_1"]["status"] == "GatewayPathUnavailable"
        assert driver.connected

    with_driver(config(peer.port, ones), use)


def test_no_unit_within_reach_is_an_error(modbus_peer: Peer) -> None:
    ones = [register("a", unit_id=200), register("b", unit_id=201)]
    with pytest.raises(SourceUnreachable, match=r"cannot reach unit 200.*cannot reach unit 201"):
        read_once(config(modbus_peer.port, ones))


@pytest.mark.parametrize("code", [5, 6])
def test_a_busy_device(modbus_factory: Factory, code: int) -> None:
    peer = modbus_factory(units={9: code})
    with pytest.raises(SourceBusy, match="plant: unit 9 is busy"):
        read_once(config(peer.port, words(0, 3), unit_id=9))


def test_busy_once(modbus_factory: Factory) -> None:
    peer = modbus_factory(busy=1)

    async def use(driver: ModbusDriver) -> None:
        with pytest.raises(SourceBusy):
            await counted(driver)
        assert driver.connected
        assert bad((await counted(driver))[0]) == []

    with_driver(config(peer.port, words(14000, 14003)), use)


def test_a_table_that_a_device_lacks(modbus_factory: Factory) -> None:
    peer = modbus_factory(units={9: 1})
    ones = [*words(14000, 14300, unit_id=9), register("good", address=14000)]

    async def use(driver: ModbusDriver) -> None:
        rows, log = await counted(driver)
        assert log.requests == 2
        assert bad(rows) == [one.tag for one in ones[:-1]]
        assert rows["W14299"]["failure"] == (
            "unit 9 has no table 'holding' (function code 3: IllegalFunction)"
        )
        again, later = await counted(driver)
        assert later.requests == 1
        assert bad(again) == bad(rows)

    with_driver(config(peer.port, ones), use)


@pytest.mark.parametrize(("code", "name"), [(4, "ServerDeviceFailure"), (8, "MemoryParityError")])
def test_other_exceptions_fail_their_block(modbus_factory: Factory, code: int, name: str) -> None:
    peer = modbus_factory(units={9: code})
    ones = [*words(14000, 14003, unit_id=9), register("good", address=14000)]
    rows = read_once(config(peer.port, ones))
    assert bad(rows) == ["W14000", "W14001", "W14002"]
    assert rows["W14001"]["status"] == name


def test_a_code_that_is_not_standard(lying_modbus_factory: LyingFactory) -> None:
    peer = lying_modbus_factory(Behaviour.EXCEPTION, code=99)
    rows = read_once(config(peer.port, words(0, 1)))
    assert rows["W0"]["failure"] == "ExceptionCode 99 at holding 0"
