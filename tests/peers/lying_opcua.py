"""A proxy in front of an OPC UA server that rewrites chosen answers.

Works on connections without security (policy None), where the messages can be read.  An
answer is put together from its chunks, changed, cut into chunks again and given the next
sequence numbers, so that nothing but the chosen lie is wrong with it.
"""

from __future__ import annotations

import asyncio
import enum
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

from .launch import OpcuaPeer
from .loop_thread import ThreadedServer

HEADER = struct.Struct("<3scI")
SYMMETRIC = struct.Struct("<IIII")
SERVICE_FAULT = 397
LARGEST_LENGTH = 0x7FFFFFFF
BAD_TOO_MANY_OPERATIONS = 0x80100000

# Encoded bytes of the scalar built-in types that have a fixed width.
FIXED_WIDTH = {
    1: 1,
    2: 1,
    3: 1,
    4: 2,
    5: 2,
    6: 4,
    7: 4,
    8: 8,
    9: 8,
    10: 4,
    11: 8,
    13: 8,
    14: 16,
    19: 4,
}
COUNTED = (12, 15, 16)
TIMESTAMP_WIDTHS = ((0x04, 8), (0x10, 2), (0x08, 8), (0x20, 2))


class Service(enum.IntEnum):
    """Which answers are lied about, by the id of their binary encoding."""

    CREATE_SESSION = 464
    ACTIVATE_SESSION = 470
    BROWSE = 530
    BROWSE_NEXT = 536
    CREATE_ITEMS = 754
    CREATE_SUBSCRIPTION = 790
    PUBLISH = 829
    REPUBLISH = 835
    READ = 634
    HISTORY_READ = 667


class Lie(enum.Enum):
    """What is wrong with the answer; ``README.md`` describes each one."""

    NONE = "none"
    RESULTS_LENGTH = "results length"
    NEGATIVE_LENGTH = "negative length"
    NULL_RESULTS = "null results"
    NO_RESULTS = "no results"
    FEWER_RESULTS = "fewer results"
    MORE_RESULTS = "more results"
    TRUNCATED = "truncated"
    TRAILING = "trailing"
    UNKNOWN_TYPE = "unknown type"
    WRONG_HANDLE = "wrong handle"
    SERVICE_FAULT = "service fault"
    # The following need an answer to HistoryRead.
    VALUES_LENGTH = "values length"
    RESULT_STATUS = "result status"
    NULL_HISTORY = "null history"
    ENDLESS_EMPTY = "endless empty"
    ENDLESS_PAGE = "endless page"
    # The following change the chunks, not the message.
    ABORT = "abort"
    WRONG_REQUEST = "wrong request"
    HUGE_CHUNK = "huge chunk"
    CUT = "cut"
    DUPLICATE = "duplicate"
    SILENCE = "silence"


@dataclass(frozen=True)
class Message:
    """One answer, put together from its chunks."""

    kind: bytes
    channel: int
    token: int
    request: int
    chunk_bytes: int
    body: bytes

    @property
    def type_id(self) -> int:
        """Numeric id of the answer's encoding; 0 when it is not a plain one."""
        if self.body[:2] != b"\x01\x00":
            return 0
        return int.from_bytes(self.body[2:4], "little")


@dataclass(frozen=True)
class HistoryResult:
    """One element of a HistoryRead answer, its data still encoded."""

    status: int
    point: bytes
    data: bytes

    def encode(self) -> bytes:
        """Back to bytes."""
        return struct.pack("<I", self.status) + _byte_string(self.point) + self.data


# --- reading the encoding ----------------------------------------------------------------


def _int32(body: bytes, offset: int) -> int:
    return int(struct.unpack_from("<i", body, offset)[0])


def _byte_string(content: bytes) -> bytes:
    return struct.pack("<i", len(content) or -1) + content


def _counted_end(body: bytes, offset: int) -> int:
    return offset + 4 + max(0, _int32(body, offset))


def results_offset(body: bytes) -> int:
    """Where the results start: behind the type id and the response header."""
    offset = 4 + 8 + 4 + 4
    if body[offset] != 0:
        raise ValueError("the answer carries diagnostics, which are not understood here")
    strings = _int32(body, offset + 1)
    offset += 5
    for _ in range(strings):
        offset = _counted_end(body, offset)
    return offset + 3


def _data_value_end(body: bytes, offset: int) -> int:
    mask = body[offset]
    offset += 1
    if mask & 0x01:
        kind = body[offset]
        offset += 1
        if kind in FIXED_WIDTH:
            offset += FIXED_WIDTH[kind]
        elif kind in COUNTED:
            offset = _counted_end(body, offset)
        elif kind != 0:
            raise ValueError(f"values of encoding {kind} are not understood here")
    if mask & 0x02:
        offset += 4
    return offset + sum(width for bit, width in TIMESTAMP_WIDTHS if mask & bit)


def _extension_end(body: bytes, offset: int) -> int:
    offset += 4 if body[offset] == 1 else 2
    return _counted_end(body, offset + 1) if body[offset] else offset + 1


