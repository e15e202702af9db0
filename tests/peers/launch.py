"""Start and stop the test servers.

Every start function returns a handle with ``port`` (and ``endpoint`` for OPC UA), ``stop``,
``kill``, ``pause``, ``resume`` and ``restart``.  A server that cannot be started here raises
``PeerUnavailable`` with the missing piece and the command that installs it.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import importlib.util
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

FOLDER = Path(__file__).resolve().parent
BUILD_FOLDER = FOLDER / "build"
READY_TIMEOUT_SECONDS = 180.0
STOP_TIMEOUT_SECONDS = 5.0
_PORT_TRIES = 4
_LINUX = sys.platform.startswith("linux")
_SET_PARENT_DEATH_SIGNAL = 1

CommandBuilder = Callable[[int], Sequence[str]]


class PeerUnavailable(RuntimeError):
    """Something the server needs is not installed on this machine."""


class PeerFailed(RuntimeError):
    """The server is installed but did not come up."""


# --- what is installed -------------------------------------------------------------------


def _missing_program(program: str, hint: str) -> str | None:
    return None if shutil.which(program) else f"{program} is not installed: {hint}"


def _missing_module(module: str) -> str | None:
    if importlib.util.find_spec(module) is not None:
        return None
    return f"{module} is not installed: run pip install {module}"


def _missing_opcua() -> str | None:
    reason = _missing_program("node", "install Node.js 20 or newer")
    if reason:
        return reason
    if not (FOLDER / "node_modules" / "node-opcua" / "package.json").is_file():
        return "node-opcua is not installed: run npm ci --prefix tests/peers"
    return None


def _missing_modbus() -> str | None:
    reason = _missing_program("gcc", "run apt-get install gcc")
    reason = reason or _missing_program("pkg-config", "run apt-get install pkg-config")
    if reason:
        return reason
    found = subprocess.run(["pkg-config", "--exists", "libmodbus"], check=False)
    return (
        None
        if found.returncode == 0
        else "libmodbus is not installed: run apt-get install libmodbus-dev"
    )


def _missing_opendnp3() -> str | None:
    if importlib.util.find_spec("opendnp3") is not None:
        return None
    return "opendnp3 is not installed: run pip install yadnp3==3.2.1.4"


_MISSING: dict[str, Callable[[], str | None]] = {
    "opcua": _missing_opcua,
    "modbus": _missing_modbus,
    "opcua_second": functools.partial(_missing_module, "asyncua"),
    "modbus_second": functools.partial(_missing_module, "pymodbus"),
    "dnp3_second": _missing_opendnp3,
}


def missing(peer: str) -> str | None:
    """Why ``peer`` (a key of ``_MISSING``) cannot be started here, or None when it can."""
    return _MISSING[peer]()


def available(peer: str) -> bool:
    """Whether ``peer`` can be started here; ``missing`` says what is not there."""
    return missing(peer) is None


def _require(peer: str) -> None:
    reason = missing(peer)
    if reason:
        raise PeerUnavailable(reason)


# --- processes ---------------------------------------------------------------------------


def _die_with_parent() -> Callable[[], None] | None:
    """A pre-exec step that ties the child to this process, also while it is paused.

    The kernel ties it to the starting *thread*, so only the main thread may ask for this;
    everywhere else the closing of stdin ends the child.
    """
    if not _LINUX or threading.current_thread() is not threading.main_thread():
        return None
    library = ctypes.CDLL(None)

    def step() -> None:
        library.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)

    return step


class Peer:
    """One running server process."""

    def __init__(
        self,
        name: str,
        command: CommandBuilder,
        *,
        port: int = 0,
        audit: Path | None = None,
        folder: Path = FOLDER,
    ) -> None:
        self.name = name
        self.info: dict[str, Any] = {}
        self.audit = audit
        self._command = command
        self._folder = folder
        self._port = port
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._start_on_free_port()
        except BaseException:
            self._close_files()
            raise
        _running.add(self)

    def __repr__(self) -> str:
        return f"<{self.name} port={self._port} {'running' if self.alive else 'stopped'}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._close_files()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The current process; another one after ``restart``."""
        assert self._process is not None
        return self._process

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1; the same one after ``restart``."""
        return self._port

    @property
    def host(self) -> str:
        """Always the loopback address."""
        return "127.0.0.1"

    @property
    def alive(self) -> bool:
        """Whether the process is running (a paused one is)."""
        return self._process is not None and self._process.poll() is None

    @property
    def errors(self) -> str:
        """What the server wrote to stderr so far."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")

    def stop(self) -> None:
        """End the server politely, then by force; harmless when it is down already."""
        if not self.alive:
            return
        self.resume()
        if self.process.stdin:
            self.process.stdin.close()
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        if self.alive:
            self.process.kill()
            self.process.wait(STOP_TIMEOUT_SECONDS)

    def pause(self) -> None:
        """Freeze the process: connections stay open and nothing is answered."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on."""
        if self.alive:
            self.process.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Start again on the same port, after a kill if it is still running."""
        self.kill()
        self._close_pipes()
        self._start()

    def requests(self) -> list[dict[str, Any]]:
        """The requests that arrived so far, oldest first."""
        if self.audit is None:
            raise PeerFailed(f"{self.name} was started without a request log")
        if not self.audit.exists():
            return []
        lines = self.audit.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def clear_requests(self) -> None:
        """Forget the requests that arrived so far."""
        if self.audit is not None and self.audit.exists():
            os.truncate(self.audit, 0)

    def _close_pipes(self) -> None:
        if self._process is None:
            return
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _close_files(self) -> None:
        self._close_pipes()
        self._errors.close()

    def _start_on_free_port(self) -> None:
        """Start, again when somebody took the port between its choice and its use.

        Servers that cannot listen on port 0 look for a free one first, and tests run beside each
        other.
        """
        tries = _PORT_TRIES if self._port == 0 else 1
        while True:
            tries -= 1
            try:
                return self._start()
            except PeerFailed:
                if not tries or "address already in use" not in self.errors.lower():
                    raise

    def _start(self) -> None:
        self._process = subprocess.Popen(
            list(self._command(self._port)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=self._folder,
            preexec_fn=_die_with_parent(),  # noqa: PLW1509  (None unless this is the main thread)
        )
        try:
            self.info = json.loads(self._ready_line())
            self._port = int(self.info["port"])
        except BaseException:
            self.kill()
            self._close_pipes()
            raise

    def _ready_line(self) -> bytes:
        """Read the ready line, a JSON object, without ever blocking past the deadline.

        What node says of its own flags before it is passed over.
        """
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        told = b""
        while True:
            ready_lines = [line for line in told.splitlines(keepends=True) if line[:1] == b"{"]
            if ready_lines and ready_lines[0].endswith(b"\n"):
                return ready_lines[0]
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise PeerFailed(
                    f"{self.name} was not ready after {READY_TIMEOUT_SECONDS:.0f} s\n{self.errors}"
                )
            part = os.read(descriptor, 4096)
            if not part:
                code = self.process.wait(STOP_TIMEOUT_SECONDS)
                raise PeerFailed(
                    f"{self.name} ended with code {code} before it was ready\n{self.errors}"
                )
            told += part


class OpcuaPeer(Peer):
    """A running OPC UA server."""

    @property
    def endpoint(self) -> str:
        """The address to connect to, ``opc.tcp://127.0.0.1:PORT/...``."""
        return str(self.info["endpoint"])

    @property
    def namespace(self) -> int:
        """Index of the namespace the documented string ids are in."""
        return int(self.info["namespace"])

    def node(self, name: str) -> str:
        """The full node id of a documented name, such as ``ns=2;s=Bulk.00000``."""
        return f"ns={self.namespace};s={name}"


