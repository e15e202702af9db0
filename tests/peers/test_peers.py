"""The servers tell the truth: what ``README.md`` promises is what asyncua, pymodbus and plain
sockets read from them."""

from __future__ import annotations

import asyncio
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from asyncua import Client, ua
from asyncua.crypto.security_policies import (
    SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicyAes256Sha256RsaPss,
    SecurityPolicyBasic256Sha256,
)
from pymodbus.client import AsyncModbusTcpClient

from . import launch
from .launch import OpcuaPeer, Peer
from .lying_modbus import Behaviour, LyingModbus, holding_register
from .lying_opcua import Lie, LyingOpcua, Service
from .proxy import Fault, FaultProxy, garbage

START = datetime(2025, 1, 1, tzinfo=UTC)
BULK_TIME = datetime(2025, 6, 15, 12, 34, 56, 789000, tzinfo=UTC)

Result = TypeVar("Result")


# --- OPC UA ------------------------------------------------------------------------------


def with_client(endpoint: str, work: Callable[[Client], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        async with Client(endpoint, timeout=5, watchdog_intervall=60) as client:
            return await work(client)

    return asyncio.run(run())


def read(
    peer: OpcuaPeer, *names: str, timestamps: int = 2, endpoint: str = ""
) -> list[ua.DataValue]:
    nodes = [
        ua.ReadValueId(NodeId=ua.NodeId.from_string(peer.node(name)), AttributeId=13)
        for name in names
    ]
    parameters = ua.ReadParameters(
        TimestampsToReturn=ua.TimestampsToReturn(timestamps), NodesToRead=nodes
    )
    address = endpoint or peer.endpoint
    return with_client(address, lambda client: client.uaclient.read(parameters))


def values(peer: OpcuaPeer, *names: str) -> list[Any]:
    return [found.Value.Value if found.Value else None for found in read(peer, *names)]


def status_codes(peer: OpcuaPeer, *names: str) -> list[int]:
    return [found.StatusCode.value for found in read(peer, *names)]


def history_request(
    peer: OpcuaPeer, name: str, page: int, point: bytes | None
) -> ua.HistoryReadParameters:
    details = ua.ReadRawModifiedDetails(
        IsReadModified=False,
        StartTime=datetime(2024, 1, 1, tzinfo=UTC),
        EndTime=datetime(2027, 1, 1, tzinfo=UTC),
        NumValuesPerNode=page,
        ReturnBounds=False,
    )
    node = ua.HistoryReadValueId(
        NodeId=ua.NodeId.from_string(peer.node(name)), ContinuationPoint=point
    )
    return ua.HistoryReadParameters(
        HistoryReadDetails=details,
        TimestampsToReturn=ua.TimestampsToReturn.Both,
        ReleaseContinuationPoints=False,
        NodesToRead=[node],
    )


def history_pages(
    peer: OpcuaPeer, name: str, page: int, *, endpoint: str = "", most: int = 1000
) -> list[ua.HistoryReadResult]:
    async def work(client: Client) -> list[ua.HistoryReadResult]:
        pages: list[ua.HistoryReadResult] = []
        point: bytes | None = None
        while len(pages) < most and (point or not pages):
            request = history_request(peer, name, page, point)
            pages += await client.uaclient.history_read(request)
            point = pages[-1].ContinuationPoint
        return pages

    return with_client(endpoint or peer.endpoint, work)


def history(peer: OpcuaPeer, name: str, page: int = 10_000) -> list[ua.DataValue]:
    return [
        value for found in history_pages(peer, name, page) for value in found.HistoryData.DataValues
    ]


def test_bulk_tags(opcua_peer: OpcuaPeer) -> None:
    count = opcua_peer.info["tags"]
    names = [f"Bulk.{index:05d}" for index in range(count)]
    assert values(opcua_peer, *names) == [index * 0.5 + 0.25 for index in range(count)]
    assert read(opcua_peer, names[0])[0].SourceTimestamp == BULK_TIME


def test_scalars_and_arrays(opcua_peer: OpcuaPeer) -> None:
    expected = {
        "Boolean": True,
        "SByte": -128,
        "Byte": 255,
        "Int16": -32768,
        "UInt16": 65535,
        "Int32": -(2**31),
        "UInt32": 2**32 - 1,
        "Int64": -(2**63) + 1,
        "UInt64": 2**63 + 5,
        "Float": 1.5,
        "Double": 0.1,
        "String": "Zähler größer ß 🌱",
        "DateTime": datetime(2024, 2, 29, 23, 59, 58, 123456, tzinfo=UTC),
        "ByteString": b"\x00\x01\x02\xfe\xff",
        "DoubleArray": [1.5, -2.25, 1e300],
        "Int32Array": [-1, 0, 2**31 - 1],
        "StringArray": ["eins", "zwei", "drei €"],
        "EmptyArray": [],
        "DoubleMatrix": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
        "NullValue": None,
        "Infinity": float("-inf"),
    }
    found = values(opcua_peer, *(f"Type.{name}" for name in expected))
    assert dict(zip(expected, found, strict=True)) == expected
    guid, text, node = values(opcua_peer, "Type.Guid", "Type.LocalizedText", "Type.NodeId")
    assert str(guid) == "72962b91-fa75-4ae6-8d28-b404dc7daf63"
    assert (text.Locale, text.Text) == ("de-DE", "Förderpumpe")
    assert node.Identifier == 2258


def test_statuses(opcua_peer: OpcuaPeer) -> None:
    expected = {
        "Good": (20.5, 0),
        "GoodClamped": (21.5, ua.StatusCodes.GoodClamped),
        "GoodLocalOverride": (22.5, ua.StatusCodes.GoodLocalOverride),
        "GoodCalculated": (23.5, 1),
        "Uncertain": (55.5, ua.StatusCodes.UncertainLastUsableValue),
        "Bad": (None, ua.StatusCodes.BadSensorFailure),
        "BadWithValue": (99.9, ua.StatusCodes.BadDeviceFailure),
    }
    names = [f"Status.{name}" for name in expected]
    pairs = zip(values(opcua_peer, *names), status_codes(opcua_peer, *names), strict=True)
    assert dict(zip(expected, pairs, strict=True)) == expected


def test_access(opcua_peer: OpcuaPeer) -> None:
    names = ["Access.WriteOnly", "Access.Denied", "Access.Writable", "NoSuchNode"]
    assert status_codes(opcua_peer, *names) == [
        ua.StatusCodes.BadNotReadable,
        ua.StatusCodes.BadUserAccessDenied,
        ua.StatusCodes.Good,
        ua.StatusCodes.BadNodeIdUnknown,
    ]


def test_times(opcua_peer: OpcuaPeer) -> None:
    # Source timestamps only: with both, asyncua 2.1.0 decodes picoseconds in the wrong place.
    names = ["Picoseconds", "NoSource", "Old", "FarFuture", "Before1970"]
    found = read(opcua_peer, *(f"Time.{name}" for name in names), timestamps=0)
    assert [value.SourceTimestamp for value in found] == [
        BULK_TIME + timedelta(microseconds=123),
        None,
        datetime(1601, 1, 2, 3, 4, 5, 6000, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 58, 500_000, tzinfo=UTC),
        datetime(1969, 7, 20, 20, 17, 40, 250_000, tzinfo=UTC),
    ]
    assert found[0].SourcePicoseconds == 5678


def test_analog_units(opcua_peer: OpcuaPeer) -> None:
    async def work(client: Client) -> list[Any]:
        return [
            await node.read_value()
            for name in ("Analog.Temperature", "Analog.Flow")
            for node in await client.get_node(opcua_peer.node(name)).get_properties()
            if (await node.read_browse_name()).Name in ("EURange", "EngineeringUnits")
        ]

    found = with_client(opcua_peer.endpoint, work)
    assert (found[0].Low, found[0].High) == (0, 400)
    assert found[1].DisplayName.Text == "°C"
    assert (found[2].Low, found[2].High) == (0, 120)
    assert found[3].DisplayName.Text == "m³/h"


def test_live_counter_moves(opcua_peer: OpcuaPeer) -> None:
    before = values(opcua_peer, "Live.Counter")[0]
    time.sleep(0.35)
    assert values(opcua_peer, "Live.Counter")[0] >= before + 2


def test_history_million(opcua_peer: OpcuaPeer) -> None:
    samples = history(opcua_peer, "History.Million")
    assert len(samples) == opcua_peer.info["history"]
    for index, found in enumerate(samples):
        assert found.Value.Value == index * 0.001 - 3
        assert found.SourceTimestamp == START + timedelta(seconds=index)
        assert found.ServerTimestamp == found.SourceTimestamp + timedelta(milliseconds=50)


def test_history_is_paged_with_one_point(opcua_peer: OpcuaPeer) -> None:
    pages = history_pages(opcua_peer, "History.Million", 10_000)
    assert [len(found.HistoryData.DataValues) for found in pages] == [10_000, 10_000, 5_000]
    assert pages[0].ContinuationPoint == pages[1].ContinuationPoint
    assert not pages[2].ContinuationPoint


MIXED = [
    (ua.StatusCodes.BadSensorFailure, False),
    (ua.StatusCodes.UncertainLastUsableValue, True),
    (ua.StatusCodes.BadNoCommunication, False),
    (ua.StatusCodes.UncertainSensorNotAccurate, True),
    (ua.StatusCodes.BadDeviceFailure, True),
    (ua.StatusCodes.UncertainSubNormal, True),
]


def test_history_mixed(opcua_peer: OpcuaPeer) -> None:
    samples = history(opcua_peer, "History.Mixed")
    assert len(samples) == opcua_peer.info["mixed"]
    for index, found in enumerate(samples):
        code, with_value = MIXED[index // 7 % 6] if index % 7 == 0 else (0, True)
        assert found.StatusCode.value == code
        assert found.Value.Value == (index * 0.25 - 50 if with_value else None)


def test_history_of_other_types(opcua_peer: OpcuaPeer) -> None:
    integers = history(opcua_peer, "History.Ints")
    assert [found.Value.Value for found in integers] == [
        index * index * 31 % 1_000_003 - 500_000 for index in range(10_000)
    ]
    assert [found.SourceTimestamp for found in integers] == [
        START + timedelta(milliseconds=index * 1000 + index * 7919 % 997) for index in range(10_000)
    ]
    texts = [found.Value.Value for found in history(opcua_peer, "History.Strings")]
    assert texts == [f"state-{index % 5}-ä{index}" for index in range(1000)]
    flags = [found.Value.Value for found in history(opcua_peer, "History.Booleans")]
    assert flags == [index % 3 == 0 for index in range(5000)]


def test_history_bursts(opcua_peer: OpcuaPeer) -> None:
    sizes = [1, 10, 2500, 12000, 7, 1000, 3, 4479]
    samples = history(opcua_peer, "History.Bursts", 1000)
    assert [found.Value.Value for found in samples] == list(range(20_000))
    assert [found.SourceTimestamp for found in samples] == [
        START + timedelta(seconds=burst) for burst, size in enumerate(sizes) for _ in range(size)
    ]


def test_history_over_clock_changes(opcua_peer: OpcuaPeer) -> None:
    starts = [datetime(2025, 3, 29, 22, tzinfo=UTC), datetime(2025, 10, 25, 22, tzinfo=UTC)]
    samples = history(opcua_peer, "History.Dst")
    assert [(found.SourceTimestamp, found.Value.Value) for found in samples] == [
        (starts[index // 361] + timedelta(minutes=index % 361), index) for index in range(722)
    ]


def test_history_empty_and_absent(opcua_peer: OpcuaPeer) -> None:
    empty = history_pages(opcua_peer, "History.Empty", 100)[0]
    assert empty.StatusCode.value == ua.StatusCodes.GoodNoData
    assert not empty.ContinuationPoint
    plain = history_pages(opcua_peer, "Plain", 100)[0]
    assert plain.StatusCode.value == ua.StatusCodes.BadHistoryOperationUnsupported


def raw_answer(peer: OpcuaPeer, name: str) -> bytes:
    async def work(client: Client) -> bytes:
        request = ua.HistoryReadRequest(Parameters=history_request(peer, name, 1000, None))
        protocol = client.uaclient.protocol
        assert protocol is not None
        answer = await protocol.send_request(request)
        return bytes(answer.read(len(answer)))

    return with_client(peer.endpoint, work)


def filetime(ticks: int) -> int:
    """100 ns since 1601 for 100 ns ticks after START."""
    return (11_644_473_600 + int(START.timestamp())) * 10_000_000 + ticks


def test_ticks_on_the_wire(opcua_peer: OpcuaPeer) -> None:
    answer = raw_answer(opcua_peer, "History.Ticks")
    for index in range(1000):
        source = filetime(index * 10_000 + index * 7 % 10_000)
        server = source + 500_001
        record = struct.pack("<BBdqq", 0x0D, 11, float(index), source, server)
        assert record in answer


def test_picoseconds_on_the_wire(opcua_peer: OpcuaPeer) -> None:
    """Each picosecond field directly follows its own timestamp."""
    answer = raw_answer(opcua_peer, "History.Picoseconds")
    for index in range(500):
        source = filetime(index * 10_000 + index * 7 % 10_000)
        record = struct.pack(
            "<BBdqHqH", 0x3D, 11, float(index), source, index + 1, source + 500_000, index + 2
        )
        assert record in answer


def test_average_aggregate(opcua_peer: OpcuaPeer) -> None:
    details = ua.ReadProcessedDetails(
        StartTime=START,
        EndTime=START + timedelta(hours=1),
        ProcessingInterval=60_000.0,
        AggregateType=[ua.NodeId(ua.ObjectIds.AggregateFunction_Average)],
        AggregateConfiguration=ua.AggregateConfiguration(UseServerCapabilitiesDefaults=True),
    )
    request = history_request(opcua_peer, "History.Million", 0, None)
    request.HistoryReadDetails = details
    found = with_client(opcua_peer.endpoint, lambda client: client.uaclient.history_read(request))
    samples = found[0].HistoryData.DataValues
    assert [sample.Value.Value for sample in samples] == pytest.approx(
        [minute * 0.06 - 3 + 0.0295 for minute in range(60)]
    )
    assert {sample.StatusCode.value for sample in samples} == {1}


def test_limits_and_audit(opcua_peer: OpcuaPeer) -> None:
    opcua_peer.clear_requests()
    with pytest.raises(ua.UaStatusCodeError, match="BadTooManyOperations"):
        read(opcua_peer, *["Plain"] * 2001)
    assert len(read(opcua_peer, *["Plain"] * 2000)) == 2000
    seen = opcua_peer.requests()
    assert [entry["nodes"] for entry in seen if entry["service"] == "Read"] == [2001, 2000]


def test_audit_sees_writes(opcua_peer: OpcuaPeer) -> None:
    opcua_peer.clear_requests()
    with_client(
        opcua_peer.endpoint,
        lambda client: client.get_node(opcua_peer.node("Access.Writable")).write_value(42.0),
    )
    assert "Write" in {entry["service"] for entry in opcua_peer.requests()}


SECURED = [
    (policy, mode)
    for policy in (
        SecurityPolicyBasic256Sha256,
        SecurityPolicyAes128Sha256RsaOaep,
        SecurityPolicyAes256Sha256RsaPss,
    )
    for mode in (ua.MessageSecurityMode.Sign, ua.MessageSecurityMode.SignAndEncrypt)
]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    from asyncua.crypto.cert_gen import setup_self_signed_certificate
    from cryptography.x509.oid import ExtendedKeyUsageOID

    folder = tmp_path_factory.mktemp("certificate")
    key, file = folder / "key.pem", folder / "certificate.der"
    asyncio.run(
        setup_self_signed_certificate(
            key, file, "urn:test:client", "localhost", [ExtendedKeyUsageOID.CLIENT_AUTH], {}
        )
    )
    return str(file), str(key)


@pytest.mark.parametrize(("policy", "mode"), SECURED)
def test_secured_user(
    opcua_peer: OpcuaPeer, certificate: tuple[str, str], policy: Any, mode: Any
) -> None:
    async def run() -> float:
        client = Client(opcua_peer.endpoint, watchdog_intervall=60)
        client.application_uri = "urn:test:client"
        client.set_user("operator")
        client.set_password("secret-operator")
        await client.set_security(policy, certificate[0], certificate[1], mode=mode)
        async with client:
            return float(await client.get_node(opcua_peer.node("Plain")).read_value())

    assert asyncio.run(run()) == 7.5


def test_wrong_password_is_refused(opcua_peer: OpcuaPeer) -> None:
    async def run() -> None:
        client = Client(opcua_peer.endpoint)
        client.set_user("operator")
        client.set_password("wrong")
        async with client:
            pass

    with pytest.raises(ua.UaStatusCodeError, match="BadUserAccessDenied"):
        asyncio.run(run())


def test_no_anonymous(opcua_factory: Callable[..., OpcuaPeer]) -> None:
    peer = opcua_factory(tags=10, history=10, mixed=10, no_anonymous=True)
    with pytest.raises(ua.UaStatusCodeError, match="BadIdentityTokenInvalid"):
        read(peer, "Plain")


def test_restart_keeps_the_port(opcua_factory: Callable[..., OpcuaPeer]) -> None:
    peer = opcua_factory(tags=10, history=10, mixed=10)
    endpoint = peer.endpoint
    peer.kill()
    assert not peer.alive
    peer.restart()
    assert peer.endpoint == endpoint
    assert values(peer, "Bulk.00009") == [4.75]


def test_large_server(opcua_peer_large: OpcuaPeer) -> None:
    for first in range(0, 10_000, 2000):
        names = [f"Bulk.{index:05d}" for index in range(first, first + 2000)]
        expected = [index * 0.5 + 0.25 for index in range(first, first + 2000)]
        assert values(opcua_peer_large, *names) == expected
    pages = history_pages(opcua_peer_large, "History.Million", 1000, most=3)
    assert [found.HistoryData.DataValues[0].Value.Value for found in pages] == [-3.0, -2.0, -1.0]
    assert values(opcua_peer_large, "History.Million") == [999_999 * 0.001 - 3]


def test_second_opcua(opcua_second: OpcuaPeer) -> None:
    names = [f"Bulk.{index:05d}" for index in range(50)]
    assert values(opcua_second, *names) == [index * 0.5 + 0.25 for index in range(50)]
    assert values(opcua_second, "Type.UInt64", "Status.Bad") == [2**63 + 5, None]
    assert status_codes(opcua_second, "Status.Uncertain", "Status.Bad") == [
        ua.StatusCodes.UncertainLastUsableValue,
        ua.StatusCodes.BadSensorFailure,
    ]


# --- lies over OPC UA --------------------------------------------------------------------

# asyncua does not notice these.
UNNOTICED = [Lie.NONE, Lie.TRAILING, Lie.WRONG_HANDLE, Lie.UNKNOWN_TYPE]


@pytest.mark.parametrize("lie", UNNOTICED)
def test_harmless_lies(
    opcua_peer: OpcuaPeer, lying_opcua_factory: Callable[[OpcuaPeer], LyingOpcua], lie: Lie
) -> None:
    liar = lying_opcua_factory(opcua_peer)
    liar.tell(lie)
    pages = history_pages(opcua_peer, "History.Million", 10_000, endpoint=liar.endpoint)
    assert sum(len(found.HistoryData.DataValues) for found in pages) == 25_000
    assert liar.lies_told == (0 if lie is Lie.NONE else 3)


RESULT_COUNTS = {
    Lie.NULL_RESULTS: 0,
    Lie.NO_RESULTS: 0,
    Lie.FEWER_RESULTS: 2,
    Lie.MORE_RESULTS: 4,
}


@pytest.mark.parametrize("lie", RESULT_COUNTS)
def test_number_of_results(
    opcua_peer: OpcuaPeer, lying_opcua_factory: Callable[[OpcuaPeer], LyingOpcua], lie: Lie
) -> None:
    liar = lying_opcua_factory(opcua_peer)
    liar.tell(lie, Service.READ)
    names = ["Plain", "Status.Bad", "Type.String"]
    found = read(opcua_peer, *names, endpoint=liar.endpoint)
    assert len(found or []) == RESULT_COUNTS[lie]


def test_endless_lies(
    opcua_peer: OpcuaPeer, lying_opcua_factory: Callable[[OpcuaPeer], LyingOpcua]
) -> None:
    liar = lying_opcua_factory(opcua_peer)
    for lie, length in ((Lie.ENDLESS_EMPTY, 0), (Lie.ENDLESS_PAGE, 100)):
        liar.tell(lie)
        pages = history_pages(opcua_peer, "History.Million", 100, endpoint=liar.endpoint, most=20)
        assert [len(found.HistoryData.DataValues) for found in pages] == [length] * 20
        assert {found.ContinuationPoint for found in pages} == {b"again"}


def test_status_after_a_good_page(
    opcua_peer: OpcuaPeer, lying_opcua_factory: Callable[[OpcuaPeer], LyingOpcua]
) -> None:
    liar = lying_opcua_factory(opcua_peer)
    liar.tell(Lie.RESULT_STATUS, skip=1, code=ua.StatusCodes.BadContinuationPointInvalid)
    pages = history_pages(opcua_peer, "History.Million", 100, endpoint=liar.endpoint)
    assert [found.StatusCode.value for found in pages] == [
        0,
        ua.StatusCodes.BadContinuationPointInvalid,
    ]


def test_service_fault(
    opcua_peer: OpcuaPeer, lying_opcua_factory: Callable[[OpcuaPeer], LyingOpcua]
) -> None:
    liar = lying_opcua_factory(opcua_peer)
    liar.tell(Lie.SERVICE_FAULT, code=ua.StatusCodes.BadResponseTooLarge, times=1)
    with pytest.raises(ua.UaStatusCodeError, match="BadResponseTooLarge"):
        history_pages(opcua_peer, "History.Million", 100, endpoint=liar.endpoint)
    pages = history_pages(opcua_peer, "History.Million", 10_000, endpoint=liar.endpoint)
    assert len(pages) == 3


BROKEN = [
    Lie.NEGATIVE_LENGTH,
    Lie.RESULTS_LENGTH,
    Lie.VALUES_LENGTH,
    Lie.TRUNCATED,
    Lie.NULL_HISTORY,
    Lie.ABORT,
    Lie.WRONG_REQUEST,
    Lie.HUGE_CHUNK,
    Lie.CUT,
    Lie.SILENCE,
]


@pytest.mark.parametrize("lie", BROKEN)
def test_broken_answers(
    opcua_peer: OpcuaPeer, lying_opcua_factory: Callable[[OpcuaPeer], LyingOpcua], lie: Lie
) -> None:
    """asyncua fails in one way or another; no way gives it the samples."""
    liar = lying_opcua_factory(opcua_peer)
    liar.tell(lie)

    async def work() -> int:
        client = Client(liar.endpoint, timeout=1, watchdog_intervall=60)
        request = history_request(opcua_peer, "History.Million", 100, None)
        try:
            await client.connect()
            answer = client.uaclient.history_read(request)
            found = await asyncio.wait_for(answer, 2)
            return len(found[0].HistoryData.DataValues)
        except Exception:  # any failure will do
            return 0
        finally:
            client.disconnect_socket()

    assert asyncio.run(work()) == 0
    assert liar.lies_told == 1


# --- Modbus ------------------------------------------------------------------------------


@contextmanager
def connected(port: int, timeout: float = 2.0) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection


def request_frame(
    address: int, count: int, *, function: int = 3, unit: int = 1, transaction: int = 1
) -> bytes:
    return struct.pack(">HHHBBHH", transaction, 0, 6, unit, function, address, count)


def receive(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            break
        data += part
    return data


def read_frame(connection: socket.socket) -> tuple[int, int, int, bytes]:
    """Transaction, unit, function and the rest of one answer."""
    transaction, _, length, unit = struct.unpack(">HHHB", receive(connection, 7))
    body = receive(connection, length - 1)
    return transaction, unit, body[0], body[1:]


def ask(port: int, address: int, count: int, **fields: int) -> tuple[int, bytes]:
    """Function and data of one answer; the byte count is checked and left out."""
    with connected(port) as connection:
        connection.sendall(request_frame(address, count, **fields))
        _, _, function, body = read_frame(connection)
    if function & 0x80:
        return function, body
    assert body[0] == len(body) - 1
    return function, body[1:]


def unpacked(port: int, layout: str, address: int, **fields: int) -> tuple[Any, ...]:
    size = struct.calcsize(layout)
    return struct.unpack(layout, ask(port, address, size // 2, **fields)[1])


def swapped_words(data: bytes, words: int) -> bytes:
    """Undo a reversed word order, value by value."""
    step = 2 * words
    return b"".join(
        data[at + 2 * word : at + 2 * word + 2]
        for at in range(0, len(data), step)
        for word in reversed(range(words))
    )


def swapped_bytes(data: bytes) -> bytes:
    return b"".join(data[at + 1 : at + 2] + data[at : at + 1] for at in range(0, len(data), 2))


def test_all_floats(modbus_peer: Peer) -> None:
    for function, formula in ((3, (0.5, -100)), (4, (0.25, 1000))):
        for first in range(0, 5000, 50):
            found = unpacked(modbus_peer.port, ">50f", 2 * first, function=function)
            scale, offset = formula
            assert found == tuple((first + index) * scale + offset for index in range(50))


def test_float_orders(modbus_peer: Peer) -> None:
    expected = tuple(index * 1.25 + 0.5 for index in range(50))
    port = modbus_peer.port
    middle = ask(port, 10000, 100)[1]
    bytes_only = ask(port, 10200, 100)[1]
    both = ask(port, 10400, 100)[1]
    assert struct.unpack(">50f", swapped_words(middle, 2)) == expected
    assert struct.unpack(">50f", swapped_bytes(bytes_only)) == expected
    assert struct.unpack(">50f", swapped_bytes(swapped_words(both, 2))) == expected


def test_integers(modbus_peer: Peer) -> None:
    port = modbus_peer.port
    step = 700_000_000_000_000_003
    assert unpacked(port, ">100h", 11000) == tuple((i - 50) * 655 for i in range(100))
    assert unpacked(port, ">100H", 11100) == tuple(i * 655 for i in range(100))
    signed = tuple((i - 25) * 40_000_003 for i in range(50))
    assert unpacked(port, ">50i", 11200) == signed
    assert unpacked(port, ">50I", 11300) == tuple(i * 80_000_003 for i in range(50))
    assert unpacked(port, ">25q", 11400) == tuple((i - 12) * step for i in range(25))
    assert unpacked(port, ">25Q", 11500) == tuple(i * step for i in range(25))
    assert unpacked(port, ">25d", 11600) == tuple(i * 0.125 - 1.5 for i in range(25))
    assert struct.unpack(">50i", swapped_words(ask(port, 11700, 100)[1], 2)) == signed
    words = swapped_words(ask(port, 11800, 100)[1], 4)
    assert struct.unpack(">25Q", words) == tuple(i * step for i in range(25))


def test_specials(modbus_peer: Peer) -> None:
    port = modbus_peer.port
    assert ask(port, 12000, 16)[1].rstrip(b"\0") == b"GREENLANG"
    assert ask(port, 12016, 16)[1].rstrip(b"\0").decode() == "Zählerstand 20 °C"
    assert ask(port, 12032, 16)[1].rstrip(b"\0") == "Grün".encode("latin-1")
    assert swapped_bytes(ask(port, 12048, 16)[1]).rstrip(b"\0") == b"GREENLANG"
    assert ask(port, 12064, 16)[1] == b"PUMP 01".ljust(32)
    assert unpacked(port, ">3H", 12100) == (0xA5C3, 1, 0x8000)
    bits = unpacked(port, ">6I", 12300)
    assert bits == (0x7FC00000, 0x7F800000, 0xFF800000, 0x80000000, 0x7F7FFFFF, 1)
    assert unpacked(port, ">2H", 12320) == (0x8000, 0xFFFF)
    low, high = unpacked(port, ">2H", 13000)
    assert low == high
    assert unpacked(port, ">H", 13000)[0] == low + 1


def test_patterns_and_bits(modbus_peer: Peer) -> None:
    port = modbus_peer.port
    expected = tuple((address * 31 + 7) & 0xFFFF for address in range(20000, 20100))
    assert unpacked(port, ">100H", 20000) == expected
    inputs = tuple((address * 17 + 11) & 0xFFFF for address in range(20000, 20100))
    assert unpacked(port, ">100H", 20000, function=4) == inputs
    coils = int.from_bytes(ask(port, 0, 2000, function=1)[1], "little")
    assert all((coils >> address & 1) == (address % 3 == 0) for address in range(2000))
    discrete = int.from_bytes(ask(port, 0, 2000, function=2)[1], "little")
    assert all(
        (discrete >> address & 1) == (address % 5 == 0 or address % 7 == 0)
        for address in range(2000)
    )


def test_refusals(modbus_peer: Peer) -> None:
    port = modbus_peer.port
    assert ask(port, 29_999, 2) == (0x83, b"\x02")
    assert ask(port, 30_009, 1, function=4) == (0x84, b"\x02")
    assert ask(port, 30_010, 1)[0] == 3
    assert ask(port, 65_535, 2) == (0x83, b"\x02")
    assert ask(port, 0, 1, unit=200) == (0x83, b"\x0b")
    assert ask(port, 0, 1, unit=201) == (0x83, b"\x0a")
    with connected(port, 0.3) as connection:
        connection.sendall(request_frame(0, 1, unit=202))
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_device_options(modbus_factory: Callable[..., Peer]) -> None:
    peer = modbus_factory(max_quantity=10, max_code=2, busy=2, illegal=[(40, 41)], units={9: 4})
    answers = [ask(peer.port, 0, 10) for _ in range(3)]
    assert answers[:2] == [(0x83, b"\x06")] * 2
    assert answers[2][0] == 3
    assert ask(peer.port, 0, 11) == (0x83, b"\x02")
    assert ask(peer.port, 41, 1) == (0x83, b"\x02")
    assert ask(peer.port, 0, 1, unit=9) == (0x83, b"\x04")
    assert [entry["forced"] for entry in peer.requests()] == [6, 6, 0, 2, 2, 4]


def test_log_sees_writes(modbus_factory: Callable[..., Peer]) -> None:
    peer = modbus_factory()
    with connected(peer.port) as connection:
        connection.sendall(request_frame(20_000, 5, function=6))
        read_frame(connection)
    assert peer.requests() == [
        {"function": 6, "unit": 1, "address": 20_000, "count": 1, "forced": 0}
    ]


def test_pipelining(modbus_peer: Peer) -> None:
    with connected(modbus_peer.port) as connection:
        connection.sendall(b"".join(request_frame(20_000 + n, 1, transaction=n) for n in range(16)))
        answers = [read_frame(connection) for _ in range(16)]
    assert [answer[0] for answer in answers] == list(range(16))
    assert [int.from_bytes(answer[3][1:], "big") for answer in answers] == [
        ((20_000 + n) * 31 + 7) & 0xFFFF for n in range(16)
    ]


def test_second_modbus(modbus_second: Peer) -> None:
    async def run() -> tuple[list[int], list[int]]:
        client = AsyncModbusTcpClient("127.0.0.1", port=modbus_second.port)
        await client.connect()
        first = await client.read_holding_registers(300, count=100, device_id=1)
        second = await client.read_holding_registers(0, count=10, device_id=2)
        client.close()
        return list(first.registers), list(second.registers)

    pattern, unit_two = asyncio.run(run())
    assert pattern == [(address * 31 + 7) & 0xFFFF for address in range(300, 400)]
    assert unit_two == list(range(1000, 1010))
    found = unpacked(modbus_second.port, ">50f", 0)
    assert found == tuple(index * 0.5 - 100 for index in range(50))


# --- lies over Modbus --------------------------------------------------------------------


def registers(address: int, count: int) -> bytes:
    return struct.pack(f">{count}H", *(holding_register(address + n) for n in range(count)))


def answer_bytes(address: int, count: int, *, transaction: int = 1, unit: int = 1) -> bytes:
    body = bytes([3, 2 * count]) + registers(address, count)
    return struct.pack(">HHHB", transaction, 0, len(body) + 1, unit) + body


def everything(port: int, data: bytes, wait: float = 0.15) -> bytes:
    """All bytes that come back until the server closes or is silent for a while."""
    received = b""
    with connected(port, wait) as connection:
        connection.sendall(data)
        try:
            while len(received) < 100_000:
                part = connection.recv(65536)
                if not part:
                    break
                received += part
        except TimeoutError:
            pass
    return received


TRUE = answer_bytes(5, 4)
TRUTH_OR_LIE = {
    Behaviour.HONEST: TRUE,
    Behaviour.SHORT: answer_bytes(5, 3),
    Behaviour.LONG: answer_bytes(5, 5),
    Behaviour.BYTE_COUNT: TRUE[:8] + b"\x0a" + TRUE[9:],
    Behaviour.WRONG_UNIT: answer_bytes(5, 4, unit=2),
    Behaviour.WRONG_TRANSACTION: answer_bytes(5, 4, transaction=1001),
    Behaviour.WRONG_PROTOCOL: TRUE[:2] + b"\x00\x07" + TRUE[4:],
    Behaviour.WRONG_FUNCTION: TRUE[:7] + b"\x04" + TRUE[8:],
    Behaviour.DUPLICATE: TRUE * 2,
    Behaviour.HUGE_LENGTH: TRUE[:4] + b"\xff\xff" + TRUE[6:],
    Behaviour.EXCEPTION: TRUE[:4] + b"\x00\x03\x01\x83\x0b",
    Behaviour.HALF: TRUE[: len(TRUE) // 2],
    Behaviour.ONE_REGISTER: TRUE[:4] + b"\x00\x03\x01\x83\x02",
    Behaviour.CLOSE_AFTER_EACH: TRUE,
    Behaviour.SILENT: b"",
    Behaviour.STALE_FIRST: TRUE,
    Behaviour.REORDERED: TRUE,
    Behaviour.LATE: b"",
    Behaviour.EMPTY: TRUE[:4] + b"\x00\x03\x01\x03\x00",
}


@pytest.mark.parametrize("behaviour", TRUTH_OR_LIE)
def test_behaviours(lying_modbus_factory: Callable[..., LyingModbus], behaviour: Behaviour) -> None:
    server = lying_modbus_factory(behaviour, code=0x0B)
    assert everything(server.port, request_frame(5, 4)) == TRUTH_OR_LIE[behaviour]


def test_behaviours_over_two_requests(lying_modbus_factory: Callable[..., LyingModbus]) -> None:
    server = lying_modbus_factory()
    both = request_frame(5, 4) + request_frame(50, 2, transaction=2)
    first, second = TRUE, answer_bytes(50, 2, transaction=2)
    for behaviour in (Behaviour.LATE, Behaviour.REORDERED):
        server.behaviour = behaviour
        assert everything(server.port, both) == second + first
    server.behaviour = Behaviour.STALE_FIRST
    assert everything(server.port, both) == first + first + second


def test_lies_at_chosen_requests(lying_modbus_factory: Callable[..., LyingModbus]) -> None:
    server = lying_modbus_factory(Behaviour.SHORT, honest_first=1, lie_every=2)
    lengths = [len(everything(server.port, request_frame(5, 4), 0.05)) for _ in range(5)]
    assert lengths == [17, 15, 17, 15, 17]
    assert len(server.requests) == 5


def test_endless_garbage(lying_modbus_factory: Callable[..., LyingModbus]) -> None:
    server = lying_modbus_factory(Behaviour.ENDLESS_GARBAGE)
    assert len(everything(server.port, request_frame(5, 4))) >= 100_000


# --- the proxy ---------------------------------------------------------------------------


@pytest.fixture
def proxy(
    lying_modbus_factory: Callable[..., LyingModbus],
    proxy_factory: Callable[[int], FaultProxy],
) -> FaultProxy:
    return proxy_factory(lying_modbus_factory().port)


QUESTION = request_frame(5, 4)


def test_proxy_counts(proxy: FaultProxy) -> None:
    assert everything(proxy.port, QUESTION) == TRUE
    assert proxy.connections == 1
    assert (proxy.up.byte_count, proxy.up.segments) == (12, 1)
    assert (proxy.down.byte_count, proxy.down.segments) == (17, 1)


def test_proxy_delays_without_limiting(proxy: FaultProxy) -> None:
    proxy.set_delay(up=0.05, down=0.05)
    with connected(proxy.port) as connection:
        started = time.monotonic()
        for _ in range(5):
            connection.sendall(QUESTION)
            time.sleep(0.01)
        assert receive(connection, 5 * len(TRUE)) == TRUE * 5
        elapsed = time.monotonic() - started
    assert 0.1 < elapsed < 0.3


def test_proxy_refuses_and_recovers(proxy: FaultProxy) -> None:
    proxy.set_fault(Fault.REFUSE)
    with pytest.raises(ConnectionRefusedError):
        everything(proxy.port, QUESTION)
    proxy.set_fault(Fault.PASS)
    assert everything(proxy.port, QUESTION) == TRUE


def test_proxy_resets(proxy: FaultProxy) -> None:
    with connected(proxy.port) as connection:
        connection.sendall(QUESTION)
        assert receive(connection, len(TRUE)) == TRUE
        proxy.set_fault(Fault.RESET)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    # A new connection may meet the reset while it is still being set up.
    with pytest.raises(OSError, match="reset"), connected(proxy.port) as connection:
        connection.recv(1)


def test_proxy_stalls_and_goes_on(proxy: FaultProxy) -> None:
    for fault in (Fault.STALL, Fault.HOLD_ANSWERS):
        proxy.set_fault(fault)
        with connected(proxy.port, 0.2) as connection:
            connection.sendall(QUESTION)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            proxy.set_fault(Fault.PASS)
            assert receive(connection, len(TRUE)) == TRUE


def test_proxy_damages(proxy: FaultProxy) -> None:
    proxy.set_fault(Fault.CUT, after_bytes=10)
    assert everything(proxy.port, QUESTION) == TRUE[:10]
    proxy.set_fault(Fault.HALF)
    assert everything(proxy.port, QUESTION) == TRUE[:8]
    proxy.set_fault(Fault.GARBAGE)
    assert everything(proxy.port, QUESTION) == garbage(17)
    proxy.set_fault(Fault.DRIP, interval=0.005)
    started = time.monotonic()
    assert everything(proxy.port, QUESTION) == TRUE
    assert time.monotonic() - started > 17 * 0.005


def test_proxy_plan(proxy: FaultProxy) -> None:
    proxy.plan(Fault.RESET, Fault.HALF)
    with pytest.raises(OSError, match="reset"):
        everything(proxy.port, QUESTION)
    assert everything(proxy.port, QUESTION) == TRUE[:8]
    assert everything(proxy.port, QUESTION) == TRUE


def test_delay_proxy_process(modbus_peer: Peer) -> None:
    with launch.start_delay_proxy(modbus_peer.port, up=0.02, down=0.02) as delayed:
        started = time.monotonic()
        assert ask(delayed.port, 20_000, 1)[0] == 3
        assert time.monotonic() - started > 0.04


def test_pause_and_resume(modbus_factory: Callable[..., Peer]) -> None:
    peer = modbus_factory()
    peer.pause()
    with connected(peer.port, 0.2) as connection:
        connection.sendall(QUESTION)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        peer.resume()
        assert read_frame(connection)[2] == 3


# --- processes ---------------------------------------------------------------------------


def test_a_used_port_is_reported(modbus_peer: Peer) -> None:
    for start in (launch.start_modbus, launch.start_opcua, launch.start_modbus_second):
        with pytest.raises(launch.PeerFailed, match=r"before it was ready\n."):
            start(port=modbus_peer.port)


def test_missing_software_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(launch.PeerUnavailable, match="node is not installed"):
        launch.start_opcua()
    with pytest.raises(launch.PeerUnavailable, match="gcc is not installed"):
        launch.start_modbus()


ORPHANS = """
from peers import launch
import time
peers = [launch.start_modbus(), launch.start_opcua(tags=1, history=1, mixed=1),
         launch.start_modbus_second()]
peers.append(launch.start_delay_proxy(peers[0].port))
peers[1].pause()
print(*(peer.process.pid for peer in peers), flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs the parent death signal")
def test_servers_die_with_their_parent() -> None:
    command = [sys.executable, "-c", ORPHANS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=launch.FOLDER.parent) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(pids) == 4
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
