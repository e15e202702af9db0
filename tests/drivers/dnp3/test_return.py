"""A session over lost links and restarts: an error while it lasts, and right values after it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

import greenlang_data as gd
from tests.drivers.dnp3.helpers import config
from tests.peers.dnp3_truth import Kind
from tests.peers.launch_dnp3 import Dnp3Peer, Dnp3SecondPeer
from tests.peers.proxy import Fault, FaultProxy

PATIENT: dict[str, Any] = {"max_retries": 2, "retry_min_wait": 0.05, "retry_max_wait": 0.1}
TAGS = ["analog:30", "counter:7"]


def test_a_connection_that_broke_is_opened_again_within_the_call(outstation: Dnp3Peer) -> None:
    with gd.Session(sources=[config(outstation.port, **PATIENT)]) as session:
        for reset in (False, True):
            assert session.scada(TAGS)["value"].tolist() == [-85, 7000]
            outstation.drop(reset=reset)
            assert session.scada(TAGS)["value"].tolist() == [-85, 7000]
        assert outstation.status()["connections"] == 3


def test_after_a_restart_of_the_device_its_values_are_read_anew(outstation: Dnp3Peer) -> None:
    with gd.Session(sources=[config(outstation.port, **PATIENT)]) as session:
        outstation.set(Kind.ANALOG_INPUT, 30, 4.5)
        assert session.scada(TAGS)["value"].tolist() == [4.5, 7000]
        outstation.restart_device()
        assert session.scada(TAGS)["value"].tolist() == [-85, 7000]
        assert outstation.attempts() == []


def test_a_link_that_is_down_is_an_error_and_its_return_needs_nothing(
    outstation: Dnp3Peer, proxy_factory: Callable[[int], FaultProxy]
) -> None:
    proxy = proxy_factory(outstation.port)
    with gd.Session(sources=[config(proxy.port)]) as session:
        assert session.scada(TAGS)["value"].tolist() == [-85, 7000]
        proxy.set_fault(Fault.REFUSE)
        proxy.drop_connections()
        for _ in range(2):
            started = time.monotonic()
            with pytest.raises(gd.SourceUnreachable, match="plant"):
                session.scada(TAGS)
            assert time.monotonic() - started < 4
        proxy.set_fault(Fault.PASS)
        assert session.scada(TAGS)["value"].tolist() == [-85, 7000]


def test_the_librarys_outstation_may_be_started_again(
    dnp3_second_factory: Callable[..., Dnp3SecondPeer],
) -> None:
    peer = dnp3_second_factory(points=40)
    with gd.Session(sources=[config(peer.port, **PATIENT)]) as session:
        assert session.scada(TAGS)["value"].tolist() == [-85, 7000]
        peer.restart()
        assert session.scada(TAGS)["value"].tolist() == [-85, 7000]
