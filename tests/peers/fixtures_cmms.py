"""Pytest fixtures for the emulators of maintenance systems.

The session-wide ones are set back before each test that takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from .fixtures import running, start_or_skip
from .historian_launch import HistorianPeer
from .launch_cmms import start_infor, start_maximo


@pytest.fixture(scope="session")
def maximo_session() -> Iterator[HistorianPeer]:
    """The Maximo emulator of this session; tests take ``maximo_peer``."""
    yield from running(start_maximo)


@pytest.fixture
def maximo_peer(maximo_session: HistorianPeer) -> HistorianPeer:
    """The Maximo emulator with all knobs set back and an empty request log."""
    maximo_session.reset()
    return maximo_session


@pytest.fixture(scope="session")
def infor_session() -> Iterator[HistorianPeer]:
    """The Infor EAM emulator of this session; tests take ``infor_peer``."""
    yield from running(start_infor)


@pytest.fixture
def infor_peer(infor_session: HistorianPeer) -> HistorianPeer:
    """The Infor EAM emulator with all knobs set back and an empty request log."""
    infor_session.reset()
    return infor_session


@pytest.fixture
def cmms_factory() -> Iterator[Callable[..., HistorianPeer]]:
    """Start further emulators: ``cmms_factory(start_maximo, orders=10)``; stopped afterwards."""
    with ExitStack() as stack:
        yield lambda start, **options: stack.enter_context(start_or_skip(lambda: start(**options)))
