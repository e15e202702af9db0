"""How many requests a device takes at once is found out, remembered, and never trusted blindly."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

import greenlang_data as gd
from greenlang_data.settings.register import Register
from tests.drivers.modbus.helpers import config, register
from tests.peers.launch import Peer, start_delay_proxy
from tests.peers.launch_modbus_faults import FaultPeer
from tests.peers.modbus_fault_session import Dead, Fault

FLOATS = 1240
ONE_WAY_SECONDS = 0.02


def floats(count: int) -> list[Register]:
    return [
        register(f"F{at}", type="float32", word_order="ABCD", address=2 * at) for at in range(count)
    ]


def assert_right(session: gd.Session, count: int) -> int:
    """Read everything; returns how many requests it took."""
    frame = session.scada([f"F{at}" for at in range(count)])
    assert frame["value"].tolist() == [at * 0.5 - 100 for at in range(count)]
    requests: int = frame.attrs["provenance"]["requests"]
    return requests


@pytest.mark.parametrize("name", ["modbus_peer", "modbus_serial_peer", "jsmodbus_peer"])
def test_a_device_that_takes_many_is_read_in_a_few_round_trips(
    request: pytest.FixtureRequest, name: str
) -> None:
    peer = request.getfixturevalue(name)
    with start_delay_proxy(peer.port, up=ONE_WAY_SECONDS, down=ONE_WAY_SECONDS) as proxy:
        took = {}
        for most in (None, 1):
            settings = config(proxy.port, floats(FLOATS), max_requests_in_flight=most)
            with gd.Session(sources=[settings]) as session:
                assert assert_right(session, FLOATS) == 20
                started = time.monotonic()
                assert assert_right(session, FLOATS) == 20
                took[most] = time.monotonic() - started
    assert took[1] > 20 * 2 * ONE_WAY_SECONDS
    assert took[None] < took[1] / 2  # two round trips and not twenty, and a loaded machine


def test_a_device_that_loses_requests_is_asked_one_by_one_from_then_on(
    modbus_fault_factory: Callable[..., FaultPeer],
) -> None:
    peer = modbus_fault_factory(faults=[Fault.ONE_OF_A_BURST])
    ones = [register(f"W{at}", address=at) for at in range(0, 2000, 200)]
    with gd.Session(sources=[config(peer.port, ones, timeout_seconds=10)]) as session:
        first = session.scada([one.tag for one in ones]).attrs["provenance"]
        again = session.scada([one.tag for one in ones]).attrs["provenance"]
    assert any("left requests unanswered when" in note for note in first["notes"])
    assert any("it gets 1 at a time now" in note for note in first["notes"])
    assert first["requests"] > 10
    assert again["requests"] == 10
    assert not any("left requests unanswered" in note for note in again["notes"])


def test_the_second_server_loses_requests_and_no_value(modbus_second: Peer) -> None:
    ones = floats(100)
    settings = config(
        modbus_second.port, ones, max_block_registers=10, timeout_seconds=10, max_block_gap=0
    )
    with gd.Session(sources=[settings]) as session:
        assert_right(session, 100)
        assert assert_right(session, 100) == 20


@pytest.mark.parametrize("dead_code", [0x0B, 0])
def test_a_dead_unit_behind_a_gateway_costs_the_others_nothing_once_it_is_known(
    modbus_fault_factory: Callable[..., FaultPeer], dead_code: int
) -> None:
    # The gateway works on one request at a time, and waits half a second for a unit that is dead.
    peer = modbus_fault_factory(
        units=(1, 2), dead={9: Dead(dead_code, 0.5)}, delay=0.01, blocking=True
    )
    alive = [
        register(f"U{unit}_{at}", unit_id=unit, address=at)
        for unit in (1, 2)
        for at in range(0, 4000, 200)
    ]
    dead = [register(f"U9_{at}", unit_id=9, address=at) for at in range(0, 4000, 200)]
    settings = config(peer.port, [*alive, *dead], unit_timeout_seconds=1, timeout_seconds=20)
    others = [one.tag for one in alive]
    with gd.Session(sources=[settings]) as session:

        def seconds(tags: list[str]) -> float:
            started = time.monotonic()
            frame = session.scada(tags, errors="report")
            took = time.monotonic() - started
            good = frame[frame["quality"] == "good"]
            assert good["tag_id"].tolist() == others
            assert frame.attrs["provenance"]["quality"]["bad"] == len(tags) - len(others)
            return took

        everything = [*others, *(one.tag for one in dead)]
        assert seconds(everything) > 0.5  # finding out
        peer.clear_requests()
        turns = [(seconds(others), seconds(everything)) for _ in range(5)]
    # Nothing of the dead unit is on the wire, and the whole read takes as long as without it.
    assert {entry["unit"] for entry in peer.requests()} == {1, 2}
    assert min(whole for _, whole in turns) < 1.05 * min(part for part, _ in turns) + 0.02
