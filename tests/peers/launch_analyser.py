"""Start the analysers; their handles change what they show while they run."""

from __future__ import annotations

import json
import sys
from typing import Any

from .launch import FOLDER, OpcuaPeer, Peer, PeerFailed, _require
from .launch_modbus_more import require_npm


def _command(peer: Peer, change: dict[str, Any] | None) -> None:
    """One command, and wait until it holds."""
    assert peer.process.stdin is not None
    peer.process.stdin.write(json.dumps(change).encode() + b"\n")
    peer.process.stdin.flush()
    if peer._ready_line() != b"{}\n":
        raise PeerFailed(f"{peer.name} did not obey\n{peer.errors}")


class ModbusAnalyser(Peer):
    """A running Modbus analyser."""

    def set(self, **change: Any) -> None:
        """Change what it shows; see ``analyser_modbus.mjs``."""
        _command(self, change)

    def reset(self) -> None:
        """Show again what it showed at first."""
        _command(self, None)


class OpcuaAnalyser(OpcuaPeer):
    """A running OPC UA analyser."""

    def set(self, **change: Any) -> None:
        """Give nodes new values; None is one of bad quality."""
        _command(self, change)

    def reset(self) -> None:
        """Show again what it showed at first."""
        _command(self, None)


def start_modbus_analyser(*, port: int = 0) -> ModbusAnalyser:
    """Start the Modbus analyser."""
    require_npm("modbus-serial")
    script = str(FOLDER / "analyser_modbus.mjs")
    return ModbusAnalyser(
        "Modbus analyser", lambda chosen: ["node", script, "--port", str(chosen)], port=port
    )


def start_opcua_analyser(*, port: int = 0) -> OpcuaAnalyser:
    """Start the OPC UA analyser."""
    _require("opcua_second")
    script = str(FOLDER / "analyser_opcua.py")
    return OpcuaAnalyser(
        "OPC UA analyser", lambda chosen: [sys.executable, script, "--port", str(chosen)], port=port
    )
