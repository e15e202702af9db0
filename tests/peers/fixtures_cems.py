"""Pytest fixtures for the sources of emissions; set back before each test that takes them."""

from __future__ import annotations

from .fixtures import renewed
from .historian_launch import start_campd
from .launch_analyser import (
    start_modbus_analyser,
    start_opcua_analyser,
)

modbus_analyser_session, modbus_analyser = renewed("modbus_analyser", start_modbus_analyser)
opcua_analyser_session, opcua_analyser = renewed("opcua_analyser", start_opcua_analyser)
campd_session, campd_peer = renewed("campd_peer", start_campd)
