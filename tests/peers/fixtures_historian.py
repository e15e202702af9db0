"""Pytest fixtures for the historian emulators.

The session-wide ones are set back before each test that takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from . import historian_launch as launch
from .fixtures import any_server, renewed, start_or_skip, starting
from .historian_launch import HistorianPeer

pi_session, pi_peer = renewed("pi_peer", launch.start_pi)
proficy_session, proficy_peer = renewed("proficy_peer", launch.start_proficy)
oibus_session, oibus_peer = renewed("oibus_peer", launch.start_oibus_agent)


@pytest.fixture
def historian_factory() -> Iterator[Callable[..., HistorianPeer]]:
    """Start further emulators: ``historian_factory(start_pi, bulk=10)``; stopped after the test."""
    yield from starting(any_server)


@pytest.fixture(scope="session")
def phd_stub() -> Path:
    """The compiled stand-in for Honeywell's ``phdapinet.dll``."""
    return start_or_skip(launch.build_phd_stub)
