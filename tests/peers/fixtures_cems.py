"""Pytest fixtures for the sources of emissions; set back before each test that takes them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .fixtures import start_or_skip
from .historian_launch import HistorianPeer, start_campd
from .launch_analyser import (
    ModbusAnalyser,
    OpcuaAnalyser,
    start_modbus_analyser,
    start_opcua_analyser,
)


@pytest.fixture(scope="session")
def modbus_analyser_session() -> Iterator[ModbusAnalyser]:
    """The Modbus analyser of this session; tests take ``modbus_analyser``."""
    with start_or_skip(start_modbus_analyser) as peer:
        yield peer


@pytest.fixture
def modbus_analyser(modbus_analyser_session: ModbusAnalyser) -> ModbusAnalyser:
    """The Modbus analyser, showing what it showed at first."""
    modbus_analyser_session.reset()
    return modbus_analyser_session


@pytest.fixture(scope="session")
def opcua_analyser_session() -> Iterator[OpcuaAnalyser]:
    """The OPC UA analyser of this session; tests take ``opcua_analyser``."""
    with start_or_skip(start_opcua_analyser) as peer:
        yield peer


@pytest.fixture
def opcua_analyser(opcua_analyser_session: OpcuaAnalyser) -> OpcuaAnalyser:
    """The OPC UA analyser, showing what it showed at first."""
    opcua_analyser_session.reset()
    return opcua_analyser_session


@pytest.fixture(scope="session")
def campd_session() -> Iterator[HistorianPeer]:
    """The CAMPD emulator of this session; tests take ``campd_peer``."""
    with start_or_skip(start_campd) as peer:
        yield peer


@pytest.fixture
def campd_peer(campd_session: HistorianPeer) -> HistorianPeer:
    """The CAMPD emulator with all knobs set back and an empty request log."""
    campd_session.reset()
    return campd_session
