"""The BACnet devices tell the truth: the one from npm as bacpypes3 reads it, and both as
hand-made frames find them."""

from __future__ import annotations

import asyncio
import math
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from bacpypes3.apdu import (
    ErrorRejectAbortNack,
    ReadRangeACK,
    ReadRangeRequest,
)
from bacpypes3.app import Application
from bacpypes3.basetypes import (
    DateTime,
    PropertyIdentifier,
    Range,
    RangeByPosition,
    RangeBySequenceNumber,
    RangeByTime,
)
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.networkport import NetworkPortObject
from bacpypes3.pdu import Address
from bacpypes3.primitivedata import Date, Null, ObjectIdentifier, Time

from . import bacnet_trends as trends
from . import bacnet_truth as truth
from . import launch
from .bacnet_truth import Property, Tag
from .launch import PeerUnavailable
from .launch_bacnet import BacnetPeer, start_bacnet, start_bacnet_second

Result = TypeVar("Result")


# --- by bacpypes3 ------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def with_client(work: Callable[[Any], Awaitable[Result]]) -> Result:
    """Run ``work`` with a bacpypes3 application on the loopback."""

    async def run() -> Result:
        device = DeviceObject(
            objectIdentifier=("device", 1), objectName="client", vendorIdentifier=999
        )
        port = NetworkPortObject(
            f"127.0.0.1/24:{free_port()}",
            objectIdentifier=("network-port", 1),
            objectName="network-port 1",
        )
        application: Any = Application.from_object_list([device, port])
        await asyncio.sleep(0.1)
        try:
            return await asyncio.wait_for(work(application), 30)
        finally:
            application.close()

    return asyncio.run(run())


def expected_of(value: truth.Value) -> Any:
    tag, content = value
    if tag in (Tag.REAL, Tag.DOUBLE):
        narrow = float(content)
        return struct.unpack(">f", struct.pack(">f", narrow))[0] if tag is Tag.REAL else narrow
    if tag is Tag.BIT_STRING:
        return [int(bit) for bit in content]
    return content


def plain(value: Any) -> Any:
    """What bacpypes3 decoded, without its own classes."""
    if isinstance(value, Null):
        return None
    if isinstance(value, float):
        return float(value)
    if isinstance(value, list):
        return [int(bit) for bit in value]
    if isinstance(value, int):
        return int(value)
    return str(value)


def same(found: Any, expected: Any) -> bool:
    if isinstance(expected, float) and math.isnan(expected):
        return isinstance(found, float) and math.isnan(found)
    return bool(found == expected)


SIMPLE = [prop for prop in Property if prop not in truth.ARRAYS]


def test_every_object_holds_what_the_truth_says(bacnet_peer: BacnetPeer) -> None:
    async def work(application: Any) -> list[str]:
        wrong = []
        for one in truth.plant():
            if one.instance == truth.LIVE_INSTANCE:
                continue
            names = [prop for prop in one.properties if prop in SIMPLE and prop not in one.errors]
            if one.properties[Property.PRESENT_VALUE][0][0] is Tag.NULL:
                names.remove(Property.PRESENT_VALUE)  # bacpypes3 cannot decode it; see below
            identifier = ObjectIdentifier((int(one.kind), one.instance))
            found = await application.read_property_multiple(
                Address(bacnet_peer.address),
                [identifier, [PropertyIdentifier(int(name)) for name in names]],
            )
            for name, (_, _, _, value) in zip(names, found, strict=True):
                expected = expected_of(one.properties[name][0])
                if not same(plain(value), expected):
                    wrong.append(f"{one.name} {name!r}: {value!r} is not {expected!r}")
        return wrong

    assert with_client(work) == []


def test_arrays(bacnet_peer: BacnetPeer) -> None:
    async def work(application: Any) -> tuple[Any, ...]:
        address = Address(bacnet_peer.address)
        texts = await application.read_property(address, "multi-state-input,1", "state-text")
        second = await application.read_property(address, "multi-state-input,1", "state-text", 2)
        length = await application.read_property(address, "analog-output,1", "priority-array", 0)
        count = await application.read_property(address, "device,5001", "object-list", 0)
        first = await application.read_property(address, "device,5001", "object-list", 1)
        return [str(text) for text in texts], str(second), int(length), int(count), first

    texts, second, length, count, first = with_client(work)
    assert texts == list(truth.STATE_TEXTS)
    assert (second, length) == ("Ein", 16)
    assert count == 1 + len(truth.plant()) + len(trends.logs()) + 1
    assert str(first) == "device,5001"


