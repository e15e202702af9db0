"""Pytest fixtures for the servers that stand for business systems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from .fixtures import running, start_or_skip
from .launch_erp import CapPeer, start_cap


@pytest.fixture(scope="session")
def cap_peer() -> Iterator[CapPeer]:
    """SAP CAP with 120,000 purchase order items; exact numbers are JSON strings over V4."""
    yield from running(start_cap)


@pytest.fixture(scope="session")
def cap_numbers_peer() -> Iterator[CapPeer]:
    """The same data; exact numbers are JSON numbers over V4."""
    yield from running(lambda: start_cap(numbers=True))


@pytest.fixture
def cap_factory() -> Iterator[Callable[..., CapPeer]]:
    """Start further SAP CAP servers with chosen options; stopped after the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(start_or_skip(lambda: start_cap(**options)))
