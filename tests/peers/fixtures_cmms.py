"""Pytest fixtures for the emulators of maintenance systems.

The session-wide ones are set back before each test that takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from .fixtures import any_server, renewed, starting
from .historian_launch import HistorianPeer
from .launch_cmms import start_infor, start_maximo

maximo_session, maximo_peer = renewed("maximo_peer", start_maximo)
infor_session, infor_peer = renewed("infor_peer", start_infor)


@pytest.fixture
def cmms_factory() -> Iterator[Callable[..., HistorianPeer]]:
    """Start further emulators: ``cmms_factory(start_maximo, orders=10)``; stopped afterwards."""
    yield from starting(any_server)
