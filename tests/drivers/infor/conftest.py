"""A small Infor EAM emulator: it looks through all its rows for every new question."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.drivers.infor.helpers import ORDERS
from tests.peers.fixtures import running
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_cmms import start_infor


@pytest.fixture(scope="session")
def small_infor() -> Iterator[HistorianPeer]:
    """It runs for as long as the tests of this folder; tests take ``infor``."""
    yield from running(lambda: start_infor(orders=ORDERS))


@pytest.fixture
def infor(small_infor: HistorianPeer) -> HistorianPeer:
    """The emulator with all knobs set back and an empty request log."""
    small_infor.reset()
    return small_infor
