"""A small Maximo emulator: it looks through all its rows for every page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.drivers.maximo.helpers import ORDERS
from tests.peers.fixtures import running
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_cmms import start_maximo


@pytest.fixture(scope="session")
def small_maximo() -> Iterator[HistorianPeer]:
    """It runs for as long as the tests of this folder; tests take ``maximo``."""
    yield from running(lambda: start_maximo(orders=ORDERS))


@pytest.fixture
def maximo(small_maximo: HistorianPeer) -> HistorianPeer:
    """The emulator with all knobs set back and an empty request log."""
    small_maximo.reset()
    return small_maximo
