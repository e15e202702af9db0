"""The drivers by name, imported only when used.

Third parties add theirs through the entry point group ``greenlang_data.drivers``: the entry's
name is the protocol or system that a config names, its value a :class:`Driver` subclass.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import Final

from greenlang_data.drivers.base import Driver
from greenlang_data.errors import ConfigurationError
from greenlang_data.nearest import nearest_and_all

ENTRY_POINTS: Final = "greenlang_data.drivers"

# name -> module:class, and the extra that installs what the module imports ("" for the core).
_BUILT_IN: Final[dict[str, tuple[str, str]]] = {
    "opcua": ("greenlang_data.drivers.opcua:OpcUaDriver", ""),
    "modbus": ("greenlang_data.drivers.modbus:ModbusDriver", ""),
    "pi": ("greenlang_data.drivers.piwebapi:PiWebApiDriver", ""),
    "ge": ("greenlang_data.drivers.proficy:ProficyDriver", ""),
    "cems_modbus": ("greenlang_data.drivers.analyser:AnalyserDriver", ""),
    "cems_opcua": ("greenlang_data.drivers.analyser:AnalyserDriver", ""),
    "odata": ("greenlang_data.drivers.odata:ODataDriver", ""),
    "phd": ("greenlang_data.drivers.phd:PhdGatewayDriver", ""),
    "phd_oibus": ("greenlang_data.drivers.phd:PhdOibusDriver", ""),
    "phd_opcua": ("greenlang_data.drivers.phd:PhdOpcUaDriver", ""),
    "phd_dotnet": ("greenlang_data.drivers.phd:PhdLibraryDriver", "phd"),
    "cems_campd": ("greenlang_data.drivers.campd:CampdDriver", ""),
    "cems_ecmps": ("greenlang_data.drivers.ecmps:EcmpsDriver", ""),
    "cems_dahs_csv": ("greenlang_data.drivers.dahs:DahsDriver", ""),
    "cems_dahs_sql": ("greenlang_data.drivers.dahs:DahsDriver", ""),
    "oracle": ("greenlang_data.drivers.oracle:OracleDriver", ""),
    "netsuite": ("greenlang_data.drivers.netsuite:NetSuiteDriver", ""),
    "dnp3": ("greenlang_data.drivers.dnp3:Dnp3Driver", "dnp3"),
    "bacnet": ("greenlang_data.drivers.bacnet:BacnetDriver", "bacnet"),
    "maximo": ("greenlang_data.drivers.maximo:MaximoDriver", ""),
    "infor": ("greenlang_data.drivers.infor:InforDriver", ""),
    "sap_pm": ("greenlang_data.drivers.sappm:SapPmDriver", ""),
    "mock": ("greenlang_data.drivers.mock:MockDriver", ""),
}


def driver_names() -> list[str]:
    """Names of all drivers, built in and from installed packages, sorted."""
    return sorted({*_BUILT_IN, *(entry.name for entry in entry_points(group=ENTRY_POINTS))})


def load_driver(name: str, *, source: str = "") -> type[Driver]:
    """Import the driver called ``name``.

    Raises ConfigurationError when there is none, naming the nearest, or when a package that it
    needs is not installed, naming the extra.
    """
    if name in _BUILT_IN:
        path, extra = _BUILT_IN[name]
        return _import(name, path, extra, source)
    for entry in entry_points(group=ENTRY_POINTS, name=name):
        return _checked(entry.load(), name, source)
    raise ConfigurationError(
        f"there is no driver for {name!r}", source=source, remedy=_available(name)
    )


def _import(name: str, path: str, extra: str, source: str) -> type[Driver]:
    module, _, attribute = path.partition(":")
    try:
        return _checked(getattr(import_module(module), attribute), name, source)
    except ImportError as error:
        if not extra:
            raise
        raise ConfigurationError(
            f"the {name} driver needs a package that is not installed ({error.name})",
            source=source,
            remedy=f"Run: pip install 'greenlang_data[{extra}]'",
        ) from error


def _checked(driver: object, name: str, source: str) -> type[Driver]:
    if isinstance(driver, type) and issubclass(driver, Driver):
        return driver
    raise ConfigurationError(
        f"the entry point {name!r} of {ENTRY_POINTS} is {driver!r}, not a Driver class",
        source=source,
        remedy="Mend or uninstall the package that declares it.",
    )


def _available(name: str) -> str:
    return (
        f"{nearest_and_all(name, driver_names(), 'Available')} Others come from packages with an "
        f"entry point {ENTRY_POINTS}; mock_mode=True needs none."
    )
