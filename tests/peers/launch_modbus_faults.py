"""Start the Modbus server that spoils its answers, and is a gateway with dead units."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from . import launch
from .launch import Peer
from .modbus_fault_session import Dead, Fault
from .serial_line import TOP, SerialPeer, start_on_a_line


class FaultPeer(Peer):
    """A server that spoils a share of its answers."""

    def outcomes(self) -> Counter[str]:
        """How many requests were answered with ``honest``, with each fault, or not at all."""
        return Counter(str(entry["outcome"]) for entry in self.requests())


class SerialFaultPeer(SerialPeer, FaultPeer):
    """The same on a serial line; ``device`` is its path for the client."""


def fault_command(
    *,
    units: Sequence[int] = (1,),
    dead: Mapping[int, Dead] | None = None,
    faults: Sequence[Fault] = (),
    probability: float = 1.0,
    seed: int = 0,
    late: float = 0.5,
    delay: float = 0.0,
    blocking: bool = False,
) -> list[str]:
    """The command line of ``modbus_faults``.

    ``faults`` are drawn with ``probability`` for each answer from a generator seeded with
    ``seed``; a late answer comes after ``late`` seconds and every other one after ``delay``.
    ``dead`` says what a unit that cannot be reached is answered with.  A ``blocking`` gateway
    works on one request at a time, also while it waits for a dead unit.
    """
    options: dict[str, object] = {
        "units": ",".join(str(unit) for unit in units),
        "faults": ",".join(fault.value for fault in faults),
        "probability": probability,
        "seed": seed,
        "late": late,
        "delay": delay,
        "blocking": blocking,
    }
    command = [sys.executable, "-m", f"{__package__}.modbus_faults", *launch._flags(options)]
    for unit, answer in (dead or {}).items():
        command += ["--dead", f"{unit}={answer.code}@{answer.seconds}"]
    return command


def start_modbus_faults(*, port: int = 0, rtu: bool = False, **options: object) -> FaultPeer:
    """Start it on a TCP port, with serial frames when ``rtu``; see ``fault_command``."""
    audit = launch._scratch_file("requests.jsonl")
    command = [*fault_command(**options), *launch._flags({"rtu": rtu, "log": audit})]
    return FaultPeer(
        "spoiling Modbus server",
        lambda chosen: [*command, "--port", str(chosen)],
        port=port,
        audit=audit,
        folder=TOP,
    )


def start_modbus_serial_faults(**options: object) -> SerialFaultPeer:
    """Start it on a serial line; see ``fault_command``."""
    audit = launch._scratch_file("requests.jsonl")
    command = [*fault_command(**options), "--log", str(audit)]
    return start_on_a_line(SerialFaultPeer, "spoiling serial server", command, audit)
