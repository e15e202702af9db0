"""The objects of a device by name, and what stays the same about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from greenlang_data.drivers.bacnet.device import About, Device, list_objects
from greenlang_data.drivers.bacnet.names import (
    OBJECT_NAME,
    PRESENT_VALUE,
    RELIABILITY,
    STATUS_FLAGS,
    TREND_LOG,
    UNITS,
)
from greenlang_data.drivers.bacnet.reader import Reader
from greenlang_data.drivers.bacnet.references import Reference, parse_reference
from greenlang_data.drivers.bacnet.services import Result
from greenlang_data.drivers.bacnet.units import unit_of
from greenlang_data.drivers.bacnet.values import Failure, Value
from greenlang_data.drivers.schema import UNKNOWN_TAG
from greenlang_data.nearest import did_you_mean
from greenlang_data.settings.bacnet_object import BacnetObject

# Types with a unit: analog objects, loops, accumulators, and the value objects of numbers.
WITH_UNITS: Final = frozenset({0, 1, 2, 12, 23, 24, 45, 46, 48, 54})
# What an object tells of the quality of its present value.
QUALITY: Final = (STATUS_FLAGS, RELIABILITY)
# Properties that are in the object's own unit.
_IN_UNIT: Final = frozenset({PRESENT_VALUE, 45, 59, 65, 69, 104})
_WITHOUT_FLAGS: Final = frozenset({TREND_LOG, 8, 6, 10, 16, 18, 25, 29})
_NO_SUCH: Final = frozenset({"unknown-object", "unknown-property"})
# Looking for the nearest name among thousands takes a while, so not for every wrong tag.
_NAMES_GUESSED: Final = 20

Resolved = Reference | Failure


async def resolve(
    tags: Sequence[str],
    entries: Mapping[str, BacnetObject],
    reader: Reader,
    device: Device,
) -> list[Resolved]:
    """What each tag stands for: an entry of the configuration, an object id, or an object's name.

    The names are read from the device only when there is a tag that is nothing else.
    """
    found = [parse_reference(entries[tag].object_id if tag in entries else tag) for tag in tags]
    if None in found:
        names = await object_names(reader, device)
        found = [one or _named(tag, names) for tag, one in zip(tags, found, strict=True)]
    guesses = _NAMES_GUESSED
    resolved: list[Resolved] = []
    for tag, reference in zip(tags, found, strict=True):
        if reference is not None:
            resolved.append(reference)
            continue
        hint = did_you_mean(tag, [*entries, *(device.by_name or {})]) if guesses > 0 else ""
        guesses -= 1
        text = f"{UNKNOWN_TAG}: no object has this name, and it is no object id{'; ' if hint else ''}{hint}"
        resolved.append(Failure(None, text))
    return resolved


def _named(tag: str, names: Mapping[str, int]) -> Reference | None:
    object_id = names.get(tag)
    return None if object_id is None else Reference(object_id)


async def object_names(reader: Reader, device: Device) -> dict[str, int]:
    """The object of each name in the device, read once."""
    if device.by_name is None:
        objects = await list_objects(reader, device)
        wanted = [Reference(one, OBJECT_NAME) for one in objects]
        results = await reader.read(wanted)
        names = [(_text(results[one]), one.object_id) for one in wanted]
        device.by_name = {name: object_id for name, object_id in names if name}
    return device.by_name


async def learn_about(
    objects: Iterable[int], reader: Reader, device: Device
) -> dict[int, About | Failure]:
    """Name, unit and what it tells of its quality, of each object; read once.

    A Failure for an object that the device does not have.
    """
    unknown = [one for one in dict.fromkeys(objects) if one not in device.about]
    wanted = [reference for one in unknown for reference in _static(one)]
    results = await reader.read(wanted) if wanted else {}
    told: dict[int, About | Failure] = {}
    for one in unknown:
        name = results[Reference(one, OBJECT_NAME)]
        if isinstance(name, Failure) and name.status == "unknown-object":
            told[one] = Failure(name.status, f"{UNKNOWN_TAG}: {name.text}")
            continue
        told[one] = device.about[one] = About(
            _text(name),
            _unit(results.get(Reference(one, UNITS))),
            tuple(each for each in QUALITY if _tells(results.get(Reference(one, each)))),
        )
    return told | {one: device.about[one] for one in objects if one in device.about}


def unit_for(reference: Reference, about: About) -> str | None:
    """The unit of a property of an object."""
    return about.unit if reference.property_id in _IN_UNIT else None


def _static(object_id: int) -> list[Reference]:
    wanted = [Reference(object_id, OBJECT_NAME)]
    if wanted[0].object_type in WITH_UNITS:
        wanted.append(Reference(object_id, UNITS))
    if wanted[0].object_type not in _WITHOUT_FLAGS:
        wanted += [Reference(object_id, one) for one in QUALITY]
    return wanted


def _text(result: Result) -> str | None:
    return result.text if isinstance(result, Value) else None


def _unit(result: Result | None) -> str | None:
    if not isinstance(result, Value) or result.number is None:
        return None
    return unit_of(int(result.number))


def _tells(result: Result | None) -> bool:
    """Unless the object certainly has none, it is asked for, and missing it is told."""
    return result is not None and not (isinstance(result, Failure) and result.status in _NO_SUCH)