def refusal(peer: BacnetPeer, identifier: str, name: str, index: int | None = None) -> str:
    async def work(application: Any) -> str:
        try:
            await application.read_property(Address(peer.address), identifier, name, index)
        except ErrorRejectAbortNack as refused:  # no Exception, so pytest.raises would miss it
            return str(refused)
        return "answered"

    return with_client(work)


@pytest.mark.parametrize(
    ("identifier", "name", "index", "reason"),
    [
        ("analog-input,12345", "present-value", None, "object: unknown-object"),
        ("analog-input,1", "state-text", None, "property: unknown-property"),
        ("analog-input,9009", "present-value", None, "property: read-access-denied"),
        ("analog-input,9014", "status-flags", None, "device: operational-problem"),
        ("analog-input,9010", "reliability", None, "property: unknown-property"),
        ("multi-state-input,1", "state-text", 4, "property: invalid-array-index"),
        ("analog-input,1", "present-value", 1, "property: property-is-not-an-array"),
    ],
)
def test_refusals(
    bacnet_peer: BacnetPeer, identifier: str, name: str, index: int | None, reason: str
) -> None:
    assert refusal(bacnet_peer, identifier, name, index) == reason


def test_whole_object_list_of_a_large_device(bacnet_factory: Callable[..., BacnetPeer]) -> None:
    peer = bacnet_factory(analog_inputs=302)
    assert refusal(peer, "device,5001", "object-list") == "segmentation-not-supported"

    async def by_index(application: Any) -> list[str]:
        address = Address(peer.address)
        return [
            str(await application.read_property(address, "device,5001", "object-list", index))
            for index in range(1, 12)
        ]

    assert with_client(by_index) == ["device,5001", *(f"analog-input,{n}" for n in range(10))]


# --- trend logs --------------------------------------------------------------------------


def ranges(peer: BacnetPeer, log: int, chosen: list[Range]) -> list[ReadRangeACK]:
    async def work(application: Any) -> list[ReadRangeACK]:
        found = []
        for one in chosen:
            request = ReadRangeRequest(
                objectIdentifier=("trend-log", log),
                propertyIdentifier="log-buffer",
                range=one,
                destination=Address(peer.address),
            )
            answer = await application.request(request)
            assert isinstance(answer, ReadRangeACK), answer
            found.append(answer)
        return found

    return with_client(work)


def by_position(index: int, count: int) -> Range:
    return Range(byPosition=RangeByPosition(referenceIndex=index, count=count))


def by_sequence(number: int, count: int) -> Range:
    return Range(
        bySequenceNumber=RangeBySequenceNumber(referenceSequenceNumber=number, count=count)
    )


