"""Nothing is left behind: threads, files, processes that do not end; a missing library."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from greenlang_data.drivers import load_driver
from greenlang_data.drivers.dnp3 import Dnp3Driver
from greenlang_data.errors import ConfigurationError
from tests.drivers.dnp3.helpers import config, read_once, snapshot
from tests.peers.launch_dnp3 import Dnp3Peer

TOP = Path(__file__).resolve().parents[3]
SCRIPT = """
import asyncio, os, signal, sys, threading, time
import greenlang_data as gd
config = gd.SCADAConfig(connector_id="plant", connector_type="scada", protocol="dnp3",
                        endpoint="127.0.0.1:" + sys.argv[1])
session = gd.Session(sources=[config])
print(session.scada(["analog:1"])["value"].tolist(), flush=True)
"""
DRIVER = """
import asyncio, faulthandler, os, signal, sys, time
faulthandler.dump_traceback_later(15)  # before it is given up, so that a hang says where it is
from greenlang_data import SCADAConfig
from greenlang_data.drivers.base import ReadLog, Watch
from greenlang_data.drivers.dnp3 import Dnp3Driver
config = SCADAConfig(connector_id="plant", connector_type="scada", protocol="dnp3",
                     endpoint="127.0.0.1:" + sys.argv[1])
"""


def run(peer: Dnp3Peer, code: str, seconds: float = 20) -> str:
    """What it writes; it has to end by itself, and well."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code, str(peer.port)],
        cwd=TOP,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        pytest.fail(f"the process did not end; it wrote {process.communicate()[0]!r}")
    assert process.returncode == 0, output
    return output


def test_a_hundred_connections_leave_no_thread_and_no_file(outstation: Dnp3Peer) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    def kernel_threads() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    async def cycles(count: int) -> None:
        driver = Dnp3Driver(config(outstation.port))
        for _ in range(count):
            await driver.connect()
            await driver.close()
            await driver.close()
        await asyncio.sleep(0.05)
        assert kernel_threads() <= before[0]
        assert open_files() <= before[1] + 4  # the loop's own

    before = (kernel_threads(), open_files(), threading.active_count())
    asyncio.run(cycles(100))
    assert (kernel_threads(), open_files(), threading.active_count()) <= before


def test_closing_is_quick(outstation: Dnp3Peer) -> None:
    async def use() -> float:
        driver = Dnp3Driver(config(outstation.port))
        await driver.connect()
        reading = asyncio.create_task(snapshot(driver, ["analog:1"]))
        await asyncio.sleep(0)
        started = time.monotonic()
        await driver.close()
        took = time.monotonic() - started
        await asyncio.gather(reading, return_exceptions=True)
        return took

    assert asyncio.run(use()) < 0.5


def test_a_process_ends_although_nothing_was_closed(outstation: Dnp3Peer) -> None:
    assert run(outstation, SCRIPT) == "[3.5]\n"
    bare = DRIVER + (
        "loop = asyncio.new_event_loop()\n"
        "driver = Dnp3Driver(config)\n"
        "loop.run_until_complete(driver.connect())\n"
        "print(driver.connected)\n"
    )
    assert run(outstation, bare).startswith("True\n")


@pytest.mark.parametrize("end", ["sys.exit(0)", "os._exit(0)"])
def test_after_a_fork_the_child_ends_and_the_parent_goes_on(outstation: Dnp3Peer, end: str) -> None:
    code = SCRIPT + (
        "child = os.fork()\n"
        "if child == 0:\n"
        "    import gc; gc.collect()\n"
        f"    {end}\n"
        "deadline = time.monotonic() + 8\n"
        "while True:\n"
        "    pid, status = os.waitpid(child, os.WNOHANG)\n"
        "    if pid: break\n"
        "    if time.monotonic() > deadline:\n"
        "        os.kill(child, signal.SIGKILL); print('the child hangs'); break\n"
        "    time.sleep(0.01)\n"
        "print(status, session.scada(['analog:2'])['value'].tolist())\n"
        "session.close()\n"
    )
    assert run(outstation, code) == "[3.5]\n0 [-1.25]\n"


def test_a_child_reads_over_a_connection_of_its_own(outstation: Dnp3Peer) -> None:
    code = SCRIPT + (
        "child = os.fork()\n"
        "if child == 0:\n"
        "    print(session.scada(['analog:2'], timeout=5)['value'].tolist(), flush=True)\n"
        "    session.close()\n"
        "    sys.exit(0)\n"
        "print(os.waitpid(child, 0)[1])\n"
        "session.close()\n"
    )
    assert run(outstation, code) == "[3.5]\n[-1.25]\n0\n"


def test_an_interrupt_ends_a_watch_and_the_process(outstation: Dnp3Peer) -> None:
    code = DRIVER + (
        "async def main():\n"
        "    driver = Dnp3Driver(config)\n"
        "    await driver.connect()\n"
        "    async for batch in driver.watch(Watch(('analog:1',), 30.0), ReadLog()):\n"
        "        asyncio.get_running_loop().call_later(\n"
        "            0.2, os.kill, os.getpid(), signal.SIGINT)\n"
        "try:\n"
        "    asyncio.run(main())\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    assert run(outstation, code) == "interrupted\n"


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opendnp3", None)
    assert load_driver("dnp3") is Dnp3Driver
    with pytest.raises(ConfigurationError, match=r"plant: .*yadnp3.*pip install.*\[dnp3\]"):
        read_once(config(1), ["analog:1"])
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(ConfigurationError, match=r"aarch64.*x86-64"):
        read_once(config(1), ["analog:1"])


def test_nothing_of_it_is_imported_before_it_is_used() -> None:
    code = "import sys, greenlang_data.drivers.dnp3; print('opendnp3' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
