"""A driver is found by its name, and a name that is none is told with the nearest."""

from __future__ import annotations

import pytest

from greenlang_data.drivers import load_driver
from greenlang_data.errors import ConfigurationError


def test_a_name_that_no_driver_has() -> None:
    with pytest.raises(ConfigurationError, match=r"no driver for 'modbuss'.*modbus"):
        load_driver("modbuss")
