"""Start further Modbus servers: the npm ones, and libmodbus with serial frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import launch
from .launch import FOLDER, Peer, PeerUnavailable
from .serial_line import SerialPeer, require_socat, start_on_a_line

NPM_LIBRARIES = ("modbus-serial", "jsmodbus")
UNITS = (1, 7)


def require_npm(package: str) -> None:
    """Refuse to go on without Node.js and one installed package."""
    reason = launch._missing_program("node", "install Node.js 20 or newer")
    if reason:
        raise PeerUnavailable(reason)
    if not (FOLDER / "node_modules" / package / "package.json").is_file():
        raise PeerUnavailable(f"{package} is not installed: run npm ci --prefix tests/peers")


def start_modbus_npm(library: str, *, port: int = 0) -> Peer:
    """Start the ``modbus-serial`` or ``jsmodbus`` server; the latter answers in reverse."""
    require_npm(library)
    script = str(FOLDER / "modbus_npm_server.mjs")

    def command(chosen: int) -> Sequence[str]:
        return ["node", script, "--library", library, "--port", str(chosen)]

    return Peer(f"{library} server", command, port=port)


def _rtu_command(units: Sequence[int], delay_microseconds: int, audit: Path) -> list[str]:
    program = launch.build_modbus_server("modbus_rtu_server")
    chosen = [part for unit in units for part in ("--unit", str(unit))]
    return [str(program), *chosen, "--delay", str(delay_microseconds), "--log", str(audit)]


def start_modbus_rtu(*, units: Sequence[int] = UNITS, delay_microseconds: int = 0) -> SerialPeer:
    """Start the libmodbus RTU server on a serial line; other units than ``units`` are silent."""
    require_socat()
    audit = launch._scratch_file("requests.jsonl")
    command = _rtu_command(units, delay_microseconds, audit)
    return start_on_a_line(SerialPeer, "libmodbus RTU server", command, audit)


def start_modbus_rtu_over_tcp(
    *, port: int = 0, units: Sequence[int] = UNITS, delay_microseconds: int = 0
) -> Peer:
    """Start the libmodbus RTU server on a TCP port."""
    audit = launch._scratch_file("requests.jsonl")
    command = _rtu_command(units, delay_microseconds, audit)
    return Peer(
        "libmodbus RTU over TCP server",
        lambda chosen: [*command, "--port", str(chosen)],
        port=port,
        audit=audit,
    )
