"""Quarterly emissions reports of US power plants (ECMPS): measured hours with their MODC."""

from greenlang_data.drivers.ecmps.driver import EcmpsDriver

__all__ = ["EcmpsDriver"]
