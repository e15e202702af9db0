"""OPC UA (opc.tcp): current values, raw history and aggregates, read only."""

from greenlang_data.drivers.opcua.driver import OpcUaDriver

__all__ = ["OpcUaDriver"]