def _history_result_end(body: bytes, offset: int) -> int:
    return _extension_end(body, _counted_end(body, offset + 4))


def split_results(message: Message) -> list[bytes]:
    """The encoded results of a Read or HistoryRead answer, one by one."""
    history = message.type_id == Service.HISTORY_READ
    end_of = _history_result_end if history else _data_value_end
    offset = results_offset(message.body)
    count = _int32(message.body, offset)
    offset += 4
    results = []
    for _ in range(count):
        end = end_of(message.body, offset)
        results.append(message.body[offset:end])
        offset = end
    return results


def history_results(message: Message) -> list[HistoryResult]:
    """The results of a HistoryRead answer."""
    found = []
    for encoded in split_results(message):
        end = _counted_end(encoded, 4)
        status = int.from_bytes(encoded[:4], "little")
        found.append(HistoryResult(status, encoded[8:end], encoded[end:]))
    return found


# --- lies about the message --------------------------------------------------------------


def _with_results(message: Message, results: list[bytes]) -> Message:
    start = message.body[: results_offset(message.body)]
    count = struct.pack("<i", len(results))
    return replace(message, body=start + count + b"".join(results) + struct.pack("<i", 0))


def _with_history(message: Message, results: list[HistoryResult]) -> Message:
    return _with_results(message, [result.encode() for result in results])


def _with_length(message: Message, length: int) -> Message:
    offset = results_offset(message.body)
    body = message.body
    return replace(message, body=body[:offset] + struct.pack("<i", length) + body[offset + 4 :])


def _with_values_length(message: Message) -> Message:
    """The first result keeps its bytes and declares 2**31 - 1 samples."""
    first, *others = history_results(message)
    # Extension object: type id (4), encoding (1), length (4), then the array's length.
    data = first.data[:9] + struct.pack("<i", LARGEST_LENGTH) + first.data[13:]
    return _with_history(message, [replace(first, data=data), *others])


def _empty_page() -> bytes:
    """A HistoryData without samples, as an extension object."""
    content = struct.pack("<i", 0)
    return (
        b"\x01\x00" + struct.pack("<H", 658) + b"\x01" + struct.pack("<i", len(content)) + content
    )


NULL_EXTENSION = b"\x00\x00\x00"


def _with_every_result(message: Message, **changed: object) -> Message:
    results = history_results(message)
    return _with_history(message, [replace(result, **changed) for result in results])  # type: ignore[arg-type]