_running: weakref.WeakSet[Peer] = weakref.WeakSet()


@atexit.register
def _kill_all() -> None:
    for peer in list(_running):
        peer.kill()


def _scratch_file(name: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="greenlang-peer-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder / name


# --- the servers -------------------------------------------------------------------------


def _flags(options: dict[str, object]) -> list[str]:
    """Keyword options as command line flags: ``max_sessions=5`` is ``--max-sessions 5``."""
    flags: list[str] = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            flags.append(flag)
        elif value is not False and value is not None:
            flags += [flag, str(value)]
    return flags


def start_opcua(
    *,
    port: int = 0,
    tags: int = 300,
    history: int = 25_000,
    mixed: int = 10_000,
    heap_megabytes: int = 4096,
    rsa15: bool = False,
    **options: object,
) -> OpcuaPeer:
    """Start the node-opcua server; further options are those of ``opcua_server.mjs``."""
    _require("opcua")
    audit = _scratch_file("audit.jsonl")
    flags = _flags({"tags": tags, "history": history, "mixed": mixed, "audit": audit, **options})
    node = ["node", f"--max-old-space-size={heap_megabytes}"]
    if rsa15:
        node.append("--security-revert=CVE-2023-46809")
        flags.append("--rsa15")

    def command(chosen: int) -> Sequence[str]:
        return [*node, str(FOLDER / "opcua_server.mjs"), "--port", str(chosen), *flags]

    return OpcuaPeer("node-opcua server", command, port=port, audit=audit)


def build_modbus_server(name: str = "modbus_server") -> Path:
    """Compile a libmodbus server unless that is already done; return the program."""
    _require("modbus")
    source, program = FOLDER / f"{name}.c", BUILD_FOLDER / name
    newest = max(file.stat().st_mtime for file in (source, FOLDER / "modbus_contents.h"))
    if program.exists() and program.stat().st_mtime >= newest:
        return program
    BUILD_FOLDER.mkdir(exist_ok=True)
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmodbus"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    # Test processes may build at the same time, so each builds aside and moves into place.
    unfinished = BUILD_FOLDER / f"{name}.{os.getpid()}"
    command = [
        "gcc",
        "-std=gnu11",
        "-O2",
        "-ffp-contract=off",
        str(source),
        "-o",
        str(unfinished),
        *flags,
        "-lm",
        "-pthread",
    ]
    built = subprocess.run(command, check=False, capture_output=True, text=True)
    if built.returncode != 0:
        raise PeerFailed(f"{source.name} does not compile\n{built.stderr}")
    unfinished.replace(program)
    return program


def start_modbus(
    *,
    port: int = 0,
    delay_microseconds: int = 0,
    max_quantity: int | None = None,
    max_code: int | None = None,
    busy: int | None = None,
    illegal: Sequence[tuple[int, int]] = (),
    units: dict[int, int] | None = None,
    log: bool = True,
) -> Peer:
    """Start the libmodbus server; ``units`` maps a unit id to the exception it answers."""
    program = build_modbus_server()
    audit = _scratch_file("requests.jsonl") if log else None
    flags = _flags({"log": audit, "max_quantity": max_quantity, "max_code": max_code, "busy": busy})
    for first, last in illegal:
        flags += ["--illegal", f"{first}-{last}"]
    for unit, code in (units or {}).items():
        flags += ["--unit", f"{unit}={code}"]

    def command(chosen: int) -> Sequence[str]:
        return [str(program), "127.0.0.1", str(chosen), str(delay_microseconds), *flags]

    return Peer("libmodbus server", command, port=port, audit=audit)


def start_modbus_second(*, port: int = 0) -> Peer:
    """Start the pymodbus server; it must never be used to test pipelining."""
    _require("modbus_second")
    script = str(FOLDER / "modbus_second.py")
    return Peer(
        "pymodbus server", lambda chosen: [sys.executable, script, "--port", str(chosen)], port=port
    )


def start_opcua_second(*, port: int = 0) -> OpcuaPeer:
    """Start the asyncua server with a few of the documented nodes."""
    _require("opcua_second")
    script = str(FOLDER / "opcua_second.py")
    return OpcuaPeer(
        "asyncua server", lambda chosen: [sys.executable, script, "--port", str(chosen)], port=port
    )


def start_delay_proxy(
    target_port: int, *, up: float = 0.0, down: float = 0.0, port: int = 0
) -> Peer:
    """Start a proxy that only delays, in its own process, for measurements."""
    module = f"{__package__}.proxy"
    top = FOLDER.parents[len(str(__package__).split(".")) - 1]
    flags = ["--target", str(target_port), "--up", str(up), "--down", str(down)]

    def command(chosen: int) -> Sequence[str]:
        return [sys.executable, "-m", module, "--port", str(chosen), *flags]

    return Peer("delay proxy", command, port=port, folder=top)
