"""The shipped gateway, compiled by mcs and run under mono against the stand-in of PHD's library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import greenlang_data as gd
from greenlang_data.drivers.phd import GATEWAY
from tests.peers.fixtures import start_or_skip
from tests.peers.historian_launch import compile_with_phd_stub, start_mono
from tests.peers.launch import Peer


def start_gateway(*options: str, **settings: str) -> Peer:
    program = compile_with_phd_stub(GATEWAY, "System.Core.dll")
    words = ("--host", "phd.example", "--zone", "Europe/Berlin", *options)
    return start_mono("PHD gateway", program, *words, **settings)


@pytest.fixture(scope="session")
def phd_calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was called of PHD's library, a line for each call."""
    return tmp_path_factory.mktemp("phd") / "calls.txt"


@pytest.fixture(scope="session")
def phd_gateway(phd_calls: Path) -> Iterator[Peer]:
    with start_or_skip(lambda: start_gateway(log=str(phd_calls))) as peer:
        yield peer


def config(peer: Peer, **more: Any) -> gd.HistorianConfig:
    return gd.HistorianConfig(
        **{
            "connector_id": "phd",
            "connector_type": "historian",
            "historian_type": "phd",
            "server_url": f"http://127.0.0.1:{peer.port}",
            "timeout_seconds": 20,
            "max_retries": 1,
            "retry_min_wait": 0.01,
            "retry_max_wait": 0.05,
            **more,
        }
    )
