"""GE Proficy Historian over its REST interface."""

from greenlang_data.drivers.proficy.driver import ProficyDriver

__all__ = ["ProficyDriver"]
