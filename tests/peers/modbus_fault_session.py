"""Truthful Modbus answers and how they are spoiled, for ``modbus_faults``."""

from __future__ import annotations

import asyncio
import enum
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from . import modbus_truth as truth
from .modbus_frames import HEADER_BYTES, Request, answer

MAX_REGISTERS = 125
MAX_BITS = 2000
BURST_SECONDS = 0.02
SPLIT_BYTES = 3
TURN_SECONDS = 1e-6  # timers due at the same instant have no order


class Fault(enum.Enum):
    """How one answer is spoiled."""

    LATE = "late"
    DUPLICATE = "duplicate"
    REPEATED = "repeated"
    SHORT = "short"
    STALE = "stale"
    SILENT = "silent"
    TRUNCATED = "truncated"
    WRONG_CHECKSUM = "wrong-checksum"
    WRONG_UNIT = "wrong-unit"
    SPLIT = "split"
    REORDERED = "reordered"
    ONE_OF_A_BURST = "one-of-a-burst"


# These decide about a whole burst, so they are drawn for its first request.
WHOLE_BURST = (Fault.REORDERED, Fault.ONE_OF_A_BURST)
# A serial frame has no transaction id, so nothing tells these answers from right ones.
TCP_ONLY = (Fault.STALE, Fault.REORDERED, Fault.ONE_OF_A_BURST)
# A Modbus TCP frame has no CRC, and TCP neither cuts nor damages a stream.
SERIAL_ONLY = (Fault.WRONG_CHECKSUM, Fault.TRUNCATED)


@dataclass(frozen=True)
class Dead:
    """A unit the gateway cannot reach: its exception after a delay, or silence for code 0."""

    code: int
    seconds: float


@dataclass
class Plan:
    """What is served and how it is spoiled."""

    units: frozenset[int]
    dead: dict[int, Dead]
    faults: tuple[Fault, ...]
    probability: float
    late_seconds: float
    delay_seconds: float
    blocking: bool
    random: random.Random
    log: TextIO | None
    requests: int = 0
    busy_until: float = 0.0
    keep: list[asyncio.Server] = field(default_factory=list)

    def drawn(self) -> Fault | None:
        """The fault of the next answer, if it is to have one."""
        single = [fault for fault in self.faults if fault not in WHOLE_BURST]
        if not single or self.random.random() >= self.probability:
            return None
        return self.random.choice(single)

    def burst_fault(self) -> Fault | None:
        """The fault of the next burst, if it is to have one."""
        whole = [fault for fault in self.faults if fault in WHOLE_BURST]
        if not whole or self.random.random() >= self.probability:
            return None
        return self.random.choice(whole)

    def note(self, request: Request, outcome: str) -> None:
        """Write a request to the log."""
        if self.log is not None:
            entry = {
                "unit": request.unit,
                "function": request.function,
                "address": request.address,
                "count": request.count,
                "served": self.requests,
                "outcome": outcome,
            }
            self.log.write(json.dumps(entry) + "\n")
            self.log.flush()


# --- truthful answers --------------------------------------------------------------------


def body_of(request: Request, served: int, count: int | None = None) -> bytes:
    """The truthful answer, or one for another ``count`` than was asked for."""
    function, address, asked = request.function, request.address, request.count
    if function not in (1, 2, 3, 4):
        return bytes([function | 0x80, 1])
    bits = function in (truth.COILS, truth.DISCRETE)
    if not 1 <= asked <= (MAX_BITS if bits else MAX_REGISTERS):
        return bytes([function | 0x80, 3])
    if address + asked > 0x10000:
        return bytes([function | 0x80, 2])
    wanted = asked if count is None else count
    if bits:
        data = truth.bit_bytes(request.unit, function, address, wanted)
    else:
        data = truth.register_bytes(request.unit, function, address, wanted, served)
    return bytes([function, len(data)]) + data


# --- one connection ----------------------------------------------------------------------


class Sink(Protocol):
    """Where answers go."""

    def write(self, data: bytes) -> None:
        """Send bytes without waiting."""


class Framer(Protocol):
    """What cuts requests out of a stream."""

    def feed(self, data: bytes) -> list[Request]:
        """The requests that are complete now."""


