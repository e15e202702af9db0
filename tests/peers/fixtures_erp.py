"""Pytest fixtures for the servers that stand for business systems."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from .fixtures import any_server, renewed, running, starting
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
    yield from starting(start_cap)


@pytest.fixture(scope="session")
def fe_session() -> Iterator[ODataPeer]:
    """SAP's mock server of this session; tests take ``fe_peer``."""
    yield from running(start_fe_mockserver)


@pytest.fixture
def fe_peer(fe_session: ODataPeer) -> ODataPeer:
    """SAP's mock server for Fiori elements with an empty request log."""
    fe_session.clear_requests()
    return fe_session


gateway_session, gateway_peer = renewed("gateway_peer", start_gateway)
oracle_session, oracle_peer = renewed("oracle_peer", start_oracle)
netsuite_session, netsuite_peer = renewed("netsuite_peer", start_netsuite)
finance_session, finance_peer = renewed("finance_peer", start_finance)
dataverse_session, dataverse_peer = renewed("dataverse_peer", start_dataverse)


@pytest.fixture
def erp_factory() -> Iterator[Callable[..., HistorianPeer]]:
    """Start further emulators: ``erp_factory(start_gateway, items=10)``; stopped afterwards."""
    yield from starting(any_server)
