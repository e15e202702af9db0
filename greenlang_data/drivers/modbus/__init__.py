"""Modbus over TCP, TLS and serial lines: current values of a register map, read-only."""

from greenlang_data.drivers.modbus.driver import ModbusDriver

__all__ = ["ModbusDriver"]
