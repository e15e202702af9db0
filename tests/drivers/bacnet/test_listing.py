"""All tags of a device."""

from __future__ import annotations

import math
from collections.abc import Callable

from greenlang_data.drivers.bacnet import BacnetDriver
from greenlang_data.drivers.bacnet.device import list_objects
from greenlang_data.drivers.base import ReadLog
from tests.drivers.bacnet.helpers import config, listed, snapshot, with_driver
from tests.drivers.bacnet.odd_device import OddDevice, object_id, real
from tests.peers import bacnet_truth as truth
from tests.peers.bacnet_trends import logs
from tests.peers.launch_bacnet import BacnetPeer


def test_every_object_with_a_present_value_and_every_log(bacnet_peer: BacnetPeer) -> None:
    log = ReadLog()
    rows = with_driver(config(bacnet_peer), lambda driver: listed(driver, log))
    assert {row["tag_name"] for row in rows if row["path"] != "trend-log"} == {
        one.name for one in truth.plant()
    }
    assert len([row for row in rows if row["path"] == "trend-log"]) == len(logs()) + 1
    by_name = {row["tag_name"]: row for row in rows}
    assert by_name["analog-input 3"] == {
        "tag_id": "analog-input,3",
        "tag_name": "analog-input 3",
        "path": "analog-input",
        "description": "Messstelle 3 °ß",
        "data_type": "Real",
        "unit": "kW",
        "low": None,
        "high": None,
    }
    assert by_name["binary-input 1"]["description"] == "Messstelle 1 °ß (0 steht, 1 läuft)"
    states = by_name["multi-state-value 1"]["description"]
    assert states == "Messstelle 1 °ß (1 Aus, 2 Ein, 3 Störung)"
    assert by_name["analog-input 9011"]["unit"] == "{1234}"
    assert by_name["analog-input 9012"]["unit"] is None
    assert log.notes[0].startswith("1 objects are not listed")


def test_what_is_listed_can_be_read(bacnet_peer: BacnetPeer) -> None:
    async def use(driver: BacnetDriver) -> None:
        rows = [row for row in await listed(driver, ReadLog()) if row["data_type"] != "TrendLog"]
        values = await snapshot(driver, [row["tag_id"] for row in rows])
        types = {row["tag_id"]: row["data_type"] for row in rows}
        failed = [row["tag_name"] for row in values.values() if row["failure"]]
        assert failed == ["analog-input 9009"]
        for tag, row in values.items():
            assert row["data_type"] in (types[tag], "Null", None)
            assert row["unit"] == next(one["unit"] for one in rows if one["tag_id"] == tag)

    with_driver(config(bacnet_peer), use)


def test_a_thousand_objects_take_few_round_trips(bacnet_factory: Callable[..., BacnetPeer]) -> None:
    peer = bacnet_factory(analog_inputs=1037)

    async def use(driver: BacnetDriver) -> tuple[int, int]:
        log = ReadLog()
        reader, device = driver._usable(log)
        objects = await list_objects(reader, device)
        return len(set(objects)), log.requests

    objects, requests = with_driver(config(peer), use)
    assert objects == 1037 + len(truth.plant(0)) + len(logs()) + 2  # the live log, the device
    assert requests <= 1.2 * (1 + math.ceil(objects / 60))


def test_the_list_of_the_device_that_segments(bacnet_second: BacnetPeer) -> None:
    rows = with_driver(config(bacnet_second), lambda driver: listed(driver, ReadLog()))
    inputs = [row["tag_id"] for row in rows if row["path"] == "analog-input"]
    assert inputs[:400] == [f"analog-input,{number}" for number in range(400)]


def test_the_range_of_an_object_and_a_device_without_objects() -> None:
    device_id, one = 8 << 22 | 7, object_id(2, 1)
    with OddDevice({(device_id, 76, 0): b"\x21\x00"}) as device:
        assert with_driver(config(device.address), lambda d: listed(d, ReadLog())) == []
    values = {
        (device_id, 76, 0): b"\x21\x01",
        (device_id, 76, 1): b"\xc4" + one.to_bytes(4),
        (one, 69, None): real(-50),
        (one, 65, None): real(150),
    }
    with OddDevice(values) as device:
        (row,) = with_driver(config(device.address), lambda d: listed(d, ReadLog()))
    assert (row["low"], row["high"], row["tag_name"]) == (-50.0, 150.0, None)
