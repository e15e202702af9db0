"""NetSuite: SuiteQL over REST."""

from greenlang_data.drivers.netsuite.driver import NetSuiteDriver

__all__ = ["NetSuiteDriver"]
