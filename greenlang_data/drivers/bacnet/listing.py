"""All tags of a device: its objects that have a present value, and its trend logs."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Final

import pyarrow as pa

from greenlang_data.drivers.bacnet.catalogue import WITH_UNITS
from greenlang_data.drivers.bacnet.device import Device, list_objects
from greenlang_data.drivers.bacnet.logs import learn_several
from greenlang_data.drivers.bacnet.names import (
    ACTIVE_TEXT,
    DESCRIPTION,
    INACTIVE_TEXT,
    LOG_BUFFER,
    MAX_VALUE,
    MIN_VALUE,
    OBJECT_NAME,
    STATE_TEXT,
    TREND_LOG,
    TREND_LOG_MULTIPLE,
    UNITS,
    name_of,
)
from greenlang_data.drivers.bacnet.reader import Reader
from greenlang_data.drivers.bacnet.references import Reference, object_name
from greenlang_data.drivers.bacnet.services import Result
from greenlang_data.drivers.bacnet.units import unit_of
from greenlang_data.drivers.bacnet.values import Failure, Value
from greenlang_data.drivers.schema import TAGS

# The data type of the present value, by object type.
_PRESENT_VALUES: Final = {
    0: "Real", 1: "Real", 2: "Real", 3: "Enumerated", 4: "Enumerated", 5: "Enumerated",
    6: "Boolean", 7: "Unsigned", 11: "List", 12: "Real", 13: "Unsigned", 14: "Unsigned",
    17: "Any", 19: "Unsigned", 21: "Enumerated", 22: "Enumerated", 23: "Unsigned", 24: "Real",
    28: "Enumerated", 30: "Enumerated", 32: "Enumerated", 39: "BitString",
    40: "CharacterString", 41: "DatePattern", 42: "Date", 43: "DateTimePattern", 44: "DateTime",
    45: "Integer", 46: "Double", 47: "OctetString", 48: "Unsigned", 49: "TimePattern", 50: "Time",
    53: "Unsigned", 54: "Real", 55: "Enumerated", 57: "Enumerated", 58: "Enumerated",
    59: "Enumerated", 60: "Unsigned",
}  # fmt: skip
_BINARY: Final = frozenset({3, 4, 5})
_MULTI_STATE: Final = frozenset({13, 14, 19})
_LIMITED: Final = frozenset({0, 1, 2})
_STEP: Final = 1000

Results = Mapping[Reference, Result]
Row = dict[str, str | float | None]
_LOGS: Final = {TREND_LOG: "TrendLog", TREND_LOG_MULTIPLE: "TrendLogMultiple"}


async def list_batches(reader: Reader, device: Device) -> AsyncGenerator[pa.RecordBatch, None]:
    """The tags in the order of the device's object list."""
    objects = await list_objects(reader, device)
    listed = [one for one in objects if _data_type(one) is not None]
    await learn_several(listed, reader, device)
    if len(listed) < len(objects):
        reader.log.note(
            f"{len(objects) - len(listed)} objects are not listed, because their type has no "
            "present value; their properties can be read as in device,1.vendor-name"
        )
    for first in range(0, len(listed), _STEP):
        yield await _batch(listed[first : first + _STEP], reader, device)


def _data_type(object_id: int) -> str | None:
    object_type = Reference(object_id).object_type
    return _LOGS.get(object_type) or _PRESENT_VALUES.get(object_type)


async def _batch(objects: Sequence[int], reader: Reader, device: Device) -> pa.RecordBatch:
    wanted = [Reference(one, prop) for one in objects for prop in _properties(one)]
    results = await reader.read(wanted)
    rows = [row for one in objects for row in _members(_row(one, results), device.logs.get(one))]
    return pa.RecordBatch.from_pylist(rows, schema=TAGS)


def _members(row: Row, members: tuple[Reference | None, ...] | Failure | None) -> list[Row]:
    """The row, or one for each value that a log of several records."""
    if not isinstance(members, tuple) or row["data_type"] != _LOGS[TREND_LOG_MULTIPLE]:
        return [row]
    return [
        {
            **row,
            "tag_id": f"{row['tag_id']}.{name_of('property', LOG_BUFFER)}[{place}]",
            "description": " ".join(
                str(one) for one in (row["description"], records and f"({records})") if one
            )
            or None,
        }
        for place, records in enumerate(members, start=1)
    ]


def _properties(object_id: int) -> list[int]:
    object_type = Reference(object_id).object_type
    wanted = [OBJECT_NAME, DESCRIPTION]
    wanted += [UNITS] if object_type in WITH_UNITS else []
    wanted += [MIN_VALUE, MAX_VALUE] if object_type in _LIMITED else []
    wanted += [INACTIVE_TEXT, ACTIVE_TEXT] if object_type in _BINARY else []
    return wanted + ([STATE_TEXT] if object_type in _MULTI_STATE else [])


def _row(object_id: int, results: Results) -> Row:
    def value(property_id: int) -> Value:
        result = results.get(Reference(object_id, property_id))
        return result if isinstance(result, Value) else Value("Null")

    units = value(UNITS).number
    return {
        "tag_id": object_name(object_id),
        "tag_name": value(OBJECT_NAME).text,
        "path": name_of("object type", Reference(object_id).object_type),
        "description": _description(value(DESCRIPTION).text, _states(value)),
        "data_type": _data_type(object_id),
        "unit": None if units is None else unit_of(int(units)),
        "low": value(MIN_VALUE).number,
        "high": value(MAX_VALUE).number,
    }


def _states(value: Callable[[int], Value]) -> dict[int, str]:
    """The names of the states of a binary or multi-state object, by number."""
    texts = value(STATE_TEXT).text
    if texts is None:
        pair = (value(INACTIVE_TEXT).text, value(ACTIVE_TEXT).text)
        return {number: text for number, text in enumerate(pair) if text}
    if value(STATE_TEXT).data_type != "List":  # a single state
        return {1: texts}
    return dict(enumerate(json.loads(texts), start=1))


def _description(text: str | None, states: Mapping[int, str]) -> str | None:
    meaning = ", ".join(f"{number} {name}" for number, name in states.items())
    if not meaning:
        return text or None
    return f"{text} ({meaning})" if text else meaning
