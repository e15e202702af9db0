"""PI Web API: the points and AF attributes of an AVEVA PI System."""

from greenlang_data.drivers.piwebapi.driver import PiWebApiDriver

__all__ = ["PiWebApiDriver"]