def _truncated(message: Message) -> Message:
    keep = results_offset(message.body) + 4
    return replace(message, body=message.body[: keep + (len(message.body) - keep) // 2])


def _with_handle(message: Message) -> Message:
    """The request handle is one more; it follows the type id and the timestamp."""
    handle = (int.from_bytes(message.body[12:16], "little") + 1) & 0xFFFFFFFF
    return replace(message, body=message.body[:12] + struct.pack("<I", handle) + message.body[16:])


def _with_type(message: Message, type_id: int) -> Message:
    return replace(message, body=b"\x01\x00" + struct.pack("<H", type_id) + message.body[4:])


def _fault(message: Message, code: int) -> Message:
    header = message.body[4:16] + struct.pack("<I", code) + b"\x00" + struct.pack("<i", 0)
    return replace(
        message, body=_with_type(message, SERVICE_FAULT).body[:4] + header + NULL_EXTENSION
    )


MESSAGE_LIES: dict[Lie, Callable[[Message], Message]] = {
    Lie.RESULTS_LENGTH: lambda message: _with_length(message, LARGEST_LENGTH),
    Lie.NEGATIVE_LENGTH: lambda message: _with_length(message, -5),
    Lie.NULL_RESULTS: lambda message: _with_length(_with_results(message, []), -1),
    Lie.NO_RESULTS: lambda message: _with_results(message, []),
    Lie.FEWER_RESULTS: lambda message: _with_results(message, split_results(message)[:-1]),
    Lie.MORE_RESULTS: lambda message: _with_results(
        message, [*split_results(message), split_results(message)[-1]]
    ),
    Lie.TRUNCATED: _truncated,
    Lie.TRAILING: lambda message: replace(message, body=message.body + b"\xa5" * 16),
    Lie.UNKNOWN_TYPE: lambda message: _with_type(message, 65000),
    Lie.WRONG_HANDLE: _with_handle,
    Lie.VALUES_LENGTH: _with_values_length,
    Lie.NULL_HISTORY: lambda message: _with_every_result(message, point=b"", data=NULL_EXTENSION),
    Lie.ENDLESS_EMPTY: lambda message: _with_every_result(
        message, status=0, point=b"again", data=_empty_page()
    ),
}


# --- the proxy ---------------------------------------------------------------------------


class LyingOpcua(ThreadedServer):
    """The proxy; ``tell`` may be called at any time and holds from the next answer on."""

    def __init__(self, peer: OpcuaPeer, *, port: int = 0) -> None:
        self.target_port = peer.port
        self.lie = Lie.NONE
        self.service = Service.HISTORY_READ
        self.code = BAD_TOO_MANY_OPERATIONS
        self.skip = 0
        self.times = -1
        self.lies_told = 0
        self.page: list[HistoryResult] = []
        super().__init__(port=port)
        self.endpoint = peer.endpoint.replace(f":{peer.port}/", f":{self.port}/")

    def tell(
        self,
        lie: Lie,
        service: Service = Service.HISTORY_READ,
        *,
        skip: int = 0,
        times: int = -1,
        code: int = BAD_TOO_MANY_OPERATIONS,
    ) -> None:
        """Lie in answers to ``service``: ``skip`` true ones, then ``times`` lies (-1: always)."""
        self.lie = Lie.NONE
        self.service, self.skip, self.times, self.code = service, skip, times, code
        self.lies_told = 0
        self.page = []
        self.lie = lie

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join one client to the server until either side is done."""
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        tasks = [
            asyncio.create_task(_forward(reader, server_writer)),
            asyncio.create_task(_Answers(self, server_reader, writer).run()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            server_writer.close()

    def lie_for(self, message: Message) -> Lie:
        """The lie this answer is due, counting it as told."""
        if self.lie is Lie.NONE or message.type_id != self.service:
            return Lie.NONE
        if self.skip > 0:
            self.skip -= 1
            return Lie.NONE
        if self.times == 0:
            return Lie.NONE
        self.times -= 1
        self.lies_told += 1
        return self.lie

    def changed(self, lie: Lie, message: Message) -> Message:
        """The message with a lie in its body."""
        if lie is Lie.SERVICE_FAULT:
            return _fault(message, self.code)
        if lie is Lie.RESULT_STATUS:
            return _with_every_result(message, status=self.code, point=b"", data=NULL_EXTENSION)
        if lie is Lie.ENDLESS_PAGE:
            self.page = self.page or history_results(message)
            return _with_history(message, [replace(result, point=b"again") for result in self.page])
        return MESSAGE_LIES[lie](message) if lie in MESSAGE_LIES else message


class _Answers:
    """The way from the server to one client."""

    def __init__(
        self, proxy: LyingOpcua, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.proxy = proxy
        self.reader = reader
        self.writer = writer
        self.last_sequence: int | None = None

    async def run(self) -> None:
        """Pass answers on until one of them ends the connection."""
        parts: list[tuple[tuple[int, ...], bytes]] = []
        goes_on = True
        while goes_on:
            kind, final, content = await self._chunk()
            if kind != b"MSG" or final == b"A":
                await self._send(HEADER.pack(kind, final, HEADER.size + len(content)) + content)
                continue
            parts.append((SYMMETRIC.unpack_from(content), content[SYMMETRIC.size :]))
            if final == b"F":
                goes_on = await self._pass_on(self._message(kind, parts))
                parts = []

    async def _chunk(self) -> tuple[bytes, bytes, bytes]:
        kind, final, size = HEADER.unpack(await self.reader.readexactly(HEADER.size))
        return kind, final, await self.reader.readexactly(size - HEADER.size)

    def _message(self, kind: bytes, parts: list[tuple[tuple[int, ...], bytes]]) -> Message:
        channel, token, first_sequence, request = parts[0][0]
        # From the first message on the numbers are counted here, because the chunks sent
        # for a message may be more or fewer than those received.
        if self.last_sequence is None:
            self.last_sequence = first_sequence - 1
        body = b"".join(content for _, content in parts)
        longest = max(len(content) for _, content in parts)
        return Message(kind, channel, token, request, longest, body)

    async def _pass_on(self, message: Message) -> bool:
        lie = self.proxy.lie_for(message)
        message = self.proxy.changed(lie, message)
        match lie:
            case Lie.SILENCE:
                return True
            case Lie.ABORT:
                reason = b"the answer is too large"
                abort = struct.pack("<I", self.proxy.code) + _byte_string(reason)
                await self._send(self._one_chunk(message, abort, b"A"))
            case Lie.WRONG_REQUEST:
                await self._send(self._chunks(replace(message, request=message.request + 1000)))
            case Lie.HUGE_CHUNK:
                data = self._chunks(message)
                await self._send(data[:4] + struct.pack("<I", LARGEST_LENGTH) + data[8:])
            case Lie.CUT:
                data = self._chunks(message)
                await self._send(data[: len(data) // 2])
                return False
            case Lie.DUPLICATE:
                await self._send(self._chunks(message) + self._chunks(message))
            case _:
                await self._send(self._chunks(message))
        return True

    def _chunks(self, message: Message) -> bytes:
        """The message as chunks no longer than those it came in."""
        step = message.chunk_bytes
        parts = [message.body[at : at + step] for at in range(0, len(message.body), step)]
        data = [self._one_chunk(message, part, b"C") for part in parts[:-1]]
        return b"".join([*data, self._one_chunk(message, parts[-1], b"F")])

    def _one_chunk(self, message: Message, content: bytes, final: bytes) -> bytes:
        assert self.last_sequence is not None
        self.last_sequence += 1
        header = SYMMETRIC.pack(message.channel, message.token, self.last_sequence, message.request)
        size = HEADER.size + len(header) + len(content)
        return HEADER.pack(message.kind, final, size) + header + content

    async def _send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
