"""Makes the server fixtures known to the tests in this folder."""

from __future__ import annotations

from .fixtures import (
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
from .fixtures_bacnet import (
    bacnet_factory,
    bacnet_peer,
    bacnet_second,
    bacnet_second_factory,
)
from .fixtures_fieldbus import (
    certificates,
    jsmodbus_peer,
    modbus_fault_factory,
    modbus_rtu_factory,
    modbus_rtu_peer,
    modbus_rtu_tcp_peer,
    modbus_serial_fault_factory,
    modbus_serial_peer,
    modbus_tls_factory,
)

__all__ = [
    "bacnet_factory",
    "bacnet_peer",
    "bacnet_second",
    "bacnet_second_factory",
    "certificates",
    "jsmodbus_peer",
    "lying_modbus_factory",
    "lying_opcua_factory",
    "modbus_factory",
    "modbus_fault_factory",
    "modbus_peer",
    "modbus_rtu_factory",
    "modbus_rtu_peer",
    "modbus_rtu_tcp_peer",
    "modbus_second",
    "modbus_serial_fault_factory",
    "modbus_serial_peer",
    "modbus_tls_factory",
    "opcua_factory",
    "opcua_peer",
    "opcua_peer_large",
    "opcua_second",
    "proxy_factory",
]
