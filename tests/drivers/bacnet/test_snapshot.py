"""Current values of real devices, against what those devices were told to hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import greenlang_data as gd
from greenlang_data.drivers.bacnet import BacnetDriver
from greenlang_data.drivers.base import ReadLog
from greenlang_data.settings.bacnet_object import BacnetObject
from tests.drivers.bacnet.helpers import config, read_once, snapshot, with_driver
from tests.peers import bacnet_truth as truth
from tests.peers.launch_bacnet import BacnetPeer

Factory = Callable[..., BacnetPeer]


def test_every_ordinary_object_has_its_value_unit_and_name(bacnet_peer: BacnetPeer) -> None:
    units = {62: "Cel", 54: "kPa", 98: "%", 48: "kW", 135: "m3/h"}
    tags = [f"analog-input,{number}" for number in range(50)]
    with gd.Session(sources=[config(bacnet_peer)]) as session:
        frame = session.scada(tags)
    assert frame["value"].tolist() == [truth.analog_value(number) for number in range(50)]
    assert frame["unit"].tolist() == [units[truth.analog_units(number)] for number in range(50)]
    assert frame["tag_name"].tolist() == [f"analog-input {number}" for number in range(50)]
    assert set(frame["quality"]) == {"good"}
    assert frame["status"].isna().all()
    assert gd.verify(frame) == "intact"
    assert any("client's clock" in note for note in frame.attrs["provenance"]["notes"])


@pytest.mark.parametrize(
    ("number", "value", "quality", "status"),
    [
        (9000, None, "bad", "NaN"),
        (9001, None, "bad", "Infinity"),
        (9002, None, "bad", "-Infinity"),
        (9003, None, "bad", "Null"),
        (9004, None, "bad", "fault,over-range"),
        (9005, 12.5, "uncertain", "out-of-service"),
        (9006, 88.5, "good", "in-alarm,high-limit"),
        (9007, 7.5, "uncertain", "overridden"),
        (9008, None, "bad", "fault,no-sensor"),
        (9010, 10.0, "good", None),
        (9013, 3.4028234663852886e38, "good", None),
        (9014, 14.0, "uncertain", "no-status-flags"),
        (9015, None, "bad", "fault"),
        (9016, None, "bad", "communication-failure"),
    ],
)
def test_flags_and_reliability_make_the_quality(
    bacnet_peer: BacnetPeer, number: int, value: float | None, quality: str, status: str | None
) -> None:
    row = read_once(config(bacnet_peer), [f"AI:{number}"])[f"AI:{number}"]
    assert (row["value"], row["quality"], row["status"]) == (value, quality, status)
    assert row["failure"] is None


def test_a_property_that_is_refused_loses_nothing_else(bacnet_peer: BacnetPeer) -> None:
    rows = read_once(config(bacnet_peer), ["AI:1", "AI:9009", "AI:123456", "AI:2"])
    assert rows["AI:1"]["value"] == truth.analog_value(1)
    assert rows["AI:2"]["value"] == truth.analog_value(2)
    assert rows["AI:9009"]["failure"] == "the device says read-access-denied (property)"
    assert rows["AI:123456"]["failure"].startswith("unknown tag: the device says unknown-object")


def test_every_data_type_is_exact(bacnet_peer: BacnetPeer) -> None:
    tags = ["IV:1", "PIV:1", "LAV:1", "CSV:1", "BI:1", "BV:1", "MSI:2", "AV:2", "AO:1"]
    rows = read_once(config(bacnet_peer), tags)
    assert {tag: (row["value"], row["text"], row["data_type"]) for tag, row in rows.items()} == {
        "IV:1": (-(2.0**31), None, "Integer"),
        "PIV:1": (2.0**32 - 1, None, "Unsigned"),
        "LAV:1": (0.1, None, "Double"),
        "CSV:1": (None, "Zählerstand 20 °C", "CharacterString"),
        "BI:1": (1.0, None, "Enumerated"),
        "BV:1": (0.0, None, "Enumerated"),
        "MSI:2": (9.0, None, "Unsigned"),
        "AV:2": (0.10000000149011612, None, "Real"),
        "AO:1": (42.5, None, "Real"),
    }


def test_a_tag_is_an_entry_an_object_id_or_a_name(bacnet_peer: BacnetPeer) -> None:
    entries = (
        BacnetObject(tag="Steam.Flow", object_id="AI:3", unit="t/h"),
        BacnetObject(tag="Odd", object_id="AI:9010", unit="Cel"),
    )
    tags = [
        "Steam.Flow", "Odd", "analogInput:4", "0,5", "AI:6.units", "Füllstand Behälter/1.2, „heiß“",
        "MSI:1.state-text[3]", "MSI:1.state-text",
    ]  # fmt: skip
    rows = read_once(config(bacnet_peer, objects=entries), tags)
    assert rows["Steam.Flow"]["value"] == truth.analog_value(3)
    assert rows["Steam.Flow"]["unit"] == "kW"  # the device knows better than the configuration
    assert rows["Odd"]["unit"] == "Cel"
    assert rows["analogInput:4"]["value"] == truth.analog_value(4)
    assert rows["0,5"]["value"] == truth.analog_value(5)
    assert (rows["AI:6.units"]["value"], rows["AI:6.units"]["unit"]) == (54.0, None)
    assert rows["Füllstand Behälter/1.2, „heiß“"]["value"] == 17.0
    assert rows["MSI:1.state-text[3]"]["text"] == "Störung"
    assert rows["MSI:1.state-text"]["text"] == '["Aus", "Ein", "Störung"]'


def test_an_unknown_name_gets_the_nearest(bacnet_peer: BacnetPeer) -> None:
    with gd.Session(sources=[config(bacnet_peer)]) as session:
        with pytest.raises(gd.UnknownTagError, match="did you mean 'analog-input 7'"):
            session.scada(["analog-inpt 7"])
        with pytest.raises(gd.UnknownTagError, match="unknown-object"):
            session.scada(["AI:4000000"])


def test_requests_are_as_few_as_the_answers_allow(bacnet_factory: Factory) -> None:
    peer = bacnet_factory(analog_inputs=1000)
    tags = [f"AI:{number}" for number in range(1000)]

    async def use(driver: BacnetDriver) -> list[int]:
        counts = []
        for _ in range(2):
            log = ReadLog()
            rows = await snapshot(driver, tags, log)
            assert [row["value"] for row in rows.values()] == [
                truth.analog_value(number) for number in range(1000)
            ]
            counts.append(log.requests)
        return counts

    first, second = with_driver(config(peer), use)
    # 30 bytes at most for value, flags and reliability: 49 to an answer of 1476 bytes.
    assert second == 21
    assert first <= 21 + 1000 / 20  # and names and units once
    assert {entry["service"] for entry in peer.requests()} == {12, 14}


@pytest.mark.parametrize("max_apdu", [50, 128, 480])
def test_small_answers(bacnet_factory: Factory, max_apdu: int) -> None:
    peer = bacnet_factory(max_apdu=max_apdu)
    tags = [f"AI:{number}" for number in range(50)]
    rows = read_once(config(peer), tags)
    assert [row["value"] for row in rows.values()] == [truth.analog_value(n) for n in range(50)]
    assert {row["quality"] for row in rows.values()} == {"good"}


def test_a_device_without_read_property_multiple_is_asked_so_once(bacnet_factory: Factory) -> None:
    peer = bacnet_factory(no_rpm=True)
    tags = [f"AI:{number}" for number in range(20)]

    async def use(driver: BacnetDriver) -> None:
        for _ in range(2):
            rows = await snapshot(driver, tags)
            assert [row["value"] for row in rows.values()] == [
                truth.analog_value(number) for number in range(20)
            ]
            assert {row["unit"] for row in rows.values()} == {"Cel", "kPa", "%", "kW", "m3/h"}

    with_driver(config(peer), use)
    multiple = [entry for entry in peer.requests() if entry["service"] == 14]
    assert len(multiple) <= 4  # those in flight together before the first was refused


def test_the_device_that_segments(bacnet_second: BacnetPeer) -> None:
    rows = read_once(config(bacnet_second), [f"AI:{number}" for number in range(400)])
    good = [row["value"] for row in rows.values()][:397]
    assert good == [truth.analog_value(number) for number in range(397)]
    assert (rows["AI:397"]["value"], rows["AI:397"]["status"]) == (None, "fault,over-range")
    assert rows["AI:399"]["failure"] == "the device says read-access-denied (property)"


def test_a_long_answer_comes_in_segments(bacnet_second: BacnetPeer) -> None:
    tag = "DEV:5002.object-list"
    row = read_once(config(bacnet_second), [tag])[tag]
    assert row["data_type"] == "List"
    assert row["text"].count('"analog-input,') == 401  # 2 kB in segments of 1 kB


def test_the_device_must_be_the_one_expected(bacnet_peer: BacnetPeer) -> None:
    right = config(bacnet_peer, device_instance=bacnet_peer.device)
    assert read_once(right, ["AI:0"])["AI:0"]["value"] == truth.analog_value(0)
    wrong = config(bacnet_peer, device_instance=4711)
    with pytest.raises(gd.ConfigurationError, match="no device,4711 at this endpoint"):
        read_once(wrong, ["AI:0"])
