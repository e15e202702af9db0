"""Modbus TCP: current values of the tags of a register map, read-only."""

from greenlang_data.drivers.modbus.driver import ModbusDriver

__all__ = ["ModbusDriver"]
