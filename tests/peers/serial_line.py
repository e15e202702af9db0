"""socat as a peer, and the serial lines it makes."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from . import launch
from .launch import FOLDER, Peer, PeerUnavailable

# The folder this package is found in, under whichever name the tests gave it.
TOP = FOLDER.parents[len(str(__package__).split(".")) - 1]

SerialPeerType = TypeVar("SerialPeerType", bound="SerialPeer")


def require_socat() -> None:
    """Refuse to go on without socat."""
    reason = launch._missing_program("socat", "run apt-get install socat")
    if reason:
        raise PeerUnavailable(reason)


class SocatPeer(Peer):
    """A running socat and the children it made for its connections."""

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self.process.wait(launch.STOP_TIMEOUT_SECONDS)


def start_socat(name: str, arguments: Sequence[str], *, port: int = 0) -> SocatPeer:
    """Start socat; ``PORT`` in an argument stands for the port it is to listen on."""
    require_socat()
    script = str(FOLDER / "socat.py")

    def command(chosen: int) -> Sequence[str]:
        filled = [argument.replace("PORT", str(chosen), 1) for argument in arguments]
        return [sys.executable, script, *filled]

    return SocatPeer(name, command, port=port)


class SerialLine:
    """Two serial devices joined by a cable: ``device`` for the client, ``far_end`` for a server."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="greenlang-line-")
        self.device = str(Path(self._folder.name) / "client")
        self.far_end = str(Path(self._folder.name) / "server")
        ends = [f"pty,raw,echo=0,link={end}" for end in (self.device, self.far_end)]
        try:
            self.socat = start_socat("serial line", ends)
        except BaseException:
            self._folder.cleanup()
            raise

    def cut(self) -> None:
        """Unplug the cable: both devices vanish for good."""
        self.socat.kill()

    def close(self) -> None:
        """End socat and remove the devices; harmless when called again."""
        self.socat.__exit__()
        self._folder.cleanup()


class SerialPeer(Peer):
    """A server on a serial line."""

    line: SerialLine

    @property
    def device(self) -> str:
        """Path of the serial device for the client."""
        return self.line.device

    def stop(self) -> None:
        super().stop()
        self.line.close()


def start_on_a_line(
    kind: type[SerialPeerType], name: str, command: Sequence[str], audit: Path
) -> SerialPeerType:
    """Start ``command`` on a serial line of its own; it is told ``--device``."""
    require_socat()
    line = SerialLine()
    full = [*command, "--device", line.far_end]
    try:
        peer = kind(name, lambda _: full, audit=audit, folder=TOP)
    except BaseException:
        line.close()
        raise
    peer.line = line
    return peer