class Session:
    """The answers on one connection or line."""

    def __init__(self, plan: Plan, framer: Framer, sink: Sink) -> None:
        self._plan = plan
        self._framer = framer
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._last = b""
        self._burst: list[tuple[Request, bytes]] = []
        self._burst_fault: Fault | None = None
        self._held: bytes | None = None
        self.open = True

    def feed(self, data: bytes) -> None:
        """Take bytes from the client and answer the requests in them."""
        for request in self._framer.feed(data):
            self._plan.requests += 1
            self._take(request)

    def _take(self, request: Request) -> None:
        plan = self._plan
        dead = plan.dead.get(request.unit)
        if dead is not None:
            plan.note(request, "dead")
            body = bytes([request.function | 0x80, dead.code])
            self._in_turn(dead.seconds, answer(request, body) if dead.code else b"")
        elif request.unit not in plan.units:
            plan.note(request, "absent")
        else:
            honest = answer(request, body_of(request, plan.requests))
            self._collect(request, honest)

    def _collect(self, request: Request, honest: bytes) -> None:
        """Answer at once, or after the burst when its order is at stake."""
        if not self._burst:
            self._burst_fault = self._plan.burst_fault()
        if self._burst_fault is None:
            self._spoil(request, honest)
            return
        self._burst.append((request, honest))
        if len(self._burst) == 1:
            self._loop.call_later(BURST_SECONDS, self._end_burst)

    def _end_burst(self) -> None:
        burst, self._burst = self._burst, []
        assert self._burst_fault is not None
        for request, _ in burst:
            self._plan.note(request, self._burst_fault.value)
        if self._burst_fault is Fault.ONE_OF_A_BURST:
            burst = burst[:1]
        self._send(b"".join(honest for _, honest in reversed(burst)))

    def _spoil(self, request: Request, honest: bytes) -> None:
        plan = self._plan
        fault = plan.drawn()
        plan.note(request, fault.value if fault else "honest")
        stale, self._last = self._last, honest
        match fault:
            case None:
                self._in_turn(plan.delay_seconds, honest)
            case Fault.LATE:
                self._loop.call_later(plan.late_seconds, self._send, honest)
            case Fault.SPLIT:
                self._loop.call_later(plan.delay_seconds, self._send_split, honest)
            case Fault.REPEATED:
                self._loop.call_later(plan.delay_seconds, self._send_again, honest)
            case Fault.STALE:
                self._in_turn(plan.delay_seconds, stale)
            case _:
                self._in_turn(plan.delay_seconds, SPOILERS[fault](plan, request, honest))

    def _in_turn(self, seconds: float, data: bytes) -> None:
        """Send after ``seconds``, and on a blocking gateway after all that came before."""
        now = self._loop.time()
        begin = now
        if self._plan.blocking:
            begin = max(now, self._plan.busy_until + TURN_SECONDS)
        self._plan.busy_until = begin + seconds
        if self._plan.busy_until > now:
            self._loop.call_at(self._plan.busy_until, self._send, data)
        else:
            self._send(data)

    def _send(self, data: bytes) -> None:
        if self._held is not None:
            self._held += data  # the second part of an answer comes first
        elif self.open and data:
            self._sink.write(data)

    def _send_split(self, data: bytes) -> None:
        self._send_parts(data[:SPLIT_BYTES], data[SPLIT_BYTES:])

    def _send_again(self, data: bytes) -> None:
        self._send_parts(data, data)

    def _send_parts(self, first: bytes, second: bytes) -> None:
        self._send(first)
        if self._held is None:
            self._held = second
            self._loop.call_later(BURST_SECONDS, self._release)
        else:
            self._held += second

    def _release(self) -> None:
        held, self._held = self._held, None
        self._send(held or b"")


def _short(plan: Plan, request: Request, _: bytes) -> bytes:
    """A well-formed answer with one register, or eight bits, fewer than were asked for."""
    step = 8 if request.function in (truth.COILS, truth.DISCRETE) else 1
    return answer(request, body_of(request, plan.requests, max(0, request.count - step)))


def _wrong_checksum(plan: Plan, _: Request, honest: bytes) -> bytes:
    """One bit turned, anywhere in the frame."""
    damaged = bytearray(honest)
    damaged[plan.random.randrange(len(damaged))] ^= 1 << plan.random.randrange(8)
    return bytes(damaged)


def _wrong_unit(_: Plan, request: Request, honest: bytes) -> bytes:
    """The right body under the neighbouring unit's id."""
    body = honest[1:-2] if request.transaction is None else honest[HEADER_BYTES:]
    return answer(Request(request.transaction, request.unit ^ 1, request.body), body)


SPOILERS: dict[Fault, Callable[[Plan, Request, bytes], bytes]] = {
    Fault.DUPLICATE: lambda _, __, honest: honest * 2,
    Fault.SHORT: _short,
    Fault.SILENT: lambda *_: b"",
    Fault.TRUNCATED: lambda _, __, honest: honest[: len(honest) // 2],
    Fault.WRONG_CHECKSUM: _wrong_checksum,
    Fault.WRONG_UNIT: _wrong_unit,
}
