"""SAP CAP with a small plant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.drivers.sappm.helpers import ORDERS
from tests.peers.fixtures import running
from tests.peers.launch_erp import CapPeer, start_cap


@pytest.fixture(scope="session")
def cap() -> Iterator[CapPeer]:
    """It runs for as long as the tests of this folder."""
    yield from running(lambda: start_cap(items=100, orders=ORDERS))


@pytest.fixture(scope="session")
def bare_cap() -> Iterator[CapPeer]:
    """The same with instants that have no offset over V2."""
    yield from running(lambda: start_cap(items=100, orders=ORDERS, bare_dates=True))
