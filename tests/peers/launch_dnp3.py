"""Start, steer and stop the DNP3 outstations."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from .dnp3_outstation.lies import Lie, Target
from .dnp3_truth import Kind, Value
from .launch import FOLDER, Peer, PeerFailed, _flags, _require, _scratch_file

CONTROL_TIMEOUT_SECONDS = 10.0
_TOP = FOLDER.parents[1]
_PACKAGE = "tests.peers"  # from _TOP; pytest may know this file by a shorter name


class Dnp3Peer(Peer):
    """The running outstation; every method but ``attempts`` needs it not to be paused."""

    def command(self, *commands: dict[str, Any]) -> dict[str, Any]:
        """Carry out control commands as one step; unsolicited responses see all or none.

        Raises
        ------
        PeerFailed
            When the outstation refuses a command or does not answer.
        """
        with socket.create_connection(
            (self.host, int(self.info["control"])), CONTROL_TIMEOUT_SECONDS
        ) as connection:
            connection.sendall(json.dumps(commands).encode() + b"\n")
            with connection.makefile("rb") as lines:
                line = lines.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"ok": False, "error": "closed"}
        if not answer.pop("ok"):
            raise PeerFailed(f"{self.name} refused {commands}: {answer['error']}")
        return answer

    def set(self, kind: Kind, index: int, value: Value | None = None, **options: Any) -> None:
        """Change a point: ``flags``, ``time`` in ms (default now), ``event`` True/False.

        An event is made when the point is in an event class; ``event=False`` prevents it.
        """
        self.command(change(kind, index, value, **options))

    def configure(self, kind: Kind, index: int, **options: Any) -> None:
        """Give a point another ``event_class`` (0 to 3 or "none"), ``static_variation`` or
        ``event_variation``; "none" leaves the point out of class 0 as well."""
        self.command({"do": "configure", "kind": kind, "index": index, **options})

    def unsolicited(self) -> None:
        """Send an unsolicited response now, enabled or not, empty when there are no events."""
        self.command({"do": "unsolicited"})

    def drop(self, *, reset: bool = False) -> None:
        """Close the master's connection, with RST when asked; a new one is welcome."""
        self.command({"do": "drop", "reset": reset})

    def stall(self) -> None:
        """Send nothing on the current connection until ``flow``; then all of it, late."""
        self.command({"do": "stall"})

    def flow(self) -> None:
        """End ``stall``."""
        self.command({"do": "resume"})

    def restart_device(self, *, drop: bool = True) -> None:
        """Restart the device inside the same process: first values, DEVICE_RESTART, no events."""
        self.command({"do": "restart", "drop": drop})

    def indications(self, bits: int) -> None:
        """Indicate these bits too (low octet first), such as 0x40 for DEVICE_TROUBLE."""
        self.command({"do": "indications", "bits": bits})

    def lie(self, lie: Lie, *, target: Target = Target.DATA, skip: int = 0, count: int = 1) -> None:
        """Damage ``count`` of the coming responses after ``skip`` honest ones."""
        self.command({"do": "lie", "lie": lie, "target": target, "skip": skip, "count": count})

    def truth(self) -> None:
        """Tell no more lies."""
        self.command({"do": "truth"})

    def ask_link_status(self) -> None:
        """Send REQUEST_LINK_STATUS, as devices do to see whether the master is alive."""
        self.command({"do": "link_status"})

    def status(self) -> dict[str, Any]:
        """Counters, unconfirmed events of classes 1 to 3, and what the master enabled."""
        return self.command({"do": "status"})

    def attempts(self) -> list[dict[str, Any]]:
        """The requests that would have changed anything but the restart indication."""
        return [request for request in self.requests() if request["attempt"]]


def change(kind: Kind, index: int, value: Value | None = None, **options: Any) -> dict[str, Any]:
    """A ``set`` command, for ``Dnp3Peer.command`` with many of them."""
    shown = value.hex() if isinstance(value, bytes) else value
    return {"do": "set", "kind": kind, "index": index, "value": shown, **options}


def _by_kind(flag: str, numbers: Mapping[Kind, int] | None) -> list[str]:
    return [part for kind, number in (numbers or {}).items() for part in (flag, f"{kind}={number}")]


def start_dnp3(
    *,
    port: int = 0,
    points: Mapping[Kind, int] | None = None,
    static: Mapping[Kind, int] | None = None,
    event: Mapping[Kind, int] | None = None,
    **options: object,
) -> Dnp3Peer:
    """Start the outstation; further options are those of ``dnp3_outstation/__main__.py``.

    ``points`` are counts, ``static`` and ``event`` default variations by kind.
    """
    audit = _scratch_file("audit.jsonl")
    module = f"{_PACKAGE}.dnp3_outstation"
    flags = _flags({"audit": audit, **options})
    flags += _by_kind("--points", points) + _by_kind("--static", static)
    flags += _by_kind("--event", event)

    def command(chosen: int) -> Sequence[str]:
        return [sys.executable, "-m", module, "--port", str(chosen), *flags]

    return Dnp3Peer("dnp3 outstation", command, port=port, audit=audit, folder=_TOP)


class Dnp3SecondPeer(Peer):
    """The running opendnp3 outstation."""

    def set(self, kind: Kind, index: int, value: Value, *, flags: int, time: int) -> None:
        """Change a point, with an event at ``time`` in milliseconds since 1970."""
        line = json.dumps([kind, index, value, flags, time]) + "\n"
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()
        if self.process.stdout.readline() != b"done\n":
            raise PeerFailed(f"{self.name} did not take {line}")


def start_dnp3_second(*, port: int = 0, **options: object) -> Dnp3SecondPeer:
    """Start opendnp3's own outstation; options are those of ``dnp3_second.py``."""
    _require("dnp3_second")
    flags = _flags(options)

    def command(chosen: int) -> Sequence[str]:
        module = f"{_PACKAGE}.dnp3_second"
        return [sys.executable, "-m", module, "--port", str(chosen), *flags]

    return Dnp3SecondPeer("opendnp3 outstation", command, port=port, folder=_TOP)
