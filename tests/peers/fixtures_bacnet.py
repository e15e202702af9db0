"""Pytest fixtures for the BACnet/IP devices."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from .fixtures import running, starting
from .launch_bacnet import BacnetPeer, start_bacnet, start_bacnet_bbmd, start_bacnet_second


@pytest.fixture(scope="session")
def bacnet_peer() -> Iterator[BacnetPeer]:
    """The ``@bacnet-js/client`` device with 50 analog inputs; it does not segment."""
    yield from running(start_bacnet)


@pytest.fixture(scope="session")
def bacnet_second() -> Iterator[BacnetPeer]:
    """The bacpypes3 device with 400 analog inputs; it segments."""
    yield from running(start_bacnet_second)


@pytest.fixture
def bacnet_bbmd(bacnet_second: BacnetPeer) -> Iterator[BacnetPeer]:
    """A broadcast management device that passes broadcasts on to the bacpypes3 device."""
    yield from running(lambda: start_bacnet_bbmd(peers=[bacnet_second.address]))


@pytest.fixture
def bacnet_factory() -> Iterator[Callable[..., BacnetPeer]]:
    """Start further ``@bacnet-js/client`` devices with chosen options; stopped after the test."""
    yield from starting(start_bacnet)


@pytest.fixture
def bacnet_second_factory() -> Iterator[Callable[..., BacnetPeer]]:
    """Start further bacpypes3 devices with chosen options; stopped after the test."""
    yield from starting(start_bacnet_second)
