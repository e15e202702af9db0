"""Data acquisition and handling systems: records in CSV files or an SQL database, by a column map."""

from greenlang_data.drivers.dahs.driver import DahsDriver

__all__ = ["DahsDriver"]
