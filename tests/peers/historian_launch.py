"""Start the historian emulators; their handles switch knobs and faults while they run."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .launch import FOLDER, Peer, _flags, _scratch_file

CONTROL_TIMEOUT_SECONDS = 10.0
TOP = FOLDER.parents[len(str(__package__).split(".")) - 1]


class HistorianPeer(Peer):
    """A running historian emulator."""

    @property
    def origin(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return str(self.info["origin"])

    @property
    def url(self) -> str:
        """The address a client is configured with."""
        return self.origin + str(self.info["path"])

    def set(self, **knobs: Any) -> None:
        """Set knobs; the others stay as they are."""
        self._control("PUT", knobs)

    def fault(self, kind: str, match: str = "", **options: Any) -> None:
        """Put one fault rule in force in place of those before."""
        self.set(faults=[{"kind": kind, "match": match, **options}])

    def reset(self) -> None:
        """Set all knobs back, drop faults, tokens and the request log."""
        self._control("DELETE", {})
        self.clear_requests()

    def knobs(self) -> dict[str, Any]:
        """The current value of every knob."""
        return self._control("GET", {})

    @contextmanager
    def knob(self, **knobs: Any) -> Iterator[None]:
        """Set knobs for the length of a block, then set everything back."""
        self.set(**knobs)
        try:
            yield
        finally:
            self._control("DELETE", {})

    def _control(self, method: str, knobs: dict[str, Any]) -> dict[str, Any]:
        # Straight to the loopback address, and to no proxy that the environment names.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(
            f"http://{self.host}:{self.info['control']}/_control",
            json.dumps(knobs).encode() if method == "PUT" else None,
            method=method,
        )
        with opener.open(request, timeout=CONTROL_TIMEOUT_SECONDS) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


def _start(name: str, module: str, port: int, options: dict[str, object]) -> HistorianPeer:
    audit = _scratch_file("requests.jsonl")
    flags = _flags({"audit": audit, **options})

    def command(chosen: int) -> Sequence[str]:
        return [sys.executable, "-m", f"{__package__}.{module}", "--port", str(chosen), *flags]

    return HistorianPeer(name, command, port=port, audit=audit, folder=TOP)


def start_pi(*, port: int = 0, bulk: int = 2_500, **options: object) -> HistorianPeer:
    """Start the PI Web API emulator with ``bulk`` plain tags beside the special ones."""
    return _start("PI Web API emulator", "pi_server", port, {"bulk": bulk, **options})


def start_proficy(*, port: int = 0, bulk: int = 2_500, **options: object) -> HistorianPeer:
    """Start the Proficy Historian REST emulator."""
    return _start("Proficy emulator", "proficy_server", port, {"bulk": bulk, **options})


def start_phd(*, port: int = 0, bulk: int = 250, **options: object) -> HistorianPeer:
    """Start the PHD emulator: the gateway contract and an OIBus agent over the same tags."""
    return _start("PHD gateway emulator", "phd_server", port, {"bulk": bulk, **options})
