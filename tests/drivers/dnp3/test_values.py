"""Every type, value and flag of an outstation that is not ours, as the specification has them."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from greenlang_data.drivers.base import ReadLog, Snapshot, Window
from greenlang_data.drivers.dnp3 import Dnp3Driver
from greenlang_data.errors import UnsupportedError
from greenlang_data.settings.point import Point
from tests.drivers.dnp3.helpers import NAMES, Row, config, read_once, snapshot, with_driver
from tests.peers import dnp3_truth as truth
from tests.peers.dnp3_truth import Kind, Number
from tests.peers.launch_dnp3 import Dnp3Peer

Factory = Callable[..., Dnp3Peer]


def tags(kind: Kind) -> list[str]:
    return [f"{NAMES[kind]}:{index}" for index in range(truth.POINT_COUNTS[kind])]


def is_bad(flags: int, kind: Kind) -> bool:
    analog_errors = truth.OVER_RANGE | truth.REFERENCE_ERROR
    worst = truth.RESTART | truth.COMM_LOST
    if kind in (Kind.ANALOG_INPUT, Kind.ANALOG_OUTPUT):
        worst |= analog_errors
    return not flags & truth.ONLINE or bool(flags & worst)


def check_number(row: Row, kind: Kind, value: float, flags: int) -> None:
    if is_bad(flags, kind) or not math.isfinite(value):
        assert (row["quality"], row["value"]) == ("bad", None)
    elif flags == truth.ONLINE:
        assert (row["quality"], row["value"]) == ("good", value)
        assert math.copysign(1, row["value"]) == math.copysign(1, value)
    else:
        assert (row["quality"], row["value"]) == ("uncertain", value)
    assert row["failure"] is None


@pytest.mark.parametrize(
    "kind", [one for one in NAMES if one not in (Kind.OCTET_STRING, Kind.DOUBLE_BIT_INPUT)]
)
def test_every_number_is_exact_and_has_its_quality(outstation: Dnp3Peer, kind: Kind) -> None:
    rows = read_once(config(outstation.port), tags(kind))
    for index, row in enumerate(rows.values()):
        check_number(row, kind, float(truth.value(kind, index)), truth.flags(kind, index))
    assert outstation.attempts() == []


def test_a_double_bit_has_four_states_and_two_are_no_position(outstation: Dnp3Peer) -> None:
    kind = Kind.DOUBLE_BIT_INPUT
    rows = read_once(config(outstation.port), tags(kind))
    for index, row in enumerate(rows.values()):
        state, flags = index % 4, truth.flags(kind, index)
        if flags == truth.ONLINE:
            quality = {0: "uncertain", 1: "good", 2: "good", 3: "bad"}[state]
            assert row["quality"] == quality
            assert row["value"] == (None if state == 3 else state)
        elif is_bad(flags, kind):
            assert (row["quality"], row["value"]) == ("bad", None)
    assert rows["double_bit:4"]["status"] == "Online|Intermediate"
    assert rows["double_bit:7"]["status"] == "Online|Indeterminate"


def test_octet_strings_are_text_where_they_are_text(outstation: Dnp3Peer) -> None:
    rows = list(read_once(config(outstation.port), tags(Kind.OCTET_STRING)).values())
    assert [row["value"] for row in rows[:2]] == ["GREENLANG", "0xfffe80636166e9"]
    assert rows[3]["value"] == "0x" + bytes(range(255)).hex()
    assert rows[5]["value"] == "PADDED"
    assert rows[6]["value"] == "TAG 6"
    assert {row["quality"] for row in rows} == {"good"}
    mixed = read_once(config(outstation.port), ["octet_string:6", "analog:30"])
    assert [(row["value"], row["text"]) for row in mixed.values()] == [(None, "TAG 6"), (-85, None)]


def test_statuses_name_the_flags(outstation: Dnp3Peer) -> None:
    asked = [f"analog:{index}" for index in range(19, 28)]
    rows = read_once(config(outstation.port), asked)
    assert [row["status"] for row in rows.values()] == [
        "Online",
        "Offline",
        "Online|Restart",
        "Offline|CommLost",
        "Online|CommLost",
        "Online|RemoteForced",
        "Online|LocalForced",
        "Online|OverRange",
        "Online|ReferenceError",
    ]
    counters = read_once(config(outstation.port), ["counter:26", "counter:27", "binary:26"])
    assert [row["status"] for row in counters.values()] == [
        "Online|Rollover",
        "Online|Discontinuity",
        "Online|ChatterFilter",
    ]


def test_static_values_have_the_clients_clock_and_frozen_counters_their_own(
    outstation: Dnp3Peer,
) -> None:
    log = ReadLog()
    rows = read_once(config(outstation.port), ["analog:1", "frozen_counter:1"], log)
    assert any("client's clock" in note for note in log.notes)
    assert rows["frozen_counter:1"]["timestamp"].value == 1_000_000 * truth.time(
        Kind.FROZEN_COUNTER, 1
    )
    assert rows["analog:1"]["timestamp"].year >= 2026


def test_names_scales_and_units(outstation: Dnp3Peer) -> None:
    points = (
        Point(tag="Power", type="analog", index=30, scale=0.1, offset=32, unit="kW"),
        Point(tag="Energy", type="counter", index=6, scale=0.1, unit="kW.h"),
        Point(tag="Large", type="counter", index=1, scale=4194304),
        Point(tag="Same", type="analog", index=30),
    )
    log = ReadLog()
    rows = read_once(config(outstation.port, points=points), ["Same", "Large", "Power", "Energy"])
    assert rows["Same"]["value"] == -85
    assert rows["Power"]["value"] == 23.5
    assert (rows["Power"]["unit"], rows["Same"]["unit"]) == ("kW", None)
    assert (rows["Energy"]["value"], rows["Energy"]["data_type"]) == (600.0, "float64")
    # 4294967295 * 4194304 is beyond 2**53, so no float64 may stand for it.
    assert (rows["Large"]["value"], rows["Large"]["text"]) == (None, "18014398505287680")
    assert log.notes == []


def test_a_point_or_name_that_is_not_there_is_a_failure_of_its_own(outstation: Dnp3Peer) -> None:
    points = (Point(tag="Boiler.Power", type="analog", index=30),)
    asked = ["analog:3000", "Boiler.Powr", "analog:1", "g1i41", "analogue:1", "analog:70000"]
    rows = read_once(config(outstation.port, points=points), asked)
    assert rows["analog:1"]["value"] == 3.5
    assert rows.pop("analog:1")["failure"] is None
    assert rows["Boiler.Powr"]["failure"] == (
        "unknown tag 'Boiler.Powr'; did you mean 'Boiler.Power'?"
    )
    assert "no point binary:41" in rows["g1i41"]["failure"]
    for row in rows.values():
        assert row["failure"].startswith("unknown tag")
        assert (row["value"], row["quality"]) == (None, "bad")


def test_a_point_outside_class_0_can_be_read(outstation: Dnp3Peer) -> None:
    outstation.configure(Kind.ANALOG_INPUT, 40, event_class="none")
    rows = read_once(config(outstation.port), ["analog:39", "analog:40", "analog:41"])
    assert [row["value"] for row in rows.values()] == [-80.5, -80.0, -79.5]


@pytest.mark.parametrize(
    ("variation", "form", "data_type"),
    [(6, None, "float64"), (5, Number.FLOAT32, "float32"), (1, Number.INT32, "int32")],
)
def test_a_chosen_variation_says_what_it_cannot_hold(
    outstation: Dnp3Peer, variation: int, form: Number | None, data_type: str
) -> None:
    kind = Kind.ANALOG_INPUT
    settings = config(outstation.port, static_variations={"analog": variation})
    rows = read_once(settings, tags(kind))
    for index, row in enumerate(rows.values()):
        exact, flags = truth.number(kind, index), truth.flags(kind, index)
        value, told = truth.numeric(form, exact, flags) if form else (exact, flags)
        check_number(row, kind, value, told)
        assert row["data_type"] == data_type


def test_the_devices_own_integers_are_uncertain_unless_the_configuration_says_so(
    dnp3_factory: Factory,
) -> None:
    peer = dnp3_factory(static={Kind.ANALOG_INPUT: 1})
    own = read_once(config(peer.port, static_variations={"analog": 0}), ["analog:30"])
    assert own["analog:30"]["status"] == "Online|IntegerVariation"
    assert own["analog:30"]["quality"] == "uncertain"


def test_only_what_is_asked_for_is_read(outstation: Dnp3Peer) -> None:
    async def use(driver: Dnp3Driver) -> tuple[int, int]:
        asked = [f"analog:{index}" for index in (1, 2, 3, 50, 90)]
        first, again = ReadLog(), ReadLog()
        await snapshot(driver, [*asked, "binary:1"], first)
        outstation.clear_requests()
        await snapshot(driver, [*asked, "binary:1"], again)
        return first.requests, again.requests

    assert with_driver(config(outstation.port), use) == (2, 1)


def test_a_snapshot_leaves_the_events_alone(outstation: Dnp3Peer) -> None:
    for index in range(6):
        outstation.set(Kind.ANALOG_INPUT, index, 7.5)
    before = outstation.status()["events"]
    assert sum(before) == 6
    rows = read_once(config(outstation.port), ["analog:1", "analog:2"])
    assert [row["value"] for row in rows.values()] == [7.5, 7.5]
    after = outstation.status()
    assert (after["events"], after["unsolicited_classes"]) == (before, [])


def test_history_is_refused_and_says_what_would_have_it(outstation: Dnp3Peer) -> None:
    async def use(driver: Dnp3Driver) -> None:
        from datetime import UTC, datetime

        window = Window(("analog:1",), datetime(2025, 1, 1, tzinfo=UTC), datetime.now(UTC))
        with pytest.raises(UnsupportedError, match=r"(?s)no history.*watching.*historian"):
            async for _ in driver.read(window, ReadLog()):
                pass

    with_driver(config(outstation.port), use)


def test_all_points_are_listed_with_their_names(outstation: Dnp3Peer) -> None:
    async def use(driver: Dnp3Driver) -> list[Row]:
        return [row async for batch in driver.list_tags(ReadLog()) for row in batch.to_pylist()]

    points = (Point(tag="Power", type="analog", index=30, unit="kW"),)
    rows = with_driver(config(outstation.port, points=points), use)
    by_path = {row["path"]: row for row in rows}
    assert len(rows) == len(by_path) == sum(truth.POINT_COUNTS[kind] for kind in NAMES)
    assert (by_path["g30i30"]["tag_id"], by_path["g30i30"]["unit"]) == ("Power", "kW")
    assert by_path["g110i3"]["tag_id"] == "octet_string:3"

    async def read(driver: Dnp3Driver) -> None:
        everything = tuple(row["tag_id"] for row in rows)
        async for batch in driver.read(Snapshot(everything), ReadLog()):
            assert batch.column("failure").null_count == len(rows)

    with_driver(config(outstation.port, points=points), read)


def test_ten_thousand_points_are_each_right(dnp3_factory: Factory) -> None:
    peer = dnp3_factory(points={Kind.ANALOG_INPUT: 10_000})
    asked = [f"analog:{index}" for index in range(28, 10_000)]
    rows = read_once(config(peer.port, timeout_seconds=30), asked)
    assert [row["value"] for row in rows.values()] == [
        truth.number(Kind.ANALOG_INPUT, index) for index in range(28, 10_000)
    ]


def test_trouble_that_the_device_indicates_is_a_note(outstation: Dnp3Peer) -> None:
    outstation.indications(0x40)
    log = ReadLog()
    read_once(config(outstation.port), ["analog:1"], log)
    assert "the outstation reports trouble with itself" in log.notes
