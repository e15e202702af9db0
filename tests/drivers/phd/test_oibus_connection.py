"""The connections of an OIBus agent: each one's own, opened, given up and always closed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import requests

import greenlang_data as gd
from greenlang_data.runtime import get_runtime
from tests.drivers.phd.oibus import asked, config, left_open
from tests.drivers.piwebapi.helpers import DAY
from tests.peers.historian_launch import HistorianPeer

HOUR = timedelta(hours=1)
TOP = Path(__file__).parents[3]
SCRIPT = """
import sys
import greenlang_data as gd

with gd.Session([gd.HistorianConfig.model_validate_json(sys.argv[1])]) as s:
    s.snapshot(["Ramp"])
    print("ready", flush=True)
    s.historian(["Ramp"], "2025-01-01", "2025-01-02")
"""


def until(holds: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return holds()


def test_each_mode_has_a_connection_that_is_opened_once_and_closed(
    oibus_peer: HistorianPeer,
) -> None:
    with gd.Session([config(oibus_peer, opc_host="phd.plant")]) as s:
        for _ in range(3):
            s.historian(["Ramp"], DAY, DAY + HOUR)
            s.snapshot(["Ramp"])
        assert len(left_open(oibus_peer)) == 2
    connected = asked(oibus_peer, "connect")
    assert [one["said"] for one in connected] == [
        {"host": "phd.plant", "serverName": f"OPC.PHDServer{mode.upper()}.1", "mode": mode}
        for mode in ("hda", "da")
    ]
    assert not left_open(oibus_peer)


def test_nothing_but_the_three_resources_is_asked(oibus_peer: HistorianPeer) -> None:
    with gd.Session([config(oibus_peer)]) as s:
        s.historian(["Ramp", "Nope"], DAY, DAY + HOUR, "30min", "avg", errors="report")
        s.snapshot(["Ramp", "Nope"], errors="report")
        s.status()
        with pytest.raises(gd.UnsupportedError):
            s.tags("phd").find("*")
    with gd.HistorianConnector(config(oibus_peer)) as connector:
        get_runtime().run(connector.ping())
    every = {(one["method"], *one["path"].split("/")[1:3]) for one in oibus_peer.requests()}
    assert every == {("PUT", "api", "opc"), ("DELETE", "api", "opc")}
    actions = {f"{one['method']} {one['path'].split('/')[4]}" for one in oibus_peer.requests()}
    assert actions == {"PUT connect", "PUT read", "DELETE disconnect"}
    assert {one["said"]["aggregate"] for one in asked(oibus_peer, "read")} == {"raw"}


def test_connections_of_others_are_left_alone(oibus_peer: HistorianPeer) -> None:
    theirs = f"{oibus_peer.url}/api/opc/oibus-south/"
    body = {"host": "localhost", "serverName": "OPC.PHDServerHDA.1", "mode": "hda"}
    assert requests.put(theirs + "connect", json=body, timeout=10).status_code == 200
    names = set()
    for _ in range(3):
        oibus_peer.clear_requests()
        with gd.Session([config(oibus_peer)]) as s:
            s.historian(["Ramp"], DAY, DAY + HOUR)
        names |= {one["name"] for one in asked(oibus_peer, "connect")}
    assert len(names) == 3
    assert requests.get(theirs + "status", timeout=10).status_code == 200


@pytest.mark.parametrize("status", [200, 204])
@pytest.mark.parametrize("reconnects", [False, True])
def test_an_agent_that_was_started_anew(
    oibus_peer: HistorianPeer, status: int, reconnects: bool
) -> None:
    oibus_peer.set(connect_status=status, reconnects=reconnects)
    with gd.Session([config(oibus_peer)]) as s:
        assert len(s.historian(["Ramp"], DAY, DAY + HOUR)) == 60
        oibus_peer.reset()  # which forgets all connections
        oibus_peer.set(connect_status=status, reconnects=reconnects)
        assert len(s.historian(["Ramp"], DAY, DAY + HOUR)) == 60
    assert not left_open(oibus_peer)


@pytest.mark.parametrize("kind", ["reset", "cut", "garbage", "empty", "html_login"])
def test_a_connection_is_closed_after_an_error_too(oibus_peer: HistorianPeer, kind: str) -> None:
    with gd.Session([config(oibus_peer, max_retries=0)]) as s:
        assert len(s.historian(["Ramp"], DAY, DAY + HOUR)) == 60
        oibus_peer.fault(kind, "/read", times=1)
        with pytest.raises(gd.SourceError):
            s.historian(["Ramp"], DAY, DAY + HOUR)
        assert len(s.historian(["Ramp"], DAY, DAY + HOUR)) == 60
        assert until(lambda: len(left_open(oibus_peer)) == 1)
        one, other = (one["name"] for one in asked(oibus_peer, "connect"))
        assert left_open(oibus_peer) == {other: 1} != {one: 1}
    assert not left_open(oibus_peer)


def test_an_agent_that_is_busy_yet_is_not_waited_for(oibus_peer: HistorianPeer) -> None:
    with gd.Session([config(oibus_peer, max_retries=0)]) as s:
        oibus_peer.fault("hang", "/read", times=1)
        with pytest.raises(TimeoutError):
            s.historian(["Ramp"], DAY, DAY + HOUR, timeout=0.5)
        began = time.monotonic()
        assert len(s.historian(["Ramp"], DAY, DAY + HOUR)) == 60
        assert time.monotonic() - began < 5
    assert not left_open(oibus_peer)


def test_an_agent_that_does_not_take_leave_holds_nobody_up(oibus_peer: HistorianPeer) -> None:
    session = gd.Session([config(oibus_peer)])
    session.historian(["Ramp"], DAY, DAY + HOUR)
    oibus_peer.fault("hang", "/disconnect")
    began = time.monotonic()
    session.close()
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("end", [signal.SIGINT, None], ids=["ctrl-c", "exception"])
def test_a_script_that_is_ended_takes_its_leave(
    oibus_peer: HistorianPeer, end: signal.Signals | None
) -> None:
    oibus_peer.fault("hang" if end else "garbage", "/read", skip=1)
    words = [sys.executable, "-c", SCRIPT, config(oibus_peer).model_dump_json(exclude_unset=True)]
    with subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=TOP,
        env={**os.environ, "PYTHONPATH": str(TOP)},
    ) as script:
        assert script.stdout is not None
        assert script.stdout.readline() == "ready\n"
        assert until(lambda: len(asked(oibus_peer, "read")) >= 2)
        if end is not None:
            script.send_signal(end)
        _, told = script.communicate(timeout=30)
    assert ("KeyboardInterrupt" if end else "ProtocolError") in told
    assert len(asked(oibus_peer, "connect")) >= 2
    assert not left_open(oibus_peer)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"opc_hda_server": "Nowhere.1"}, r"could not connect to Nowhere\.1 on localhost: Server"),
        ({"opc_da_server": "Nowhere.1"}, r"Check opc_host and opc_da_server, and that the agent's"),
    ],
)
def test_a_server_that_is_not_there_is_told(
    oibus_peer: HistorianPeer, wrong: dict[str, str], words: str
) -> None:
    read: Callable[[gd.Session], object] = {
        "opc_da_server": lambda s: s.snapshot(["Ramp"]),
        "opc_hda_server": lambda s: s.historian(["Ramp"], DAY, DAY + HOUR),
    }[next(iter(wrong))]
    with (
        gd.Session([config(oibus_peer, **wrong)]) as s,
        pytest.raises(gd.SourceError, match=words),
    ):
        read(s)
    assert not left_open(oibus_peer)


def test_what_the_agent_says_is_told_without_its_secrets(oibus_peer: HistorianPeer) -> None:
    oibus_peer.fault("status", "/read", status=400, body="E_FAIL of Bearer s3cret-token")
    with (
        gd.Session([config(oibus_peer, token="s3cret-token")]) as s,
        pytest.raises(gd.SourceError, match=r"could not read from .*: E_FAIL of") as caught,
    ):
        s.historian(["Ramp"], DAY, DAY + HOUR)
    assert "s3cret" not in str(caught.value)
    assert len(asked(oibus_peer, "read")) == 1  # it was only just connected, and is not asked again


def test_something_else_at_the_address(pi_peer: HistorianPeer) -> None:
    with (
        gd.Session([config(pi_peer)]) as s,
        pytest.raises(gd.ProtocolError, match=r"HTTP 40[45]"),
    ):
        s.historian(["Ramp"], DAY, DAY + HOUR)
    assert json.loads(pi_peer.requests()[0]["body"])["mode"] == "hda"
