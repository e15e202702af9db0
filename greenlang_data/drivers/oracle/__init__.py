"""Oracle Fusion Cloud: the REST resources of its applications."""

from greenlang_data.drivers.oracle.driver import OracleDriver

__all__ = ["OracleDriver"]
