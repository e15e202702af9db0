"""A request that is given up: the caller goes on at once, and the server is told."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time

import pytest

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.jsons import read_any
from greenlang_data.drivers.http.message import Ask
from greenlang_data.errors import SourceTimeout
from greenlang_data.runtime import get_runtime
from tests.drivers.http.conftest import Web, run


async def give_up(client: HttpClient, path: str, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        await client.ask(Ask(path), ReadLog(), read_any)


def wait_for_gone(web: Web, path: str) -> float:
    began = time.monotonic()
    while path not in web.gone():
        assert time.monotonic() - began < 10, "the server still serves a request given up"
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.mark.parametrize("path", ["silent", "drip", "drip-unmeasured", "stall-unmeasured"])
def test_the_server_is_freed(web: Web, path: str) -> None:
    client = web.client(timeout_seconds=60)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        get_runtime().run(give_up(client, path, 0.3))
    assert time.monotonic() - began < 3
    assert wait_for_gone(web, f"/{path}") < 5


def test_others_on_the_same_client_go_on(web: Web) -> None:
    client = web.client()

    async def both() -> object:
        waiting = asyncio.create_task(client.ask(Ask("silent"), ReadLog(), read_any))
        await asyncio.sleep(0.2)
        waiting.cancel()
        answers = [client.ask(Ask("hello"), ReadLog(), read_any) for _ in range(5)]
        return [one.data for one in await asyncio.gather(*answers)]

    assert get_runtime().run(both()) == [{"hello": "world"}] * 5


def test_silence_is_a_timeout(web: Web) -> None:
    with pytest.raises(SourceTimeout, match="fell silent"):
        run(web.client(timeout_seconds=1), "silent")


def test_no_more_requests_at_a_time_than_allowed(web: Web) -> None:
    client = web.client(connection_pool_size=1, timeout_seconds=60)

    async def queue() -> bool:
        first = asyncio.create_task(client.ask(Ask("silent"), ReadLog(), read_any))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(client.ask(Ask("hello"), ReadLog(), read_any))
        done, _ = await asyncio.wait([second], timeout=0.5)
        first.cancel()
        await second
        return not done

    assert get_runtime().run(queue())


def test_requests_keep_to_the_rate(web: Web) -> None:
    client = web.client(max_requests_per_second=20)

    async def several() -> float:
        began = time.monotonic()
        await asyncio.gather(*(client.ask(Ask("hello"), ReadLog(), read_any) for _ in range(9)))
        return time.monotonic() - began

    assert get_runtime().run(several()) >= 8 / 20


EXIT = """
import asyncio, sys, threading, time
from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.jsons import read_any
from greenlang_data.drivers.http.message import Ask
from greenlang_data.settings.http import HttpSettings
settings = HttpSettings(connector_id="web", connector_type="web", timeout_seconds=60)
client = HttpClient(sys.argv[1], settings, "web")
threading.Thread(
    target=lambda: asyncio.run(client.ask(Ask("silent"), ReadLog(), read_any)), daemon=True
).start()
time.sleep(0.5)
"""


def test_a_request_under_way_does_not_hold_up_the_exit(web: Web) -> None:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", EXIT, web.url],
        timeout=30,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 15


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_asks_for_itself(web: Web) -> None:
    run(web.client(), "hello")
    child = os.fork()
    if child == 0:
        ok = run(web.client(), "hello").data == {"hello": "world"}
        os._exit(0 if ok else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
