"""Whatever a device or network does: an error in time, or the right values; never wrong ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from greenlang_data.drivers.bacnet import BacnetDriver
from greenlang_data.drivers.base import ReadLog
from greenlang_data.errors import (
    ProtocolError,
    SourceBusy,
    SourceTimeout,
    SourceUnreachable,
)
from tests.drivers.bacnet.helpers import config, read_once, snapshot, with_driver
from tests.drivers.bacnet.odd_device import (
    DEVICE,
    OddDevice,
    Reply,
    Request,
    inputs,
    object_id,
    real,
)
from tests.peers import bacnet_truth as truth
from tests.peers.launch_bacnet import BacnetPeer
from tests.peers.udp_proxy import UdpProxy

TAGS = [f"AI:{number}" for number in range(40)]
QUICK = {"apdu_timeout_seconds": 0.2, "apdu_retries": 2}


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
        for _ in range(100):  # every number is used more than once
            await check(driver)
        assert driver._link is not None
        assert driver._link.ignored > 500

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


@pytest.mark.parametrize(
    ("refusal", "status", "text"),
    [
        (b"\x50%c%c\x91\x02\x91\x1b", "read-access-denied", "says read-access-denied (property)"),
        (b"\x50%c%c\x91\x01\x91\x1f", "unknown-object", "says unknown-object (object)"),
        (b"\x60%c\x05%.0s", "missing-required-parameter", "rejected the request"),
        (b"\x60%c\xc8%.0s", "200", "rejected the request (200)"),
        (b"\x71%c\x05%.0s", "security-error", "aborted the request (security-error)"),
    ],
)
def test_a_refusal_becomes_the_status_of_its_tag_alone(
    refusal: bytes, status: str, text: str
) -> None:
    bad = object_id(0, 3).to_bytes(4)

    class Device(OddDevice):
        def answer(self, request: Request) -> list[Reply]:
            if bad in request.body:
                service = request.service if b"%.0s" not in refusal else b""
                return [Reply(refusal % (request.invoke_id, service))]
            return [Reply(self.honest(request))]

    with Device(inputs()) as device:
        rows = read_once(config(device.address), TAGS)
    refused = rows.pop("AI:3")
    assert (refused["value"], refused["quality"], refused["status"]) == (None, "bad", status)
    assert text in refused["failure"]
    others = [float(number) for number in range(40) if number != 3]
    assert [row["value"] for row in rows.values()] == others


def test_a_busy_device_is_told_as_such() -> None:
    class Busy(OddDevice):
        def answer(self, request: Request) -> list[Reply]:
            if request.service == 14:
                return [Reply(bytes([0x71, request.invoke_id, 9]))]
            return [Reply(self.honest(request))]

    with Busy(inputs()) as device, pytest.raises(SourceBusy, match="out-of-resources"):
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


def test_a_list_that_claims_four_billion_objects_costs_nothing() -> None:
    with OddDevice({(DEVICE, 76, 0): b"\x24\xff\xff\xff\xff"}) as device:
        with pytest.raises(ProtocolError, match="object list cannot be read whole"):
            read_once(config(device.address), ["some name"])
        assert len(device.requests) < 200


def test_duplicates_on_the_way_change_nothing(bacnet_peer: BacnetPeer) -> None:
    with UdpProxy(bacnet_peer.port, target_host=bacnet_peer.host) as proxy:
        proxy.copies = 3
        rows = read_once(config(f"127.0.0.1:{proxy.port}"), TAGS)
    assert [row["value"] for row in rows.values()] == [truth.analog_value(n) for n in range(40)]
