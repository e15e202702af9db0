"""Makes the server fixtures known to the tests in this folder."""

from __future__ import annotations

from .fixtures import (
    dnp3_factory,
    dnp3_peer,
    dnp3_second,
    dnp3_second_factory,
    lying_modbus_factory,
    lying_opcua_factory,
    modbus_factory,
    modbus_peer,
    modbus_second,
    opcua_factory,
    opcua_peer,
    opcua_peer_large,
    opcua_second,
    proxy_factory,
)

__all__ = [
    "dnp3_factory",
    "dnp3_peer",
    "dnp3_second",
    "dnp3_second_factory",
    "lying_modbus_factory",
    "lying_opcua_factory",
    "modbus_factory",
    "modbus_peer",
    "modbus_second",
    "opcua_factory",
    "opcua_peer",
    "opcua_peer_large",
    "opcua_second",
    "proxy_factory",
]
