"""EPA's Clean Air Markets Program Data: hourly emissions of US power plants since 1995."""

from greenlang_data.drivers.campd.driver import CampdDriver

__all__ = ["CampdDriver"]
