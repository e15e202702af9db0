"""Tags and samples of the Proficy emulator: values are text, times have milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from . import historian_series as series
from .historian_tags import MINUTE, SECOND, Event, State, Tag, catalogue, every
from .pi_times import text_of

MILLISECOND = SECOND // 1000
BAD, UNCERTAIN, NOT_AVAILABLE, GOOD = 0, 1, 2, 3
_TYPES = {
    "Float64": "DoubleFloat",
    "Float32": "Float",
    "Int32": "Integer",
    "String": "VariableString",
    "Digital": "Integer",
    "Timestamp": "Time",
}
# The types in the vendor's order; the number in ``tagslist`` is the place counted from 1.
DATA_TYPES = (
    "Scaled", "Float", "DoubleFloat", "Integer", "DoubleInteger", "FixedString", "VariableString",
    "Blob", "Time", "Int64", "UInt64", "UInt32", "UInt16", "Byte", "Bool", "MultiField", "Array",
)  # fmt: skip
_TYPED_VALUES: dict[str, tuple[str, str, str]] = {
    "Scaled": ("0", "12.5", "99.99"),
    "Float": ("0.1", "-3.4028235E+38", "1E-05"),
    "DoubleFloat": ("0.30000000000000004", "-1.7976931348623157E+308", "5E-324"),
    "Integer": ("-32768", "32767", "0"),
    "DoubleInteger": ("-2147483648", "2147483647", "0"),
    "FixedString": ("fixed   ", "", "007"),
    "VariableString": ("Zähler", "1e5", "null"),
    "Blob": ("AAEC/v8=", "", "Zm9v"),
    "Time": ("2024-02-29T23:59:59.999Z", "1970-01-01T00:00:00.000Z", "2025-06-15T12:00:00.000Z"),
    "Int64": ("-9223372036854775808", "9223372036854775807", "9007199254740993"),
    "UInt64": ("18446744073709551615", "9007199254740993", "0"),
    "UInt32": ("4294967295", "0", "1"),
    "UInt16": ("65535", "0", "1"),
    "Byte": ("255", "0", "1"),
    "Bool": ("True", "False", "True"),
    "MultiField": ('{"Level":1.5,"State":"on"}', '{"Level":null,"State":""}', "{}"),
    "Array": ("[1.5,2.5]", "[]", "[-1]"),
}


class Sample(NamedTuple):
    """One sample as it is answered."""

    ticks: int
    value: str
    quality: int

    def body(self) -> dict[str, Any]:
        """The sample's JSON object."""
        return {"TimeStamp": time_text(self.ticks), "Value": self.value, "Quality": self.quality}


def time_text(ticks: int) -> str:
    """ISO UTC with always three digits; finer parts are cut off."""
    return f"{text_of(ticks // SECOND * SECOND)[:-1]}.{ticks % SECOND // MILLISECOND:03d}Z"


def quality_of(event: Event) -> int:
    """The quality number of an event."""
    if not event.good:
        return NOT_AVAILABLE if event.error else BAD
    return UNCERTAIN if event.questionable or event.substituted else GOOD


def value_text(value: object) -> str:
    """A value as text; a system state is a number that looks like a measurement."""
    if isinstance(value, State):
        return str(value.code)
    return "0" if value is None else repr(value) if isinstance(value, float) else str(value)


def _typed(data_type: str) -> Tag:
    texts = _TYPED_VALUES[data_type]
    return Tag(
        f"Type.{data_type}",
        300,
        every(MINUTE),
        lambda ticks, index, _: Event(ticks, texts[index % 3]),
        point_type=data_type,
        step=True,
    )


def tags(bulk: int) -> dict[str, Tag]:
    """All tags: the common ones and one for each data type."""
    return {**catalogue(bulk), **{f"Type.{name}": _typed(name) for name in DATA_TYPES}}


def data_type(tag: Tag) -> str:
    """The name of a tag's data type."""
    return _TYPES.get(tag.point_type, tag.point_type)


def sample(event: Event) -> Sample:
    """An event as a sample, its time cut to the millisecond."""
    ticks = event.ticks // MILLISECOND * MILLISECOND
    return Sample(ticks, value_text(event.value), quality_of(event))


