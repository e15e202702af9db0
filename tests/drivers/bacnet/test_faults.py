"""Whatever a device or network does: an error in time, or the right values; never wrong ones."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable

import pytest

import greenlang_data as gd
from greenlang_data.drivers.bacnet import BacnetDriver
from greenlang_data.drivers.base import ReadLog
from greenlang_data.errors import (
    ConfigurationError,
    ProtocolError,
    SourceBusy,
    SourceTimeout,
    SourceUnreachable,
)
from tests.drivers.bacnet.helpers import config, read_once, snapshot, with_driver
from tests.drivers.bacnet.odd_device import (
    DEVICE,
    Key,
    OddDevice,
    Reply,
    Request,
    complex_ack,
    object_id,
    real,
    text,
)
from tests.peers import bacnet_truth as truth
from tests.peers.launch_bacnet import BacnetPeer
from tests.peers.udp_proxy import UdpProxy

TAGS = [f"AI:{number}" for number in range(40)]
QUICK = {"apdu_timeout_seconds": 0.2, "apdu_retries": 2}


def inputs(count: int = 40) -> dict[Key, bytes]:
    values: dict[Key, bytes] = {}
    for number in range(count):
        one = object_id(0, number)
        values |= {
            (one, 77, None): text(f"input {number}"),
            (one, 85, None): real(number),
            (one, 111, None): b"\x82\x04\x00",
            (one, 117, None): b"\x91\x3e",
        }
    return values


async def check(driver: BacnetDriver) -> None:
    rows = await snapshot(driver, TAGS)
    assert [row["value"] for row in rows.values()] == [float(number) for number in range(40)]
    assert {row["quality"] for row in rows.values()} == {"good"}


def test_answers_that_come_twice_late_or_for_others() -> None:
    class Device(OddDevice):
        def answer(self, request: Request) -> list[Reply]:
            right = self.honest(request)
            other = right[:1] + bytes([request.invoke_id ^ 0x55]) + right[2:]
            wrong_service = right[:2] + b"\x1a" + right[3:]
            before = [Reply(other), Reply(wrong_service), Reply(b""), Reply(b"\x30")]
            return [*before, Reply(right, 0.01), Reply(right, 0.01), Reply(right, 0.05)]

    async def use(driver: BacnetDriver) -> None:
        for _ in range(300):  # every number is used more than once
            await check(driver)
        assert driver._link is not None
        assert driver._link.ignored > 1000

    with Device(inputs()) as device:
        with_driver(config(device.address), use)


def test_a_lost_datagram_is_asked_for_again(bacnet_factory: Callable[..., BacnetPeer]) -> None:
    peer = bacnet_factory(drop_every=3)
    rows = read_once(config(peer, apdu_timeout_seconds=0.3), TAGS)
    assert [row["value"] for row in rows.values()] == [truth.analog_value(n) for n in range(40)]


def test_an_answer_to_a_request_given_up_is_not_taken_for_another() -> None:
    class Device(OddDevice):
        slow = False

        def answer(self, request: Request) -> list[Reply]:
            return [Reply(self.honest(request), 0.4 if self.slow else 0.0)]

    async def use(driver: BacnetDriver) -> None:
        await check(driver)
        for number in range(5):
            device.slow = True
            device.values[(object_id(0, 0), 85, None)] = real(1000 + number)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await snapshot(driver, TAGS)
            device.slow = False
            device.values[(object_id(0, 0), 85, None)] = real(0)
            await check(driver)

    with Device(inputs()) as device:
        with_driver(config(device.address), use)


def test_silence_is_a_timeout_after_the_retries(bacnet_peer: BacnetPeer) -> None:
    class Silent(OddDevice):
        def answer(self, request: Request) -> list[Reply]:
            return []

    with Silent() as device:
        started = time.monotonic()
        with pytest.raises(SourceTimeout, match=r"did not answer within 0.6 s \(asked 3 times\)"):
            with_driver(config(device.address, **QUICK), check)
        assert 0.5 < time.monotonic() - started < 3
        assert len(device.requests) == 3


def test_a_port_where_nobody_listens_is_told_at_once() -> None:
    with OddDevice() as device:
        address = device.address
    started = time.monotonic()
    with pytest.raises(SourceUnreachable, match="was refused"):
        with_driver(config(address), check)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("reason", [1, 4, 11])
def test_answers_that_would_be_too_large_are_asked_for_in_parts(reason: int) -> None:
    class Device(OddDevice):
        def answer(self, request: Request) -> list[Reply]:
            right = self.honest(request)
            too_large = len(right) > 300
            return [Reply(bytes([0x71, request.invoke_id, reason]) if too_large else right)]

    async def use(driver: BacnetDriver) -> None:
        await check(driver)
        first = len(device.requests)
        await check(driver)
        assert len(device.requests) - first <= 8  # learned

    with Device(inputs()) as device:
        with_driver(config(device.address), use)


def test_an_object_that_spoils_its_request_is_found_and_asked_alone() -> None:
    bad = object_id(0, 17).to_bytes(4)

    class Device(OddDevice):
        def answer(self, request: Request) -> list[Reply]:
            if request.service == 14 and bad in request.body:
                return [Reply(bytes([0x50, request.invoke_id, 14, 0x91, 1, 0x91, 31]))]
            return [Reply(self.honest(request))]

    async def use(driver: BacnetDriver) -> None:
        await check(driver)
        log = ReadLog()
        await snapshot(driver, TAGS, log)
        assert log.requests <= 6  # learned

    with Device(inputs()) as device:
        with_driver(config(device.address), use)


def test_a_busy_device_is_told_as_such() -> None:
    class Busy(OddDevice):
        def answer(self, request: Request) -> list[Reply]:
            if request.service == 14:
                return [Reply(bytes([0x71, request.invoke_id, 9]))]
            return [Reply(self.honest(request))]

    with Busy(inputs()) as device, pytest.raises(SourceBusy, match="out-of-resources"):
        with_driver(config(device.address), check)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body[:-5],
        lambda body: body + b"\x00",
        lambda body: body.replace(real(3.0), b"\x45" + real(3.0)[1:]),
        lambda body: body.replace(real(3.0), b"\x75\xff\xff\xff\xff\xff"),
        lambda body: body.replace(object_id(0, 3).to_bytes(4), object_id(0, 4).to_bytes(4)),
        lambda body: body[: len(body) // 2] + b"\x1f",
    ],
    ids=["cut", "longer", "wrong size", "hostile length", "another object", "fewer"],
)
def test_an_answer_to_something_else_is_no_answer(spoil: Callable[[bytes], bytes]) -> None:
    class Device(OddDevice):
        def answer(self, request: Request) -> list[Reply]:
            right = self.honest(request)
            return [Reply(right[:3] + spoil(right[3:]) if request.service == 14 else right)]

    with Device(inputs()) as device, pytest.raises(ProtocolError, match="broken answer"):
        with_driver(config(device.address), check)


def segmented(request: Request, body: bytes, size: int, window: int) -> list[bytes]:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return [
        bytes([0x38 | (4 if number + 1 < len(parts) else 0), request.invoke_id, number % 256,
               window, request.service]) + part
        for number, part in enumerate(parts)
    ]  # fmt: skip


@pytest.mark.parametrize("order", [[0, 1, 2], [0, 0, 1, 1, 2], [1, 0, 2, 1, 2], [0, 2, 1, 2]])
def test_segments_in_any_order_and_number(order: list[int]) -> None:
    class Device(OddDevice):
        def answer(self, request: Request) -> list[Reply]:
            right = self.honest(request)
            if request.service != 14 or len(right) < 500:
                return [Reply(right)]
            parts = segmented(request, right[3:], len(right) // 3, 4)
            return [Reply(parts[number]) for number in order]

    async def use(driver: BacnetDriver) -> None:
        await check(driver)
        acks = [apdu for apdu in device.other_apdus if apdu[0] >> 4 == 4]
        assert acks
        assert all(apdu[2] <= 2 for apdu in acks)

    with Device(inputs()) as device:
        with_driver(config(device.address, **QUICK), use)


def test_segments_without_end_are_cut_off() -> None:
    class Device(OddDevice):
        def answer(self, request: Request) -> list[Reply]:
            if request.service != 14:
                return [Reply(self.honest(request))]
            head = bytes([0x3C, request.invoke_id])
            return [Reply(head + bytes([n % 256, 4, 14]) + b"\0" * 1000) for n in range(300)]

    with Device(inputs()) as device, pytest.raises(ProtocolError, match="more than 64 segments"):
        with_driver(config(device.address), check)


def test_a_device_that_does_not_know_the_wildcard_is_found_by_who_is() -> None:
    class Device(OddDevice):
        def answer(self, request: Request) -> list[Reply]:
            if b"\x02\x3f\xff\xff" in request.body:
                return [Reply(bytes([0x50, request.invoke_id, request.service, 0x91, 1, 0x91, 31]))]
            return [Reply(self.honest(request))]

        def other(self, apdu: bytes) -> list[Reply]:
            assert apdu == b"\x10\x08"
            who = b"\xc4" + DEVICE.to_bytes(4)
            return [Reply(b"\x10\x00" + who + b"\x22\x05\xc4\x91\x03\x21\x0f")] if heard else []

    heard = True
    with Device(inputs()) as device:
        with_driver(config(device.address), check)
        heard = False
        with pytest.raises(ConfigurationError, match="Give device_instance"):
            with_driver(config(device.address), check)


def test_a_list_that_claims_four_billion_objects_costs_nothing() -> None:
    with OddDevice({(DEVICE, 76, 0): b"\x24\xff\xff\xff\xff"}) as device:
        with pytest.raises(ProtocolError, match="object list cannot be read whole"):
            read_once(config(device.address), ["some name"])
        assert len(device.requests) < 200


def test_a_device_behind_a_router() -> None:
    class Router(OddDevice):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            npdu = data[4:]
            assert npdu[:7] == b"\x01\x24" + struct.pack(">HB", 2001, 1) + b"\x0c" + b"\xff"
            request = Request(npdu[9], npdu[10], npdu[11:])
            for source in (b"\x0d", b"\x0c"):  # another device on that network answers first
                value = real(99.0) if source == b"\x0d" else real(5.0)
                self.values[(object_id(0, 5), 85, None)] = value
                answer = b"\x01\x08" + struct.pack(">HB", 2001, 1) + source + self.honest(request)
                whole = struct.pack(">BBH", 0x81, 0x0A, len(answer) + 4) + answer
                self.transport.sendto(whole, addr)

    with Router(inputs()) as device:
        rows = read_once(config(device.address, network=2001, mac="0c"), ["AI:5"])
    assert rows["AI:5"]["value"] == 5.0


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


def test_duplicates_on_the_way_change_nothing(bacnet_peer: BacnetPeer) -> None:
    with UdpProxy(bacnet_peer.port, target_host=bacnet_peer.host) as proxy:
        proxy.copies = 3
        rows = read_once(config(f"127.0.0.1:{proxy.port}"), TAGS)
    assert [row["value"] for row in rows.values()] == [truth.analog_value(n) for n in range(40)]


def test_the_log_that_records_an_object_is_found_by_the_object() -> None:
    log, target = object_id(20, 3), object_id(0, 5)
    member = b"\x0c" + target.to_bytes(4) + b"\x19\x55"
    values = {
        (DEVICE, 76, 0): b"\x21\x02",
        (DEVICE, 76, 1): b"\xc4" + target.to_bytes(4),
        (DEVICE, 76, 2): b"\xc4" + log.to_bytes(4),
        (log, 132, None): member,
        **inputs(),
    }
    record = (
        b"\x0e\xa4\x7d\x03\x01\x06\xb4\x0c\x00\x00\x00\x0f\x1e\x2c\x41\x20\x00\x00\x1f\x2a\x04\x00"
    )

    class Device(OddDevice):
        def answer(self, request: Request) -> list[Reply]:
            if request.service != 26:
                return [Reply(self.honest(request))]
            head = b"\x0c" + log.to_bytes(4) + b"\x19\x83\x3a\x05\xc0\x49\x01\x5e"
            return [Reply(complex_ack(request, head + record + b"\x5f\x69\x2a"))]

    with Device(values) as device:
        settings = config(device.address, time_zone="Europe/Berlin")
        with gd.Session(sources=[settings]) as session:
            frame = session.scada(["AI:5"], start="2025-01-01", end="2026-01-01", shape="long")
    (row,) = frame.to_dict("records")
    assert (row["tag"], row["value"], row["unit"]) == ("AI:5", 10.0, "Cel")
    assert row["timestamp"].isoformat() == "2025-03-01T11:00:00+00:00"
