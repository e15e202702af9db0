"""Which trend log holds the history of a tag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from greenlang_data.drivers.bacnet.catalogue import Resolved
from greenlang_data.drivers.bacnet.device import Device, list_objects
from greenlang_data.drivers.bacnet.names import (
    LOG_BUFFER,
    LOGGED_PROPERTY,
    PRESENT_VALUE,
    TREND_LOG,
)
from greenlang_data.drivers.bacnet.reader import Reader
from greenlang_data.drivers.bacnet.references import Reference, object_name
from greenlang_data.drivers.bacnet.services import Result
from greenlang_data.drivers.bacnet.tags import (
    CONTEXT,
    BrokenAnswerError,
    expect,
    expect_unsigned,
    is_tag,
)
from greenlang_data.drivers.bacnet.values import Failure
from greenlang_data.drivers.schema import UNKNOWN_TAG

_LOG_ITSELF: Final = frozenset({PRESENT_VALUE, LOG_BUFFER})


class Log(NamedTuple):
    """A trend log, and what it records if that is a property of the same device."""

    object_id: int
    records: Reference | None


async def find_logs(
    targets: Sequence[Resolved], reader: Reader, device: Device
) -> list[Log | Failure]:
    """The trend log of each target, or why there is none.

    The device's logs are looked through only when a target is no log itself.
    """
    named = {one.object_id for one in targets if isinstance(one, Reference) and _is_log(one)}
    if any(isinstance(one, Reference) and not _is_log(one) for one in targets):
        objects = await list_objects(reader, device)
        named |= {one for one in objects if Reference(one).object_type == TREND_LOG}
    await _learn(named - device.logs.keys(), reader, device)
    return [_find(one, device.logs) for one in targets]


def _is_log(target: Reference) -> bool:
    return target.object_type == TREND_LOG and target.property_id in _LOG_ITSELF


def _find(target: Resolved, logs: Mapping[int, Reference | Failure | None]) -> Log | Failure:
    if isinstance(target, Failure):
        return target
    if _is_log(target):
        records = logs[target.object_id]
        if not isinstance(records, Failure):
            return Log(target.object_id, records)
        unknown = records.status == "unknown-object"
        return records._replace(text=f"{UNKNOWN_TAG}: {records.text}") if unknown else records
    found = sorted(log for log, records in logs.items() if records == target)
    if len(found) == 1:
        return Log(found[0], target)
    if not found:
        return Failure(None, f"no trend log of the device records {target}")
    names = ", ".join(object_name(log) for log in found)
    return Failure(None, f"several trend logs record {target}; name one of them: {names}")


async def _learn(logs: Iterable[int], reader: Reader, device: Device) -> None:
    wanted = [Reference(log, LOGGED_PROPERTY) for log in sorted(logs)]
    results = await reader.read(wanted) if wanted else {}
    for one in wanted:
        device.logs[one.object_id] = _logged(results[one], device)


def _logged(result: Result, device: Device) -> Reference | Failure | None:
    """What a log records; None for something of another device, or that cannot be told."""
    if isinstance(result, Failure):
        return result if result.status == "unknown-object" else None
    if result.data_type != "Constructed":
        return None
    try:
        return _reference(bytes.fromhex((result.text or "").removeprefix("0x")), device)
    except BrokenAnswerError:
        return None


def _reference(content: bytes, device: Device) -> Reference | None:
    object_id, at = _object(content, 0, 0)
    property_id, at = expect_unsigned(content, at, 1)
    index = None
    if is_tag(content, at, 2, CONTEXT):
        index, at = expect_unsigned(content, at, 2)
    if is_tag(content, at, 3, CONTEXT):
        owner, at = _object(content, at, 3)
        if owner != device.object_id:
            return None
    return Reference(object_id, property_id, index)


def _object(content: bytes, at: int, number: int) -> tuple[int, int]:
    tag = expect(content, at, number, CONTEXT)
    if tag.size != 4:
        raise BrokenAnswerError("an object identifier has a wrong size")
    return int.from_bytes(content[tag.start : tag.end]), tag.end
