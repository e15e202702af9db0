"""``greenlang.toml``: the sources of a session, checked down to the last key.

::

    tz = "Europe/Berlin"                  # for naive times; UTC unless set

    [defaults]                            # for every source
    timeout_seconds = 20

    [sources.plant1]
    kind = "scada"                        # scada, erp, cems, historian, cmms or a registered type
    protocol = "opcua"
    endpoint = "opc.tcp://plant1:4840"
    username = "reader"
    password = { env = "PLANT1_PASSWORD" }
    tags = "plant1_tags.csv"              # or [[sources.plant1.tags]] tables

    [emissions]                           # a site's own values of the emission rules
    minimum_heat_input = 0.5

Paths are relative to the file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from greenlang_data.errors import ConfigurationError, QueryError
from greenlang_data.nearest import did_you_mean, sentence
from greenlang_data.settings.bacnet_object import BacnetObject
from greenlang_data.settings.config import ConnectorConfig
from greenlang_data.settings.dahs import DahsColumn
from greenlang_data.settings.emission_rules import EmissionSettings, FuelEntry
from greenlang_data.settings.entity import EntityPlace
from greenlang_data.settings.measurand import Measurand
from greenlang_data.settings.modc import ModcEntry
from greenlang_data.settings.point import Point
from greenlang_data.settings.point_list import read_point_list
from greenlang_data.settings.register import Register
from greenlang_data.settings.register_map import read_register_map
from greenlang_data.settings.signal import Signal
from greenlang_data.settings.tag import TagEntry
from greenlang_data.settings.tag_list import read_object_list, read_tag_list
from greenlang_data.settings.utility_bill import UtilityBills
from greenlang_data.times import zone_named

_TOP_KEYS: Final = ("tz", "defaults", "sources", "emissions")
# The table's own name and kind stand for these two.
_OWN: Final = {"connector_id", "connector_type"}
_TABLES: Final[dict[str, Callable[[Path], Any]]] = {
    "registers": read_register_map,
    "tags": read_tag_list,
    "points": read_point_list,
    "objects": read_object_list,
}
_ENTRIES: Final[dict[str, type[BaseModel]]] = {
    "registers": Register,
    "tags": TagEntry,
    "points": Point,
    "objects": BacnetObject,
    "measurands": Measurand,
    "signals": Signal,
    "columns": DahsColumn,
    "entities": EntityPlace,
    "utility_bills": UtilityBills,
    "modc": ModcEntry,
    "fuel_factors": FuelEntry,
}
_PATHS: Final = (
    "certificate_path",
    "private_key_path",
    "server_certificate_path",
    "ca_certificate_path",
    "recording",
    "ca_path",
    "client_certificate_path",
    "client_key_path",
    "cache_path",
    "database",
    "files",
    "checkpoint_path",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a file says: the time zone of naive times, and a config for each source."""

    zone: tzinfo
    configs: tuple[ConnectorConfig, ...]


def read_settings(
    path: str | Path, config_classes: Mapping[str, type[ConnectorConfig]]
) -> Settings:
    """Read and check a ``greenlang.toml``.

    ``config_classes`` maps each kind to its config class. Raises ConfigurationError naming the
    file, the key, and the nearest right one.
    """
    file = Path(path).expanduser()
    content = _parse(file)
    _refuse_unknown(content, _TOP_KEYS, file, "")
    defaults, sources = _table(content, "defaults", file), _table(content, "sources", file)
    _refuse_unknown(defaults, set(ConnectorConfig.model_fields) - _OWN, file, "defaults.")
    _emissions(content, file)
    if not sources:
        raise _wrong(file, "sources:", "there are none", "Add a table such as [sources.plant1].")
    configs = tuple(
        _config(file, name, {**defaults, **_table(sources, name, file)}, config_classes)
        for name in sources
    )
    return Settings(_zone(content.get("tz", "UTC"), file), configs)


def read_emissions(path: str | Path) -> EmissionSettings:
    """Read and check the table ``[emissions]`` of a ``greenlang.toml``; without one, the usual.

    Raises ConfigurationError naming the file, the key, and the nearest right one.
    """
    file = Path(path).expanduser()
    content = _parse(file)
    _refuse_unknown(content, _TOP_KEYS, file, "")
    return _emissions(content, file)


