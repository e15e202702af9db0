"""The SAP Gateway emulator, with as many purchase order items as a module's ``ROWS`` says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import start_gateway


@pytest.fixture(scope="module")
def running_gateway(request: pytest.FixtureRequest) -> Iterator[HistorianPeer]:
    """One for the whole module."""
    with start_gateway(items=request.module.ROWS) as peer:
        yield peer


@pytest.fixture
def gateway(running_gateway: HistorianPeer) -> HistorianPeer:
    """As it was at first."""
    running_gateway.reset()
    return running_gateway
