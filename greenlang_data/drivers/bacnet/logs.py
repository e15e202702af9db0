"""Which trend log holds the history of a tag.

A trend log multiple (type 27) has several values in each record; its members are named
``trend-log-multiple,1.log-buffer[2]``, or by what they record.
"""

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
    TREND_LOG_MULTIPLE,
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
from greenlang_data.drivers.bacnet.values import Failure, Value
from greenlang_data.drivers.schema import UNKNOWN_TAG

_LOG_ITSELF: Final = frozenset({PRESENT_VALUE, LOG_BUFFER})
_LOGS: Final = frozenset({TREND_LOG, TREND_LOG_MULTIPLE})

Members = tuple[Reference | None, ...]


class Log(NamedTuple):
    """A trend log, and what it records if that is a property of the same device.

    ``member`` is the place of that among the values of each record of a log of several; None for
    a log of one.
    """

    object_id: int
    records: Reference | None
    member: int | None = None


async def find_logs(
    targets: Sequence[Resolved], reader: Reader, device: Device
) -> list[Log | Failure]:
    """The trend log of each target, or why there is none.

    The device's logs are looked through only when a target is no log itself.
    """
    named = {one.object_id for one in targets if isinstance(one, Reference) and _is_log(one)}
    if any(isinstance(one, Reference) and not _is_log(one) for one in targets):
        objects = await list_objects(reader, device)
        named |= {one for one in objects if Reference(one).object_type in _LOGS}
    await _learn(named - device.logs.keys(), reader, device)
    return [_find(one, device.logs) for one in targets]


async def learn_several(objects: Iterable[int], reader: Reader, device: Device) -> None:
    """Find out what those of ``objects`` record that are logs of several values."""
    several = {one for one in objects if Reference(one).object_type == TREND_LOG_MULTIPLE}
    await _learn(several - device.logs.keys(), reader, device)


def member_reference(log: int, member: int) -> Reference:
    """How the ``member`` of a log of several values, counted from 0, is named."""
    return Reference(log, LOG_BUFFER, member + 1)


def _is_log(target: Reference) -> bool:
    return target.object_type in _LOGS and target.property_id in _LOG_ITSELF


def _find(target: Resolved, logs: Mapping[int, Members | Failure]) -> Log | Failure:
    if isinstance(target, Failure):
        return target
    if _is_log(target):
        return _named(target, logs[target.object_id])
    found = [
        Log(log, target, place if Reference(log).object_type == TREND_LOG_MULTIPLE else None)
        for log, members in sorted(logs.items())
        if not isinstance(members, Failure)
        for place, records in enumerate(members)
        if records == target
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        return Failure(None, f"no trend log of the device records {target}")
    names = ", ".join(_name(one) for one in found)
    return Failure(None, f"several trend logs record {target}; name one of them: {names}")


def _named(target: Reference, members: Members | Failure) -> Log | Failure:
    """The log that is named itself, or the member of it."""
    if isinstance(members, Failure):
        unknown = members.status == "unknown-object"
        return members._replace(text=f"{UNKNOWN_TAG}: {members.text}") if unknown else members
    log, index = target.object_id, target.array_index
    if target.object_type == TREND_LOG:
        return Log(log, members[0])
    if index is None and len(members) == 1:
        index = 1
    if index is not None and 1 <= index <= len(members):
        return Log(log, members[index - 1], index - 1)
    names = ", ".join(
        f"{member_reference(log, place)} ({records or 'of another device'})"
        for place, records in enumerate(members)
    )
    return Failure(None, f"{object_name(log)} records {len(members)} values: {names or 'none'}")


def _name(log: Log) -> str:
    if log.member is None:
        return object_name(log.object_id)
    return str(member_reference(log.object_id, log.member))


async def _learn(logs: Iterable[int], reader: Reader, device: Device) -> None:
    wanted = [Reference(log, LOGGED_PROPERTY) for log in sorted(logs)]
    results = await reader.read(wanted) if wanted else {}
    for one in wanted:
        logged = _logged if one.object_type == TREND_LOG else _logged_of_several
        device.logs[one.object_id] = logged(results[one], device)


def _logged(result: Result, device: Device) -> Members | Failure:
    """What a log records; None for something of another device, or that cannot be told."""
    if isinstance(result, Failure):
        return result if result.status == "unknown-object" else (None,)
    if result.data_type != "Constructed":
        return (None,)
    try:
        return (_reference(_content(result), 0, device)[0],)
    except BrokenAnswerError:
        return (None,)


def _logged_of_several(result: Result, device: Device) -> Members | Failure:
    """What each member is; a Failure where that cannot be told, for then none has a place."""
    if isinstance(result, Failure):
        return result
    if result.data_type != "Constructed":
        return Failure(None, f"what it records cannot be read: it is a {result.data_type}")
    content, at = _content(result), 0
    members: list[Reference | None] = []
    try:
        while at < len(content):
            member, at = _reference(content, at, device)
            members.append(member)
    except BrokenAnswerError as broken:
        return Failure(None, f"what it records cannot be read: {broken}")
    return tuple(members)


def _content(result: Value) -> bytes:
    return bytes.fromhex((result.text or "").removeprefix("0x"))


def _reference(content: bytes, at: int, device: Device) -> tuple[Reference | None, int]:
    """A DeviceObjectPropertyReference, and the place after it."""
    object_id, at = _object(content, at, 0)
    property_id, at = expect_unsigned(content, at, 1)
    index = None
    if is_tag(content, at, 2, CONTEXT):
        index, at = expect_unsigned(content, at, 2)
    if is_tag(content, at, 3, CONTEXT):
        owner, at = _object(content, at, 3)
        if owner != device.object_id:
            return None, at
    return Reference(object_id, property_id, index), at


def _object(content: bytes, at: int, number: int) -> tuple[int, int]:
    tag = expect(content, at, number, CONTEXT)
    if tag.size != 4:
        raise BrokenAnswerError("an object identifier has a wrong size")
    return int.from_bytes(content[tag.start : tag.end]), tag.end