def _emissions(content: dict[str, Any], file: Path) -> EmissionSettings:
    table = _table(content, "emissions", file)
    _refuse_unknown(table, EmissionSettings.model_fields, file, "emissions.")
    try:
        return EmissionSettings(**table)
    except ValidationError as error:
        raise _invalid(file, "emissions", error) from None


def _parse(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be read: {error.strerror}", remedy="Check the path."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{file} is not TOML: {error}", remedy="Mend that line."
        ) from error


def _config(
    file: Path,
    name: str,
    table: dict[str, Any],
    classes: Mapping[str, type[ConnectorConfig]],
) -> ConnectorConfig:
    where = f"sources.{name}"
    kind = table.pop("kind", None)
    if not isinstance(kind, str) or kind not in classes:
        what = "is missing" if kind is None else f"is {kind!r}, which there is not"
        raise _wrong(file, f"{where}.kind", what, _nearest(str(kind), classes))
    kind_class = classes[kind]
    _refuse_unknown(table, set(kind_class.model_fields) - _OWN, file, f"{where}.")
    for key in _TABLES.keys() & table.keys():
        if isinstance(table[key], str):
            table[key] = _TABLES[key](_existing(file, f"{where}.{key}", table[key]))
    for key in _PATHS:
        if isinstance(table.get(key), str):
            table[key] = _beside(file, table[key])
    if isinstance(table.get("files"), list):
        table["files"] = [_beside(file, str(one)) for one in table["files"]]
    try:
        return kind_class(connector_id=name, connector_type=kind, **table)
    except ValidationError as error:
        raise _invalid(file, where, error) from None


def _existing(file: Path, key: str, path: str) -> Path:
    """A file beside the settings. Raises ConfigurationError where there is none of that name."""
    beside = file.parent / path
    if not beside.exists():
        others = [one.name for one in beside.parent.glob(f"*{beside.suffix}")]
        hint = _nearest(beside.name, others) if others else "Check the path."
        raise _wrong(file, key, f"is {path!r}, and there is no such file", hint)
    return beside


def _beside(file: Path, path: str) -> str:
    return str(file.parent / Path(path).expanduser())


def _invalid(file: Path, where: str, error: ValidationError) -> ConfigurationError:
    problems = [_problem(where, one) for one in error.errors()]
    return ConfigurationError(f"{file}: {'; '.join(problems)}", remedy="Correct the file.")


def _problem(where: str, error: ErrorDetails) -> str:
    key = ".".join([where, *map(str, error["loc"])])
    context = error.get("ctx", {})
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        table, *_, wrong = error["loc"]
        known = _ENTRIES[str(table)].model_fields if table in _ENTRIES else ()
        return f"{key} is no key here. {_nearest(str(wrong), known)}"
    if "error" in context:
        return f"{key}: {message}"
    hint = _meant(error["input"], str(context["expected"])) if "expected" in context else ""
    return f"{key}: {message[:1].lower()}{message[1:]}{hint}"


def _meant(written: object, expected: str) -> str:
    """``; did you mean 'x'?`` where one of the expected words is like the one written."""
    # What was written is not shown: it may be a password in the wrong place.
    hint = did_you_mean(str(written), re.findall("'([^']*)'", expected))
    return f"; {hint}" if hint else ""


def _refuse_unknown(table: Mapping[str, Any], known: Iterable[str], file: Path, where: str) -> None:
    known = sorted(known)
    for key in table:
        if key not in known:
            raise _wrong(file, f"{where}{key}", "is no key here", _nearest(key, known))


def _table(parent: Mapping[str, Any], key: str, file: Path) -> dict[str, Any]:
    value = parent.get(key, {})
    if not isinstance(value, dict):
        raise _wrong(file, key, "is not a table", f"Write [{key}] above its keys.")
    return dict(value)


def _zone(name: object, file: Path) -> tzinfo:
    try:
        return zone_named(str(name))
    except QueryError as error:
        raise _wrong(file, "tz:", error.what, error.remedy) from error


def _nearest(word: str, known: Iterable[str]) -> str:
    known = sorted(known)
    return sentence(did_you_mean(word, known)) or f"Known: {', '.join(known)}."


def _wrong(file: Path, key: str, what: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"{file}: {key} {what}", remedy=remedy)
