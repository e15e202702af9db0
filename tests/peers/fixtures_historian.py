"""Pytest fixtures for the historian emulators.

The session-wide ones are set back before each test that takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from . import historian_launch as launch
from .fixtures import start_or_skip
from .historian_launch import HistorianPeer


@pytest.fixture(scope="session")
def pi_session() -> Iterator[HistorianPeer]:
    """The PI Web API emulator of this session; tests take ``pi_peer``."""
    with start_or_skip(launch.start_pi) as peer:
        yield peer


@pytest.fixture
def pi_peer(pi_session: HistorianPeer) -> HistorianPeer:
    """The PI Web API emulator with all knobs set back and an empty request log."""
    pi_session.reset()
    return pi_session


@pytest.fixture(scope="session")
def proficy_session() -> Iterator[HistorianPeer]:
    """The Proficy emulator of this session; tests take ``proficy_peer``."""
    with start_or_skip(launch.start_proficy) as peer:
        yield peer


@pytest.fixture
def proficy_peer(proficy_session: HistorianPeer) -> HistorianPeer:
    """The Proficy emulator with all knobs set back and an empty request log."""
    proficy_session.reset()
    return proficy_session


@pytest.fixture(scope="session")
def oibus_session() -> Iterator[HistorianPeer]:
    """The OIBus agent emulator of this session; tests take ``oibus_peer``."""
    with start_or_skip(launch.start_oibus_agent) as peer:
        yield peer


@pytest.fixture
def oibus_peer(oibus_session: HistorianPeer) -> HistorianPeer:
    """The OIBus agent emulator with all knobs set back and an empty request log."""
    oibus_session.reset()
    return oibus_session


@pytest.fixture
def historian_factory() -> Iterator[Callable[..., HistorianPeer]]:
    """Start further emulators: ``historian_factory(start_pi, bulk=10)``; stopped after the test."""
    with ExitStack() as stack:
        yield lambda start, **options: stack.enter_context(start_or_skip(lambda: start(**options)))


@pytest.fixture(scope="session")
def phd_stub() -> Path:
    """The compiled stand-in for Honeywell's ``phdapinet.dll``."""
    return start_or_skip(launch.build_phd_stub)
