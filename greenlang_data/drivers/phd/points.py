"""What an OIBus agent answers to a read: points with texts for values and OPC's quality.

The agent writes a value as .NET does (``73``, ``-3.5``, ``1E-07``), whatever its type was; so a
number is what reads as .NET would have written it, and ``007`` or ``1.50`` stay texts. A quality
(``0x400C0``) has the quality of OPC DA in its lowest byte and the flags of OPC HDA above it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from greenlang_data.drivers.http.jsons import json_decoder
from greenlang_data.drivers.http.stamps import read_stamps
from greenlang_data.drivers.phd.samples import Samples
from greenlang_data.drivers.schema import BAD, GOOD, UNCERTAIN

_NUMBER: Final = r"^-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?(E[+-][0-9]{2,3})?$"
_BEYOND_EXACT: Final = 2.0**53  # which two integers are read as
_NO_NUMBERS: Final = pa.array(["NaN", "Infinity", "-Infinity"])
_ARRAY: Final = r"^[A-Z][A-Za-z0-9.]*\[\]$"
NOT_TOLD: Final = -1

# OPC DA, by the lowest byte without the bits that tell of limits.
_DA: Final = {
    0x00: "Bad",
    0x04: "ConfigError",
    0x08: "NotConnected",
    0x0C: "DeviceFailure",
    0x10: "SensorFailure",
    0x14: "LastKnown",
    0x18: "CommFailure",
    0x1C: "OutOfService",
    0x20: "WaitingForInitialData",
    0x40: "Uncertain",
    0x44: "LastUsable",
    0x50: "SensorNotAccurate",
    0x54: "UnitsExceeded",
    0x58: "SubNormal",
    0xC0: "Good",
    0xD8: "LocalOverride",
}
_DA_QUALITIES: Final = {0x00: BAD, 0x40: UNCERTAIN, 0xC0: GOOD}
# OPC HDA, and the best that a sample with it can be.
_HDA: Final = {
    0x0001_0000: ("ExtraData", GOOD),
    0x0002_0000: ("Interpolated", GOOD),
    0x0004_0000: ("Raw", GOOD),
    0x0008_0000: ("Calculated", GOOD),
    0x0010_0000: ("NoBound", BAD),
    0x0020_0000: ("NoData", BAD),
    0x0040_0000: ("DataLost", UNCERTAIN),
    0x0080_0000: ("Conversion", BAD),
    0x0100_0000: ("Partial", UNCERTAIN),
}


class _Data(Struct, gc=False):
    value: str | float | int | bool | None = None
    quality: str | None = None


class _Point(Struct, rename="camel", gc=False):
    point_id: str
    timestamp: str
    data: _Data


class _Answer(Struct, rename="camel"):
    record_count: int
    content: list[_Point]


class OpcSamples(Samples):
    """Samples whose ``levels`` are qualities of OPC, :data:`NOT_TOLD` where there was none."""

    def goes_back(self) -> bool:
        """Whether a sample is before the one that it follows."""
        return bool((self.times[1:] < self.times[:-1]).any())

    def doubled(self) -> list[int]:
        """The moments at which two samples are alike in value and quality, ascending."""
        order = np.argsort(self.times, kind="stable")
        times = self.times[order]
        same = times[1:] == times[:-1]
        if not same.any():
            return []
        crowded = np.concatenate([same, [False]]) | np.concatenate([[False], same])
        seen: set[tuple[object, ...]] = set()
        doubled: set[int] = set()
        for place in order[crowded].tolist():
            text = None if self.text is None else self.text[place].as_py()
            moment = int(self.times[place])
            sample = (moment, self.values[place].as_py(), text, int(self.levels[place]))
            if sample in seen:
                doubled.add(moment)
            seen.add(sample)
        return sorted(doubled)

    def _meaning(self, levels: np.ndarray, good: int) -> tuple[list[str], np.ndarray]:
        told = [_told(int(level)) for level in levels]
        return [words for words, _ in told], np.array([quality for _, quality in told], np.int8)


_answer = json_decoder(_Answer)


def decode(body: bytes | bytearray) -> dict[str, OpcSamples]:
    """The samples by item, in the order in which they came. Raises ValueError for what is none."""
    answer = _answer(body)
    if answer.record_count != len(answer.content):
        raise ValueError(f"it says {answer.record_count} records and has {len(answer.content)}")
    points: dict[str, list[_Point]] = defaultdict(list)
    for point in answer.content:
        points[point.point_id].append(point)
    return {tag: _samples(tag, those) for tag, those in points.items()}


def no_samples(tag: str) -> OpcSamples:
    """None, of an item that is there."""
    nothing = np.empty(0, np.int64)
    return OpcSamples(tag, nothing, pa.array([], pa.float64()), None, nothing)


def _samples(tag: str, points: Sequence[_Point]) -> OpcSamples:
    times = read_stamps([one.timestamp for one in points])
    told = [one.data.value for one in points]
    written = pa.array([v if type(v) is str else _written(v) for v in told], pa.string())
    if pc.any(pc.match_substring_regex(written, _ARRAY)).as_py():
        raise ValueError(f"{tag!r} has arrays, of which the agent tells the type and no value")
    qualities = [one.data.quality for one in points]
    level = {quality: _level(quality) for quality in set(qualities)}
    levels = np.array([level[quality] for quality in qualities], np.int64)
    values, text = _columns(written)
    return OpcSamples(tag, times, values, text, levels)


def _written(value: str | float | bool | None) -> str | None:
    """A value that did not come as text, as the agent would have written it."""
    if value is None:
        return None
    return str(value).replace("e", "E") if isinstance(value, float) else str(value)


def _columns(written: pa.StringArray) -> tuple[pa.Array, pa.Array | None]:
    """Numbers, and the texts of what no float64 holds, if there is any."""
    nothing = pa.scalar(None, pa.string())
    # Not a number is not a value; what was none stays none.
    written = pc.if_else(pc.is_in(written, _NO_NUMBERS), nothing, written)
    is_number = pc.match_substring_regex(written, _NUMBER)
    numbers = pc.cast(pc.if_else(is_number, written, nothing), pa.float64())
    inexact = pc.and_(
        pc.greater_equal(pc.abs(numbers), _BEYOND_EXACT),
        pc.match_substring_regex(written, "^-?[0-9]+$"),
    )
    fits = pc.and_(is_number, pc.invert(pc.fill_null(inexact, False)))
    text = pc.if_else(fits, nothing, written)
    values = pc.if_else(fits, numbers, pa.scalar(None, pa.float64()))
    return values, None if text.null_count == len(text) else text


def _level(quality: str | None) -> int:
    if quality is None:
        return NOT_TOLD
    level = int(quality, 16) if quality[:2] in ("0x", "0X") else -1
    if not 0 <= level < 2**32:
        raise ValueError(f"{quality[:40]!r} is no quality of OPC")
    return level


def _told(level: int) -> tuple[str, int]:
    """``Good|Raw``, and what that is worth."""
    if level == NOT_TOLD:
        return "QualityNotTold", UNCERTAIN
    low = level & 0xFC
    words = [_DA.get(low, f"0x{low:02X}")]
    quality = _DA_QUALITIES.get(low & 0xC0, UNCERTAIN)
    flags = level & ~0xFFFF
    for flag, (word, best) in _HDA.items():
        if flags & flag:
            words.append(word)
            quality = max(quality, best)
            flags &= ~flag
    if flags:
        words.append(f"0x{flags:X}")
        quality = max(quality, UNCERTAIN)
    return "|".join(words), quality
