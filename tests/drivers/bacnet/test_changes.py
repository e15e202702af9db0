"""A device whose objects change while it is used: what was known of them no longer counts."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from greenlang_data.drivers.bacnet import BacnetDriver
from greenlang_data.drivers.base import ReadLog, Watch
from greenlang_data.errors import SourceBusy, SourceUnreachable
from tests.drivers.bacnet.helpers import config, listed, snapshot, with_driver
from tests.drivers.bacnet.odd_device import (
    DEVICE,
    Key,
    OddDevice,
    Reply,
    Request,
    inputs,
    object_id,
    text,
    unsigned,
)

REVISION: Key = (DEVICE, 155, None)


def plant() -> dict[Key, bytes]:
    """Two inputs in the object list."""
    listing: dict[Key, bytes] = {
        (DEVICE, 76, index): b"\xc4" + one.to_bytes(4)
        for index, one in enumerate([object_id(0, 0), object_id(0, 1)], start=1)
    }
    return {**inputs(2), **listing, (DEVICE, 76, 0): b"\x21\x02", REVISION: unsigned(1)}


def exchange_names(device: OddDevice) -> None:
    first, second = ((object_id(0, number), 77, None) for number in (0, 1))
    device.values[first], device.values[second] = device.values[second], device.values[first]
    device.values[REVISION] = unsigned(2)


def test_a_name_is_that_of_the_object_that_has_it_now() -> None:
    async def use(driver: BacnetDriver) -> None:
        assert (await snapshot(driver, ["input 0"]))["input 0"]["value"] == 0.0
        exchange_names(device)
        assert (await snapshot(driver, ["input 0"]))["input 0"]["value"] == 1.0
        assert (await snapshot(driver, ["AI:0"]))["AI:0"]["tag_name"] == "input 1"

    with OddDevice(plant()) as device:
        with_driver(config(device.address), use)


def test_calls_at_the_same_time_look_up_the_names_once() -> None:
    async def use(driver: BacnetDriver) -> None:
        before = len(device.requests)
        rows = await asyncio.gather(*(snapshot(driver, ["input 0", "input 1"]) for _ in range(8)))
        assert all([row["value"] for row in one.values()] == [0.0, 1.0] for one in rows)
        asked = [request.body for request in device.requests[before:]]
        assert len(asked) <= 8 + 5
        assert len([body for body in asked if b"\x09\x4d" in body]) <= 2  # object names

    with OddDevice(plant()) as device:
        with_driver(config(device.address), use)


def test_a_list_of_tags_is_that_of_now() -> None:
    async def use(driver: BacnetDriver) -> None:
        for names in (["input 0", "input 1"], ["input 1", "input 0"]):
            rows = await listed(driver, ReadLog())
            assert [row["tag_name"] for row in rows] == names
            exchange_names(device)

    with OddDevice(plant()) as device:
        with_driver(config(device.address), use)


def test_objects_that_never_stay_the_same_are_told() -> None:
    class Restless(OddDevice):
        def answer(self, request: Request) -> list[Reply]:
            self.values[REVISION] = unsigned(len(self.requests))
            return [Reply(self.honest(request))]

    with Restless(plant()) as device, pytest.raises(SourceBusy, match="objects change as often"):
        with_driver(config(device.address), lambda driver: snapshot(driver, ["AI:0"]))


def test_a_watch_ends_when_the_objects_change() -> None:
    async def use(driver: BacnetDriver) -> None:
        async def consume() -> None:
            async with aclosing(driver.watch(Watch(("input 0",), 0.1), ReadLog())) as stream:
                async for batch in stream:
                    if batch.num_rows:
                        exchange_names(device)

        with pytest.raises(SourceUnreachable, match="objects changed"):
            await asyncio.wait_for(consume(), 10)
        await driver.connect()
        assert (await snapshot(driver, ["input 0"]))["input 0"]["value"] == 1.0

    with OddDevice(plant()) as device:
        with_driver(config(device.address), use)


def test_what_is_known_is_kept_until_the_database_changes() -> None:
    async def name_after_reconnecting(driver: BacnetDriver) -> str:
        await driver.close()
        await driver.connect()
        rows = await snapshot(driver, ["AI:0"])
        return str(rows["AI:0"]["tag_name"])

    async def use(driver: BacnetDriver) -> None:
        assert await name_after_reconnecting(driver) == "input 0"
        device.values[(object_id(0, 0), 77, None)] = text("renamed")
        assert await name_after_reconnecting(driver) == "input 0"
        device.values[(DEVICE, 155, None)] = b"\x21\x02"
        assert await name_after_reconnecting(driver) == "renamed"

    with OddDevice({**inputs(), (DEVICE, 155, None): b"\x21\x01"}) as device:
        with_driver(config(device.address), use)
