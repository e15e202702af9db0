"""The DNP3 outstations tell an independent master what ``dnp3_truth`` says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from . import dnp3_truth as truth
from .dnp3_master import Master, Row
from .dnp3_truth import Kind, Number
from .launch_dnp3 import Dnp3Peer, Dnp3SecondPeer

STATIC_GROUPS = {
    1: Kind.BINARY_INPUT,
    3: Kind.DOUBLE_BIT_INPUT,
    10: Kind.BINARY_OUTPUT,
    20: Kind.COUNTER,
    21: Kind.FROZEN_COUNTER,
    30: Kind.ANALOG_INPUT,
    40: Kind.ANALOG_OUTPUT,
    50: Kind.TIME_INTERVAL,
    110: Kind.OCTET_STRING,
}
OBJECT_UNKNOWN, PARAM_ERROR = 0x0200, 0x0400
FUNC_NOT_SUPPORTED = 0x0100
STATE_SHIFTS = {Kind.BINARY_INPUT: 7, Kind.DOUBLE_BIT_INPUT: 6, Kind.BINARY_OUTPUT: 7}
MILLISECONDS = 1_700_000_000_123


def same(left: Any, right: Any) -> bool:
    """Equal, with NaN equal to itself and zeros told apart."""
    if isinstance(left, float) and isinstance(right, float):
        return repr(left) == repr(right)
    return bool(left == right)


def octet(kind: Kind, index: int) -> int:
    """The flags as opendnp3 shows them: with the state in the highest bits."""
    state = int(truth.value(kind, index)) << STATE_SHIFTS[kind] if kind in STATE_SHIFTS else 0
    return truth.flags(kind, index) | state


def by_kind(rows: list[Row]) -> dict[Kind, dict[int, Row]]:
    found: dict[Kind, dict[int, Row]] = {kind: {} for kind in Kind}
    for row in rows:
        kind = STATIC_GROUPS[row.variation[0]]
        assert row.index not in found[kind], f"{kind} {row.index} came twice"
        found[kind][row.index] = row
    return found


def test_integrity_poll_brings_every_point(
    dnp3_factory: Callable[..., Dnp3Peer], master_of: Callable[..., Master]
) -> None:
    peer = dnp3_factory(static={Kind.ANALOG_INPUT: 6, Kind.ANALOG_OUTPUT: 4}, fragment=300)
    master = master_of(peer)
    master.wait_started()
    found = by_kind(master.rows)
    for kind in Kind:
        assert sorted(found[kind]) == list(range(truth.POINT_COUNTS[kind])), kind
        for index, row in found[kind].items():
            assert same(row.value, truth.value(kind, index)), row
            if kind not in (Kind.OCTET_STRING, Kind.TIME_INTERVAL):
                assert row.flags == octet(kind, index), row
    assert peer.status()["fragments"] > 5


@pytest.mark.parametrize(
    ("group", "variation", "number", "flagged"),
    [
        (30, 1, Number.INT32, True),
        (30, 2, Number.INT16, True),
        (30, 3, Number.INT32, False),
        (30, 4, Number.INT16, False),
        (30, 5, Number.FLOAT32, True),
        (30, 6, Number.FLOAT64, True),
        (40, 1, Number.INT32, True),
        (40, 2, Number.INT16, True),
        (40, 3, Number.FLOAT32, True),
        (40, 4, Number.FLOAT64, True),
        (20, 1, Number.UINT32, True),
        (20, 2, Number.UINT16, True),
        (20, 5, Number.UINT32, False),
        (20, 6, Number.UINT16, False),
        (21, 1, Number.UINT32, True),
        (21, 2, Number.UINT16, True),
        (21, 5, Number.UINT32, True),
        (21, 6, Number.UINT16, True),
        (21, 9, Number.UINT32, False),
    ],
)
def test_variations_of_numbers(
    dnp3_peer: Dnp3Peer,
    started_master: Callable[[Dnp3Peer], Master],
    group: int,
    variation: int,
    number: Number,
    flagged: bool,
) -> None:
    master = started_master(dnp3_peer)
    kind = STATIC_GROUPS[group]
    last = truth.POINT_COUNTS[kind] - 1
    assert master.poll_range(group, variation, 0, last) == "SUCCESS"
    assert [row.index for row in master.rows] == list(range(last + 1))
    for row in master.rows:
        exact = truth.number(kind, row.index)
        value, flags = truth.numeric(number, exact, truth.flags(kind, row.index))
        assert row.variation == (group, variation)
        assert same(float(row.value), float(value)), row
        assert row.flags == (flags if flagged else truth.ONLINE)
        if (group, variation) in ((21, 5), (21, 6)):
            assert row.time == truth.time(kind, row.index)


@pytest.mark.parametrize("group", [1, 3, 10])
@pytest.mark.parametrize("variation", [1, 2])
def test_variations_of_states(
    dnp3_peer: Dnp3Peer, started_master: Callable[[Dnp3Peer], Master], group: int, variation: int
) -> None:
    master = started_master(dnp3_peer)
    kind = STATIC_GROUPS[group]
    assert master.poll_all(group, variation) == "SUCCESS"
    assert len(master.rows) == truth.POINT_COUNTS[kind]
    for row in master.rows:
        nominal = truth.flags(kind, row.index) == truth.ONLINE
        assert row.variation == (group, variation if nominal else 2)
        assert row.value == truth.value(kind, row.index)
        assert row.flags == octet(kind, row.index)


def test_ten_thousand_analogs_in_many_fragments(
    dnp3_factory: Callable[..., Dnp3Peer], started_master: Callable[[Dnp3Peer], Master]
) -> None:
    peer = dnp3_factory(points={Kind.ANALOG_INPUT: 10_000})
    master = started_master(peer)
    assert master.poll_range(30, 6, 0, 9_999) == "SUCCESS"
    rows = master.rows
    assert [row.index for row in rows] == list(range(10_000))
    assert all(same(row.value, truth.value(Kind.ANALOG_INPUT, row.index)) for row in rows)
    assert peer.status()["stray_confirms"] == 0


def test_errors_are_indicated(
    dnp3_peer: Dnp3Peer, started_master: Callable[[Dnp3Peer], Master]
) -> None:
    master = started_master(dnp3_peer)
    last = truth.POINT_COUNTS[Kind.ANALOG_INPUT] - 1
    master.poll_range(30, 1, last + 1, last + 5)
    master.wait_indicated(PARAM_ERROR)
    assert master.rows == []
    master.poll_range(30, 1, last, last + 1)
    assert [row.index for row in master.rows] == [last]
    master.wait_indicated(PARAM_ERROR)
    master.poll_range(87, 1, 0, 1)
    master.wait_indicated(OBJECT_UNKNOWN)
    assert master.rows == []
    master.perform("INITIALIZE_DATA")
    master.wait_indicated(FUNC_NOT_SUPPORTED)


def test_a_control_is_refused_and_recorded(
    dnp3_factory: Callable[..., Dnp3Peer], started_master: Callable[[Dnp3Peer], Master]
) -> None:
    peer = dnp3_factory()
    master = started_master(peer)
    assert peer.requests()
    assert peer.attempts() == []
    master.forget()
    master.operate(1)
    master.wait_indicated(FUNC_NOT_SUPPORTED)
    (attempt,) = peer.attempts()
    assert (attempt["name"], attempt["objects"][0][0]) == ("DIRECT_OPERATE", 12)
    peer.clear_requests()
    assert peer.requests() == []


def test_second_outstation_brings_every_point(
    dnp3_second_factory: Callable[..., Dnp3SecondPeer], master_of: Callable[..., Master]
) -> None:
    peer = dnp3_second_factory()
    master = master_of(peer)
    master.wait_started()
    groups = Counter(row.variation[0] for row in master.rows)
    for group in (1, 3, 10, 20, 30, 40):
        assert groups[group] == 30, groups
    for row in master.rows:
        kind = STATIC_GROUPS[row.variation[0]]
        if kind in (Kind.BINARY_INPUT, Kind.DOUBLE_BIT_INPUT, Kind.BINARY_OUTPUT, Kind.COUNTER):
            assert row.value == truth.value(kind, row.index)
    master.forget()
    peer.set(Kind.BINARY_INPUT, 1, True, flags=truth.ONLINE, time=MILLISECONDS)
    master.wait(lambda master: bool(master.rows))
    (row,) = master.rows
    assert (row.variation[0], row.index, row.value, row.unsolicited) == (2, 1, True, True)
