"""The records of trend logs, of one value or of several."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from greenlang_data.drivers.bacnet.services import read_error
from greenlang_data.drivers.bacnet.tags import (
    APPLICATION,
    CLOSING,
    CONTEXT,
    OPENING,
    BrokenAnswerError,
    Tag,
    expect,
    is_tag,
    read_tag,
)
from greenlang_data.drivers.bacnet.values import (
    Failure,
    Value,
    bit_string,
    primitive,
    read_date,
    read_time,
    read_value,
)

_LOG_STATUS: Final = ("log-disabled", "buffer-purged", "log-interrupted")
# Context tags of a datum and the application types with the same content.
_TYPES: Final = {2: 4, 3: 9, 4: 2, 5: 3, 6: 8, 7: 0}
_STATUS, _BOOLEAN, _FAILURE, _TIME_CHANGE, _ANY = 0, 1, 8, 9, 10
# In a log of several: context tags of the data, and of a member, and what they are in a log of one.
_MEMBERS: Final = 1
_SEVERAL_EVENTS: Final = {0: _STATUS, 2: _TIME_CHANGE}
_MEMBER_DATUMS: Final = {0: _BOOLEAN, 1: 2, 2: 3, 3: 4, 4: 5, 5: 6, 6: 7, 7: _FAILURE, 8: _ANY}


class Record(NamedTuple):
    """One record: the device's wall clock (None where it tells none), and what it holds.

    ``event`` says what happened to the log, and then there is no value; ``flags`` are the status
    flags of the value, where it has them. A record of a log of several has ``members`` in place of
    a value.
    """

    moment: datetime | None
    value: Value | Failure | None
    event: str | None = None
    flags: Value | None = None
    members: tuple[Value | Failure, ...] = ()


def read_records(data: bytes, count: int, *, several: bool = False) -> list[Record]:
    """All the records in ``data``; those of a log of ``several`` have members.

    Raises BrokenAnswerError unless there are ``count``.
    """
    records: list[Record] = []
    read, at = _read_record_of_several if several else _read_record, 0
    while at < len(data):
        record, at = read(data, at)
        records.append(record)
    if len(records) != count:
        raise BrokenAnswerError(f"{len(records)} records came where it says {count}")
    return records


def _read_record(data: bytes, at: int) -> tuple[Record, int]:
    moment, at = _read_moment(data, at)
    tag = expect(data, at, 1, OPENING)
    datum = read_tag(data, tag.start)
    value, event, at = _read_datum(data, datum)
    at = expect(data, at, 1, CLOSING).start
    flags = None
    if is_tag(data, at, 2, CONTEXT):
        tag = read_tag(data, at)
        bit_string(data[tag.start : tag.end])
        flags, at = _as_application(data, tag, 8), tag.end
    return Record(moment, value, event, flags), at


def _read_record_of_several(data: bytes, at: int) -> tuple[Record, int]:
    moment, at = _read_moment(data, at)
    at = expect(data, at, 1, OPENING).start
    tag = read_tag(data, at)
    event: str | None = None
    members: list[Value | Failure] = []
    if tag.form == OPENING and tag.number == _MEMBERS:
        at = tag.start
        while not is_tag(data, at, _MEMBERS, CLOSING):
            tag = read_tag(data, at)
            # The same choices as in a log of one, but for what happened to it.
            value, at = _read_value(data, tag, _MEMBER_DATUMS.get(tag.number))
            members.append(value)
        at = read_tag(data, at).start
    elif tag.form == CONTEXT and tag.number in _SEVERAL_EVENTS:
        event, at = _read_event(data, tag, _SEVERAL_EVENTS[tag.number]), tag.end
    else:
        raise BrokenAnswerError("a log record holds no data")
    at = expect(data, at, 1, CLOSING).start
    return Record(moment, None, event, members=tuple(members)), at


def _read_moment(data: bytes, at: int) -> tuple[datetime | None, int]:
    day = expect(data, expect(data, at, 0, OPENING).start, 10, APPLICATION)
    clock = expect(data, day.end, 11, APPLICATION)
    at = expect(data, clock.end, 0, CLOSING).start
    date, time = read_date(data[day.start : day.end]), read_time(data[clock.start : clock.end])
    if date is None or time is None:
        return None, at
    return datetime.combine(date, time), at


def _read_datum(data: bytes, tag: Tag) -> tuple[Value | Failure | None, str | None, int]:
    """The value or event of a datum, and the place after it."""
    if tag.form == CONTEXT and tag.number in (_STATUS, _TIME_CHANGE):
        return None, _read_event(data, tag, tag.number), tag.end
    value, at = _read_value(data, tag, tag.number)
    return value, None, at


def _read_event(data: bytes, tag: Tag, datum: int) -> str:
    """What happened to the log."""
    if datum == _TIME_CHANGE:
        return f"time-change ({_as_application(data, tag, 4).number} s)"
    bits = bit_string(data[tag.start : tag.end])
    words = [name for name, bit in zip(_LOG_STATUS, bits, strict=False) if bit]
    return ",".join(words) or "log-enabled"


def _read_value(data: bytes, tag: Tag, datum: int | None) -> tuple[Value | Failure, int]:
    """The value with ``tag``, which stands for the ``datum`` of a log of one."""
    if tag.form == OPENING and datum == _FAILURE:
        failure, at = read_error(data, tag.start)
        return failure, expect(data, at, tag.number, CLOSING).start
    if tag.form == OPENING and datum == _ANY:
        return read_value(data, tag.start, tag.number)
    if tag.form != CONTEXT:
        raise BrokenAnswerError("a log record holds no datum")
    if datum == _BOOLEAN:
        content = data[tag.start : tag.end]
        if len(content) != 1:
            raise BrokenAnswerError(f"a boolean has {len(content)} bytes")
        return Value("Boolean", float(content[0] != 0)), tag.end
    kind = None if datum is None else _TYPES.get(datum)
    if kind is None:
        raise BrokenAnswerError(f"there is no log datum {tag.number}")
    return _as_application(data, tag, kind), tag.end


def _as_application(data: bytes, tag: Tag, number: int) -> Value:
    return primitive(data, tag._replace(number=number, form=APPLICATION))