def by_time(moment: datetime, count: int) -> Range:
    date = Date((moment.year - 1900, moment.month, moment.day, moment.isoweekday()))
    clock = Time((moment.hour, moment.minute, moment.second, moment.microsecond // 10_000))
    return Range(byTime=RangeByTime(referenceTime=DateTime(date=date, time=clock), count=count))


def flags(answer: ReadRangeACK) -> str:
    return "".join(str(int(bit)) for bit in answer.resultFlags)


def test_pages_of_a_log_that_rolled_over(bacnet_peer: BacnetPeer) -> None:
    async def work(application: Any) -> list[ReadRangeACK]:
        found: list[ReadRangeACK] = []
        number = 1501
        while not found or not found[-1].resultFlags[1]:
            answer = await application.request(
                ReadRangeRequest(
                    objectIdentifier=("trend-log", trends.ROLLED),
                    propertyIdentifier="log-buffer",
                    range=by_sequence(number, 1000),
                    destination=Address(bacnet_peer.address),
                )
            )
            assert answer.firstSequenceNumber == number
            number += answer.itemCount
            found.append(answer)
        return found

    pages = with_client(work)
    assert sum(page.itemCount for page in pages) == 1000
    assert flags(pages[0]) == "101"
    assert {flags(page) for page in pages[1:-1]} == {"001"}
    assert flags(pages[-1]) == "010"
    assert len(pages) > 10


def test_positions_times_and_ends(bacnet_peer: BacnetPeer) -> None:
    log = trends.logs()[0]
    sixth = log.record(5).time
    answers = ranges(
        bacnet_peer,
        trends.ROLLED,
        [
            by_position(1, 3),
            by_position(1000, -3),
            by_position(1001, 1),
            by_sequence(1500, 3),
            by_sequence(2500, -2),
            by_time(sixth, 2),
            by_time(sixth, -2),
            by_time(log.record(999).time, 5),
            by_time(sixth - timedelta(days=900), -5),
        ],
    )
    found = [(flags(one), one.itemCount, one.firstSequenceNumber) for one in answers]
    assert found == [
        ("100", 3, None),
        ("010", 3, None),
        ("000", 0, None),
        ("000", 0, None),
        ("010", 2, 2499),
        ("000", 2, 1507),
        ("000", 2, 1504),
        ("000", 0, None),
        ("000", 0, None),
    ]


def test_a_negative_count_keeps_what_is_next_to_the_reference(bacnet_peer: BacnetPeer) -> None:
    (answer,) = ranges(bacnet_peer, trends.ROLLED, [by_sequence(2500, -900)])
    assert answer.firstSequenceNumber + answer.itemCount == 2501
    assert flags(answer) == "011"


def test_sequence_numbers_wrap(bacnet_peer: BacnetPeer) -> None:
    answers = ranges(
        bacnet_peer,
        trends.WRAPPED,
        [by_sequence(2**32 - 3, 5), by_sequence(1, 3), by_sequence(1, -3), by_position(100, 2)],
    )
    found = [(one.firstSequenceNumber, one.itemCount) for one in answers]
    assert found == [(2**32 - 3, 5), (1, 3), (2**32 - 2, 3), (None, 2)]


def test_empty_log_and_what_is_no_log(bacnet_peer: BacnetPeer) -> None:
    (answer,) = ranges(bacnet_peer, trends.EMPTY, [by_position(1, 10)])
    assert (flags(answer), answer.itemCount) == ("000", 0)
    assert refusal(bacnet_peer, "trend-log,1", "log-buffer") == "property: unknown-property"


def test_the_live_log_forgets(bacnet_factory: Callable[..., BacnetPeer]) -> None:
    peer = bacnet_factory(log_period=10)
    first = ranges(peer, trends.LIVE, [by_position(1, 1), by_sequence(805, 1)])
    assert flags(first[0]) == "100"
    time.sleep(0.5)
    assert [one.itemCount for one in ranges(peer, trends.LIVE, [by_sequence(810, 1)])] == [0]


# --- by hand-made frames -----------------------------------------------------------------


@contextmanager
def bound(timeout: float = 10) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.bind(("127.0.0.1", 0))
        connection.settimeout(timeout)
        yield connection


def framed(payload: bytes, *, expects: bool = True) -> bytes:
    network = bytes([1, 4 if expects else 0]) + payload
    return struct.pack(">BBH", 0x81, 0x0A, len(network) + 4) + network


def confirmed(
    service: int, body: bytes, *, first: int = 0, size: int = 5, invoke: int = 1
) -> bytes:
    return framed(bytes([first, size, invoke, service]) + body)


def send(connection: socket.socket, peer: BacnetPeer, frame: bytes) -> None:
    connection.sendto(frame, (peer.host, peer.port))


def received(connection: socket.socket) -> bytes:
    """The APDU of the next frame."""
    data = connection.recv(2000)
    assert data[:2] == b"\x81\x0a"
    assert int.from_bytes(data[2:4], "big") == len(data)
    return data[6:]


def exchange(peer: BacnetPeer, frame: bytes) -> bytes:
    with bound() as connection:
        send(connection, peer, frame)
        return received(connection)


def oid(kind: int, instance: int) -> bytes:
    return struct.pack(">I", kind << 22 | instance)


def read_body(kind: int, instance: int, prop: int) -> bytes:
    return b"\x0c" + oid(kind, instance) + bytes([0x19, prop])


def many(instances: range, prop: int = 85) -> bytes:
    """An RPM body asking one property of many analog inputs."""
    asked = bytes([0x1E, 0x09, prop, 0x1F])
    return b"".join(b"\x0c" + oid(0, instance) + asked for instance in instances)


def test_who_is_by_unicast(bacnet_peer: BacnetPeer, bacnet_second: BacnetPeer) -> None:
    for peer, tail in (
        (bacnet_peer, b"\x22\x05\xc4\x91\x03"),
        (bacnet_second, b"\x22\x04\x00\x91\x00"),
    ):
        expected = b"\x10\x00\xc4" + oid(8, peer.device) + tail + b"\x22\x03\xe7"
        limits = struct.pack(">BHBH", 0x0A, peer.device, 0x1A, peer.device)
        assert exchange(peer, framed(b"\x10\x08", expects=False)) == expected
        assert exchange(peer, framed(b"\x10\x08" + limits, expects=False)) == expected


def test_who_is_for_another_device(bacnet_peer: BacnetPeer) -> None:
    with bound(0.3) as connection:
        send(connection, bacnet_peer, framed(b"\x10\x08\x09\x01\x19\x02", expects=False))
        with pytest.raises(TimeoutError):
            connection.recv(100)


def test_null_present_value(bacnet_peer: BacnetPeer) -> None:
    body = read_body(0, 9003, 85)
    assert exchange(bacnet_peer, confirmed(12, body)) == b"\x30\x01\x0c" + body + b"\x3e\x00\x3f"


def test_multiple_with_errors_inside(bacnet_peer: BacnetPeer) -> None:
    asked = b"\x0c" + oid(0, 9009) + b"\x1e\x09\x55\x09\x75\x1f"
    answer = exchange(bacnet_peer, confirmed(14, asked))
    assert answer == (
        b"\x30\x01\x0e\x0c" + oid(0, 9009) + b"\x1e"
        b"\x29\x55\x5e\x91\x02\x91\x1b\x5f"
        b"\x29\x75\x4e\x91\x3e\x4f\x1f"
    )  # fmt: skip


@pytest.mark.parametrize(("size", "most"), [(5, 91), (3, 29)])
def test_too_long_answers_are_aborted(
    bacnet_factory: Callable[..., BacnetPeer], size: int, most: int
) -> None:
    peer = bacnet_factory(analog_inputs=150)
    assert exchange(peer, confirmed(14, many(range(most)), size=size))[0] == 0x30
    assert exchange(peer, confirmed(14, many(range(most + 3)), size=size)) == b"\x71\x01\x04"
    assert exchange(peer, confirmed(14, many(range(150)), size=size)) == b"\x71\x01\x04"


def test_small_device(bacnet_factory: Callable[..., BacnetPeer]) -> None:
    peer = bacnet_factory(max_apdu=480)
    assert b"\x22\x01\xe0" in exchange(peer, framed(b"\x10\x08", expects=False))
    assert exchange(peer, confirmed(14, many(range(29))))[0] == 0x30
    assert exchange(peer, confirmed(14, many(range(32)))) == b"\x71\x01\x04"


def test_device_without_multiple(bacnet_factory: Callable[..., BacnetPeer]) -> None:
    peer = bacnet_factory(no_rpm=True)
    assert exchange(peer, confirmed(14, many(range(2)))) == b"\x60\x01\x09"
    assert exchange(peer, confirmed(12, read_body(0, 1, 85)))[0] == 0x30


WRITE = b"\x0c" + oid(0, 1) + b"\x19\x55\x3e\x44\x3f\x80\x00\x00\x3f"


@pytest.mark.parametrize("start", [start_bacnet, start_bacnet_second])
def test_writes_are_rejected_and_recorded(start: Callable[[], BacnetPeer]) -> None:
    with start() as peer, bound() as connection:
        before = exchange(peer, confirmed(12, read_body(0, 1, 85)))
        assert peer.writes() == []
        send(connection, peer, confirmed(15, WRITE))
        assert received(connection) == b"\x60\x01\x09"
        # A time synchronisation: unconfirmed, so nothing comes back.
        send(
            connection,
            peer,
            framed(b"\x10\x06\xa4\x7d\x03\x01\x06\xb4\x0c\x00\x00\x00", expects=False),
        )
        assert exchange(peer, confirmed(12, read_body(0, 1, 85))) == before
        assert [(one["confirmed"], one["service"]) for one in peer.writes()] == [
            (True, 15),
            (False, 6),
        ]


def test_dropped_requests(bacnet_factory: Callable[..., BacnetPeer]) -> None:
    peer = bacnet_factory(drop_every=3)
    with bound(0.5) as connection:
        for number in range(1, 7):
            send(connection, peer, confirmed(12, read_body(0, 1, 85), invoke=number))
        answered = [received(connection)[1] for _ in range(4)]
        with pytest.raises(TimeoutError):
            connection.recv(100)
    assert answered == [1, 2, 4, 5]


def subscription(instance: int, *, notify_confirmed: bool, lifetime: int) -> bytes:
    flags_and_time = bytes([0x29, int(notify_confirmed), 0x39, lifetime])
    return confirmed(5, b"\x09\x07\x1c" + oid(0, instance) + flags_and_time)


@pytest.mark.parametrize("peer_name", ["bacnet_peer", "bacnet_second"])
@pytest.mark.parametrize("notify_confirmed", [False, True])
def test_notifications(
    request: pytest.FixtureRequest, peer_name: str, notify_confirmed: bool
) -> None:
    peer: BacnetPeer = request.getfixturevalue(peer_name)
    values: list[float] = []
    with bound() as connection:
        send(connection, peer, subscription(9100, notify_confirmed=notify_confirmed, lifetime=60))
        assert received(connection) == b"\x20\x01\x05"
        while len(values) < 3:
            notification = received(connection)
            values.append(noted(notification, peer, notify_confirmed=notify_confirmed))
            if notify_confirmed:
                acknowledgement = framed(bytes([0x20, notification[2], 0x01]), expects=False)
                send(connection, peer, acknowledgement)
        send(connection, peer, confirmed(5, b"\x09\x07\x1c" + oid(0, 9100), invoke=9))
        while received(connection) != b"\x20\x09\x05":
            pass
    assert values == sorted(set(values))


def noted(notification: bytes, peer: BacnetPeer, *, notify_confirmed: bool) -> float:
    """The present value in a notification, whose every byte is accounted for."""
    start = 4 if notify_confirmed else 2
    assert notification[0] & 0xF0 == (0x00 if notify_confirmed else 0x10)
    assert notification[start - 1] == (1 if notify_confirmed else 2)
    head = b"\x09\x07\x1c" + oid(8, peer.device) + b"\x2c" + oid(0, 9100)
    body = notification[start:]
    assert body[: len(head)] == head
    remaining, rest = body[len(head) : len(head) + 2], body[len(head) + 2 :]
    assert remaining[0] == 0x39
    assert 50 <= remaining[1] <= 60
    assert rest[:5] == b"\x4e\x09\x55\x2e\x44"
    assert rest[9:] == b"\x2f\x09\x6f\x2e\x82\x04\x00\x2f\x4f"
    return float(struct.unpack(">f", rest[5:9])[0])


def test_subscriptions_end(bacnet_peer: BacnetPeer) -> None:
    with bound(1) as connection:
        send(connection, bacnet_peer, subscription(9100, notify_confirmed=False, lifetime=1))
        assert received(connection)[0] == 0x20
        with pytest.raises(TimeoutError):
            all(received(connection) for _ in range(80))


def bit_string(tag: int, bits: str) -> bytes:
    return bytes([tag | 2, 8 - len(bits), int(bits.ljust(8, "0"), 2)])


def shortest(tag: int, value: int, *, signed: bool = False) -> bytes:
    size = next(n for n in range(1, 5) if -(256**n) // 2 <= value < 256**n // (1 + signed))
    return bytes([tag | size]) + value.to_bytes(size, "big", signed=signed)


def wire_datum(record: trends.Record) -> bytes:
    tag = record.datum << 4 | 8
    match record.datum:
        case trends.Datum.LOG_STATUS:
            return bit_string(tag, record.value)
        case trends.Datum.BOOLEAN:
            return bytes([tag | 1, record.value])
        case trends.Datum.REAL | trends.Datum.TIME_CHANGE:
            return struct.pack(">Bf", tag | 4, float(record.value))
        case trends.Datum.ENUMERATED | trends.Datum.UNSIGNED:
            return shortest(tag, record.value)
        case trends.Datum.SIGNED:
            return shortest(tag, record.value, signed=True)
        case trends.Datum.NULL:
            return bytes([tag])
        case trends.Datum.FAILURE:
            error_class, code = record.value
            return bytes([0x8E, 0x91, error_class, 0x91, code, 0x8F])


def wire_record(record: trends.Record) -> bytes:
    moment = record.time
    date = bytes([moment.year - 1900, moment.month, moment.day, moment.isoweekday()])
    hundredths = moment.microsecond // 10_000
    clock = bytes([moment.hour, moment.minute, moment.second, hundredths])
    stamp = b"\x0e\xa4" + date + b"\xb4" + clock + b"\x0f"
    status = b"" if record.flags is None else bit_string(0x28, record.flags)
    return stamp + b"\x1e" + wire_datum(record) + b"\x1f" + status


@pytest.mark.parametrize("log", trends.logs()[:3], ids=["rolled", "mixed", "wrapped"])
def test_every_record_on_the_wire(bacnet_peer: BacnetPeer, log: trends.TrendLog) -> None:
    expected, found, number = log.records(), 0, log.first
    while found < log.count:
        asked = b"\x0c" + oid(20, log.instance) + b"\x19\x83"
        wanted = b"\x6e\x25\x04" + struct.pack(">I", number) + b"\x32\x03\xe8\x6f"
        answer = exchange(bacnet_peer, confirmed(26, asked + wanted))
        head = b"\x30\x01\x1a" + asked + b"\x3a\x05"
        assert answer.startswith(head)
        count_size = answer[len(head) + 1] & 7
        start = len(head) + 2 + count_size
        count = int.from_bytes(answer[start - count_size : start], "big")
        records = b"".join(wire_record(one) for one in expected[found : found + count])
        assert answer[start:] == b"\x5e" + records + b"\x5f" + shortest(0x68, number)
        found += count
        number = trends.sequence_after(number, count)
    assert number == trends.sequence_after(log.total, 1)


# --- the device that segments ------------------------------------------------------------


def test_second_device_reads(bacnet_second: BacnetPeer) -> None:
    answer = exchange(bacnet_second, confirmed(14, many(range(40))))
    found = [struct.unpack(">f", answer[at + 10 : at + 14])[0] for at in range(3, len(answer), 16)]
    assert found == [truth.analog_value(instance) for instance in range(40)]
    refused = exchange(bacnet_second, confirmed(12, read_body(0, 399, 85)))
    assert refused == b"\x50\x01\x0c\x91\x02\x91\x1b"
    flags_of_397 = exchange(
        bacnet_second, confirmed(14, b"\x0c" + oid(0, 397) + b"\x1e\x09\x6f\x09\x67\x1f")
    )
    assert flags_of_397.endswith(b"\x29\x6f\x4e\x82\x04\x40\x4f\x29\x67\x4e\x91\x02\x4f\x1f")


def test_second_device_segments_its_object_list(bacnet_second: BacnetPeer) -> None:
    body = read_body(8, bacnet_second.device, 76)
    assert exchange(bacnet_second, confirmed(12, body))[:1] == b"\x71"
    data = b""
    with bound() as connection:
        send(connection, bacnet_second, confirmed(12, body, first=0x02, size=0x75))
        more, segments = True, 0
        while more:
            part = received(connection)
            assert part[0] & 0xF8 == 0x38
            assert part[2] == segments
            more = bool(part[0] & 0x04)
            data += part[5:]
            send(connection, bacnet_second, framed(bytes([0x40, 1, part[2], 1]), expects=False))
            segments += 1
    assert segments > 1
    listed = data[len(body) + 1 : -1]
    objects = [listed[at + 1 : at + 5] for at in range(0, len(listed), 5)]
    assert objects[0] == oid(8, bacnet_second.device)
    assert set(objects) >= {oid(0, instance) for instance in range(400)}
    assert len(objects) == 404


# --- both --------------------------------------------------------------------------------


def test_restart_and_pause(bacnet_factory: Callable[..., BacnetPeer]) -> None:
    peer = bacnet_factory()
    port = peer.port
    frame = confirmed(12, read_body(0, 1, 85))
    peer.restart()
    assert peer.port == port
    assert exchange(peer, frame)[0] == 0x30
    peer.pause()
    with bound(0.3) as connection:
        send(connection, peer, frame)
        with pytest.raises(TimeoutError):
            connection.recv(100)
        peer.resume()
        connection.settimeout(10)
        assert received(connection)[0] == 0x30


def test_missing_software_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "_missing_program", lambda program, _: f"{program} is not there")
    monkeypatch.setattr(launch, "_missing_module", lambda module: f"{module} is not there")
    for start, missing in ((start_bacnet, "node"), (start_bacnet_second, "bacpypes3")):
        with pytest.raises(PeerUnavailable, match=f"{missing} is not there"):
            start()