def raw(tag: Tag, start: int, end: int, *, open_start: bool) -> Iterator[Sample]:
    """Samples by time, oldest first; without one exactly at the start when ``open_start``."""
    for event in tag.forward(start, end + MILLISECOND - 1):
        found = sample(event)
        if found.ticks <= end and not (open_start and found.ticks == start):
            yield found


def raw_backward(tag: Tag, newest: int, oldest: int) -> Iterator[Sample]:
    """Samples newest first."""
    return (sample(event) for event in tag.backward(newest, oldest))


def interpolated(tag: Tag, times: list[int]) -> Iterator[Sample]:
    """Interpolated samples at the times."""
    return (sample(series.at(tag, moment)) for moment in times)


# --- calculations ------------------------------------------------------------------------

_WEIGHTED = {1: "Average", 2: "StdDev", 3: "Total", 4: "Minimum", 5: "Maximum"}
_RAW = {6: "Count", 7: "Average", 8: "StdDev", 9: "Total"}
CALCULATIONS = {*_WEIGHTED, *_RAW, 10, 11, 12, 17, 18, 19, 20}


def calculated(tag: Tag, start: int, end: int, mode: int, stamp: int) -> Sample:
    """One calculation over an interval that holds its end and not its start."""
    weighted = series.time_weighted(tag, start, end)
    share = weighted["PercentGood"][1]
    found = _result(tag, start, end, mode, weighted)
    if found is None:
        return Sample(stamp, "0", BAD)
    return Sample(stamp, found, GOOD if share == 100 else UNCERTAIN)


def _result(
    tag: Tag, start: int, end: int, mode: int, weighted: dict[str, tuple[int, float]]
) -> str | None:
    if mode in _WEIGHTED:
        found = weighted.get(_WEIGHTED[mode])
        return None if found is None else repr(found[1])
    if mode in _RAW:
        counted = series.event_weighted(tag, start + 1, end, closed=True)
        found = counted.get(_RAW[mode])
        return None if found is None else repr(found[1])
    if mode in {10, 11}:
        found = weighted.get("Minimum" if mode == 10 else "Maximum")
        return None if found is None else time_text(found[0])
    if mode == 12:
        return repr(weighted["Count"][1] * 1000)
    events = [event for event in tag.forward(start + 1, end) if event.good]
    if not events:
        return None
    event = events[0] if mode in {17, 18} else events[-1]
    return value_text(event.value) if mode in {17, 19} else time_text(event.ticks)


def statistics(tag: Tag, start: int, end: int) -> dict[str, Any]:
    """What a trend adds to its samples."""
    known = series.time_weighted(tag, start, end)
    names = ("Minimum", "Maximum", "Average", "Total", "StdDev")
    return {name: repr(known[name][1]) if name in known else None for name in names}


def trend(tag: Tag, times: list[tuple[int, int]]) -> Iterator[Sample]:
    """The lowest and the highest of each interval, at their own times."""
    for start, end in times:
        known = series.time_weighted(tag, start, end)
        if "Minimum" not in known:
            yield Sample(start, "0", BAD)
            continue
        pair = sorted(known[name] for name in ("Minimum", "Maximum"))
        yield from (Sample(ticks, repr(value), GOOD) for ticks, value in pair)


def properties(number: int, tag: Tag) -> dict[str, Any]:
    """What the tag list and the properties call say about a tag."""
    name = data_type(tag)
    return {
        "Tagid": f"{number:08d}-0000-0000-0000-000000000000",
        "Tagname": tag.name,
        "Description": tag.descriptor,
        "DataType": DATA_TYPES.index(name) + 1,
        "CollectorName": "SIM",
        "CollectorType": 2,
        "DataStoreName": "User",
        "EngineeringUnits": tag.unit,
        "Comment": "",
        "SourceAddress": f"ns=2;s={tag.name}",
        "EnumeratedSetName": f"{tag.name}Set" if tag.states else "",
        "UserDefinedTypeName": "Tank" if name == "MultiField" else "",
        "CalcType": 0,
        "IsStale": False,
        "NumberOfElements": 2 if name == "Array" else 0,
        "LastModified": "2025-01-01T00:00:00.000Z",
    }
