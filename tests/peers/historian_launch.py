"""Start the historian emulators; their handles switch knobs and faults while they run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .launch import (
    BUILD_FOLDER,
    FOLDER,
    Peer,
    PeerFailed,
    PeerUnavailable,
    _flags,
    _scratch_file,
)

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


def start_module(name: str, module: str, port: int = 0, **options: object) -> HistorianPeer:
    """Start the emulator that a module of the tests is when it is run."""
    audit = _scratch_file("requests.jsonl")
    flags = _flags({"audit": audit, **options})

    def command(chosen: int) -> Sequence[str]:
        return [sys.executable, "-m", module, "--port", str(chosen), *flags]

    return HistorianPeer(name, command, port=port, audit=audit, folder=TOP)


def _start(name: str, module: str, port: int, options: dict[str, object]) -> HistorianPeer:
    return start_module(name, f"{__package__}.{module}", port, **options)


def start_pi(*, port: int = 0, bulk: int = 2_500, **options: object) -> HistorianPeer:
    """Start the PI Web API emulator with ``bulk`` plain tags beside the special ones."""
    return _start("PI Web API emulator", "pi_server", port, {"bulk": bulk, **options})


def start_proficy(*, port: int = 0, bulk: int = 2_500, **options: object) -> HistorianPeer:
    """Start the Proficy Historian REST emulator."""
    return _start("Proficy emulator", "proficy_server", port, {"bulk": bulk, **options})


def start_campd(*, port: int = 0, **options: object) -> HistorianPeer:
    """Start the CAMPD emulator."""
    return _start("CAMPD emulator", "campd_server", port, options)


def start_oibus_agent(*, port: int = 0, bulk: int = 250, **options: object) -> HistorianPeer:
    """Start the OIBus agent emulator, which answers for an OPC HDA server."""
    return _start("OIBus agent emulator", "oibus_agent", port, {"bulk": bulk, **options})


# --- Honeywell's library -----------------------------------------------------------------


def _require_mono() -> None:
    hint = "run apt-get install mono-mcs mono-runtime libmono-system-data4.0-cil"
    for program in ("mcs", "mono"):
        if shutil.which(program) is None:
            raise PeerUnavailable(f"{program} is not installed: {hint}")


def build_phd_stub() -> Path:
    """Compile the stand-in for ``phdapinet.dll`` unless that is done; return the library."""
    _require_mono()
    return _compiled(FOLDER / "phd_stub.cs", BUILD_FOLDER / "phdapinet.dll", "library", [])


def compile_with_phd_stub(source: Path, *references: str) -> Path:
    """Compile a C# program against the stand-in; return it, beside the library it loads."""
    flags = [f"-r:{name}" for name in (build_phd_stub(), *references)]
    return _compiled(source, BUILD_FOLDER / f"{source.stem}.exe", "exe", flags)


def start_mono(name: str, program: Path, *words: str, port: int = 0, **settings: str) -> Peer:
    """Run a C# server under mono; it takes ``--port`` and prints a ready line with its port.

    ``settings`` are for the stand-in: ``zone="UTC"`` is ``PHD_STUB_ZONE=UTC``.
    """
    _require_mono()
    prefix = [f"PHD_STUB_{key.upper()}={value}" for key, value in settings.items()]

    def command(chosen: int) -> Sequence[str]:
        return ["env", *prefix, "mono", str(program), "--port", str(chosen), *words]

    return Peer(name, command, port=port)


def _compiled(source: Path, target: Path, kind: str, flags: list[str]) -> Path:
    needed = [source, FOLDER / "phd_stub.cs"]
    if target.exists() and target.stat().st_mtime >= max(n.stat().st_mtime for n in needed):
        return target
    BUILD_FOLDER.mkdir(exist_ok=True)
    # Test processes may build at the same time, so each builds aside and moves into place.
    folder = Path(tempfile.mkdtemp(dir=BUILD_FOLDER))
    unfinished = folder / target.name
    command = ["mcs", "-nologo", "-langversion:5", f"-target:{kind}", "-r:System.Data.dll"]
    command += [*flags, f"-out:{unfinished}", str(source)]
    built = subprocess.run(command, check=False, capture_output=True, text=True)
    if built.returncode != 0:
        raise PeerFailed(f"{source.name} does not compile\n{built.stdout}{built.stderr}")
    unfinished.replace(target)
    folder.rmdir()
    return target
