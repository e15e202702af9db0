"""The records of a trend log."""

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


class Record(NamedTuple):
    """One record: the device's wall clock (None where it tells none), and what it holds.

    ``event`` says what happened to the log, and then there is no value; ``flags`` are the status
    flags of the value, where it has them.
    """

    moment: datetime | None
    value: Value | Failure | None
    event: str | None = None
    flags: Value | None = None


def read_records(data: bytes, count: int) -> list[Record]:
    """All the records in ``data``. Raises BrokenAnswerError unless there are ``count``."""
    records: list[Record] = []
    at = 0
    while at < len(data):
        record, at = _read_record(data, at)
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
    if tag.form == OPENING and tag.number == _FAILURE:
        failure, at = read_error(data, tag.start)
        return failure, None, expect(data, at, _FAILURE, CLOSING).start
    if tag.form == OPENING and tag.number == _ANY:
        value, at = read_value(data, tag.start, _ANY)
        return value, None, at
    if tag.form != CONTEXT:
        raise BrokenAnswerError("a log record holds no datum")
    content = data[tag.start : tag.end]
    if tag.number == _STATUS:
        bits = bit_string(content)
        words = [name for name, bit in zip(_LOG_STATUS, bits, strict=False) if bit]
        return None, ",".join(words) or "log-enabled", tag.end
    if tag.number == _TIME_CHANGE:
        seconds = _as_application(data, tag, 4).number
        return None, f"time-change ({seconds} s)", tag.end
    if tag.number == _BOOLEAN:
        if len(content) != 1:
            raise BrokenAnswerError(f"a boolean has {len(content)} bytes")
        return Value("Boolean", float(content[0] != 0)), None, tag.end
    if tag.number not in _TYPES:
        raise BrokenAnswerError(f"there is no log datum {tag.number}")
    return _as_application(data, tag, _TYPES[tag.number]), None, tag.end


def _as_application(data: bytes, tag: Tag, number: int) -> Value:
    return primitive(data, tag._replace(number=number, form=APPLICATION))
