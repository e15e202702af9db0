"""Recorded answers: a process between client and server that gives known answers at once.

It leaves the server's own time out of a measurement while every byte stays the server's.
"""

from __future__ import annotations

import asyncio
import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from greenlang_data.drivers.opcua.services import READ
from tests.peers.launch import OpcuaPeer


class Replay:
    """Passes messages on to a server and answers Read from memory when it can.

    For channels without security. An answer is remembered by what was asked behind the request
    header, and gets the request's number and handle.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.answers: dict[bytes, bytes] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target, limit=2**26)
        # The sequence numbers of both directions, because answered requests are not passed on.
        up = down = 0
        try:
            while True:
                request = await message(reader)
                secure = request[:3] in (b"MSG", b"CLO")
                key = request_key(request)
                answer = self.answers.get(key) if key else None
                if answer is None:
                    passed, up = numbered(request, up) if secure else (request, up)
                    up_writer.write(passed)
                    if request[:3] == b"OPN":
                        up = sequence_of_opening(request)
                    answer = await message(up_reader)
                    if key:
                        self.answers[key] = answer
                if answer[:3] == b"MSG":
                    answer, down = numbered(answered(answer, request), down)
                elif answer[:3] == b"OPN":
                    down = sequence_of_opening(answer)
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            pass
        finally:
            up_writer.close()
            writer.close()


async def message(reader: asyncio.StreamReader) -> bytes:
    """All chunks of one message."""
    whole = b""
    while True:
        head = await reader.readexactly(8)
        chunk = head + await reader.readexactly(int.from_bytes(head[4:8], "little") - 8)
        whole += chunk
        if head[3:4] == b"F":
            return whole


def bodies(whole: bytes) -> bytes:
    starts = chunk_starts(whole)
    ends = [*starts[1:], len(whole)]
    return b"".join(whole[a + 24 : b] for a, b in zip(starts, ends, strict=True))


def _behind_token(body: bytes) -> int:
    """Where the timestamp of a request header starts: behind the type id and the token."""
    widths = {0: 2, 1: 4, 2: 7, 4: 19}
    form = body[4]
    if form in widths:
        return 4 + widths[form]
    return 4 + 3 + 4 + int.from_bytes(body[7:11], "little")


def request_key(request: bytes) -> bytes | None:
    if request[:3] != b"MSG":
        return None
    body = bodies(request)
    if body[:4] != b"\x01\x00" + struct.pack("<H", READ):
        return None
    # Timestamp, handle and diagnostics, no audit id, time-out, no additional header.
    return body[:4] + body[_behind_token(body) + 16 + 4 + 4 + 3 :]


def request_handle(request: bytes) -> bytes:
    body = bodies(request)
    start = _behind_token(body) + 8
    return body[start : start + 4]


def sequence_of_opening(whole: bytes) -> int:
    position = 12
    for _ in range(3):
        length = int.from_bytes(whole[position : position + 4], "little", signed=True)
        position += 4 + max(0, length)
    return int.from_bytes(whole[position : position + 4], "little")


def chunk_starts(whole: bytes | bytearray) -> list[int]:
    starts, position = [], 0
    while position < len(whole):
        starts.append(position)
        position += int.from_bytes(whole[position + 4 : position + 8], "little")
    return starts


def numbered(whole: bytes, last: int) -> tuple[bytes, int]:
    """With the sequence numbers that follow ``last``."""
    changed = bytearray(whole)
    for start in chunk_starts(whole):
        last += 1
        struct.pack_into("<I", changed, start + 16, last)
    return bytes(changed), last


def answered(answer: bytes, request: bytes) -> bytes:
    """The answer with the channel, token, request number and handle of the request."""
    changed = bytearray(answer)
    for start in chunk_starts(answer):
        changed[start + 8 : start + 16] = request[8:16]
        changed[start + 20 : start + 24] = request[20:24]
    changed[36:40] = request_handle(request)
    return bytes(changed)


async def replay_for_ever(target: int) -> None:
    replay = Replay(target)
    server = await asyncio.start_server(replay.serve, "127.0.0.1", 0, limit=2**26)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


@contextmanager
def recorded(peer: OpcuaPeer) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.drivers.opcua.replay", str(peer.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        yield peer.endpoint.replace(f":{peer.port}/", f":{port}/")
        process.terminate()


if __name__ == "__main__":
    asyncio.run(replay_for_ever(int(sys.argv[1])))
