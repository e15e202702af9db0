"""Pytest fixtures for the servers that stand for business systems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from .fixtures import running, start_or_skip
from .historian_launch import HistorianPeer
from .launch_erp import (
    CapPeer,
    ODataPeer,
    start_cap,
    start_dataverse,
    start_fe_mockserver,
    start_finance,
    start_gateway,
    start_netsuite,
    start_oracle,
)


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


@pytest.fixture(scope="session")
def fe_session() -> Iterator[ODataPeer]:
    """SAP's mock server of this session; tests take ``fe_peer``."""
    yield from running(start_fe_mockserver)


@pytest.fixture
def fe_peer(fe_session: ODataPeer) -> ODataPeer:
    """SAP's mock server for Fiori elements with an empty request log."""
    fe_session.clear_requests()
    return fe_session


@pytest.fixture(scope="session")
def gateway_session() -> Iterator[HistorianPeer]:
    """The SAP Gateway emulator of this session; tests take ``gateway_peer``."""
    yield from running(start_gateway)


@pytest.fixture
def gateway_peer(gateway_session: HistorianPeer) -> HistorianPeer:
    """The SAP Gateway emulator with all knobs set back and an empty request log."""
    gateway_session.reset()
    return gateway_session


@pytest.fixture(scope="session")
def oracle_session() -> Iterator[HistorianPeer]:
    """The Oracle Fusion emulator of this session; tests take ``oracle_peer``."""
    yield from running(start_oracle)


@pytest.fixture
def oracle_peer(oracle_session: HistorianPeer) -> HistorianPeer:
    """The Oracle Fusion emulator with all knobs set back and an empty request log."""
    oracle_session.reset()
    return oracle_session


@pytest.fixture(scope="session")
def netsuite_session() -> Iterator[HistorianPeer]:
    """The NetSuite emulator of this session; tests take ``netsuite_peer``."""
    yield from running(start_netsuite)


@pytest.fixture
def netsuite_peer(netsuite_session: HistorianPeer) -> HistorianPeer:
    """The NetSuite emulator with all knobs set back and an empty request log."""
    netsuite_session.reset()
    return netsuite_session


@pytest.fixture(scope="session")
def finance_session() -> Iterator[HistorianPeer]:
    """The Dynamics 365 finance and operations emulator of this session; tests take ``finance_peer``."""
    yield from running(start_finance)


@pytest.fixture
def finance_peer(finance_session: HistorianPeer) -> HistorianPeer:
    """The Dynamics 365 finance and operations emulator with all knobs set back and an empty request log."""
    finance_session.reset()
    return finance_session


@pytest.fixture(scope="session")
def dataverse_session() -> Iterator[HistorianPeer]:
    """The Dataverse emulator of this session; tests take ``dataverse_peer``."""
    yield from running(start_dataverse)


@pytest.fixture
def dataverse_peer(dataverse_session: HistorianPeer) -> HistorianPeer:
    """The Dataverse emulator with all knobs set back and an empty request log."""
    dataverse_session.reset()
    return dataverse_session


@pytest.fixture
def erp_factory() -> Iterator[Callable[..., HistorianPeer]]:
    """Start further emulators: ``erp_factory(start_gateway, items=10)``; stopped afterwards."""
    with ExitStack() as stack:
        yield lambda start, **options: stack.enter_context(start_or_skip(lambda: start(**options)))
