"""DNP3 over TCP and TLS: current values, watching and the list of points, read-only."""

from greenlang_data.drivers.dnp3.driver import Dnp3Driver

__all__ = ["Dnp3Driver"]
