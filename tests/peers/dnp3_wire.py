"""A bare DNP3 master on a socket, with a codec of its own, to look at every octet."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Self

TIMEOUT_SECONDS = 10.0
UNCONFIRMED = 0xC4
CONFIRMED = 0xF3
CONFIRMED_FLIPPED = 0xD3


def crc(block: bytes) -> bytes:
    """CRC-16/DNP bit by bit, as the specification draws it."""
    register = 0
    for octet in block:
        for bit in range(8):
            mix = (register ^ (octet >> bit)) & 1
            register = (register >> 1) ^ (0xA6BC if mix else 0)
    return struct.pack("<H", register ^ 0xFFFF)


def frame(control: int, data: bytes = b"", *, destination: int = 10, source: int = 1) -> bytes:
    """A link frame from the master."""
    header = struct.pack("<BBBBHH", 0x05, 0x64, 5 + len(data), control, destination, source)
    blocks = [data[start : start + 16] for start in range(0, len(data), 16)]
    return header + crc(header) + b"".join(block + crc(block) for block in blocks)


@dataclass(frozen=True)
class Response:
    """An application fragment from the outstation."""

    control: int
    function: int
    indications: int
    objects: bytes

    @property
    def sequence(self) -> int:
        """The application sequence number."""
        return self.control & 0x0F

    @property
    def unsolicited(self) -> bool:
        """Whether nobody asked for it."""
        return bool(self.control & 0x10)

    @property
    def wants_confirm(self) -> bool:
        """Whether CON is set."""
        return bool(self.control & 0x20)

    @property
    def final(self) -> bool:
        """Whether FIN is set."""
        return bool(self.control & 0x40)


class Wire:
    """One connection to an outstation; nothing is answered unless a test says so."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
        self.link: list[tuple[int, int, int]] = []
        self._sequence = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def octets(self, count: int) -> bytes:
        """Exactly so many octets, or fewer at the end of the stream."""
        received = b""
        while len(received) < count and (part := self.socket.recv(count - len(received))):
            received += part
        return received

    def read_frame(self) -> tuple[int, bytes]:
        """The next frame's control octet and data, with all checksums asserted."""
        header = self.octets(10)
        assert header[:2] == b"\x05\x64", header.hex()
        assert crc(header[:8]) == header[8:], header.hex()
        control, destination, source = struct.unpack("<BHH", header[3:8])
        self.link.append((control, destination, source))
        data, left = b"", header[2] - 5
        while left:
            size = min(16, left)
            block = self.octets(size + 2)
            assert crc(block[:size]) == block[size:], block.hex()
            data, left = data + block[:size], left - size
        return control, data

    def read_fragment(self) -> Response:
        """The next whole fragment, with the order of its segments asserted."""
        whole, following = b"", None
        while True:
            control, segment = self.read_frame()
            assert control == 0x44
            assert bool(segment[0] & 0x40) == (following is None)
            assert following in (None, segment[0] & 0x3F)
            following = (segment[0] + 1) & 0x3F
            whole += segment[1:]
            if segment[0] & 0x80:
                break
        (indications,) = struct.unpack("<H", whole[2:4])
        return Response(whole[0], whole[1], indications, whole[4:])

    def send(self, function: int, objects: str = "", *, control: int = UNCONFIRMED) -> int:
        """Send a request with objects in hexadecimal; return its sequence number."""
        self._sequence = (self._sequence + 1) & 0x0F
        application = bytes([0xC0 | self._sequence, function]) + bytes.fromhex(objects)
        self.socket.sendall(frame(control, b"\xc0" + application))
        return self._sequence

    def ask(self, function: int, objects: str = "") -> Response:
        """Send a request and return the first fragment of its response."""
        sequence = self.send(function, objects)
        answer = self.read_fragment()
        assert (answer.function, answer.sequence) == (129, sequence)
        return answer

    def read(self, objects: str) -> Response:
        """READ some objects."""
        return self.ask(1, objects)

    def confirm(self, response: Response, *, step: int = 0) -> None:
        """Confirm a fragment; ``step`` makes the sequence number wrong."""
        kind = 0xD0 if response.unsolicited else 0xC0
        number = (response.sequence + step) & 0x0F
        self.socket.sendall(frame(UNCONFIRMED, bytes([0xC0, kind | number, 0])))

    def accept_start(self) -> Response:
        """Take and confirm the empty unsolicited response after a start."""
        start = self.read_fragment()
        assert (start.function, start.unsolicited, start.objects) == (130, True, b"")
        self.confirm(start)
        return start

    def silent(self, seconds: float = 0.3) -> bool:
        """Whether nothing arrives for a while."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b"?"
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(TIMEOUT_SECONDS)

    def ended(self) -> bool:
        """Whether the outstation closes the connection without sending more."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
