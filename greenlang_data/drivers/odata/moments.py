"""Dates and times, from every way in which the two versions of OData write them.

An initial date of ABAP, ``0000-00-00``, is no date and becomes null.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.http.cells import text_bytes
from greenlang_data.drivers.http.jsons import UnheldError

INSTANT: Final = pa.timestamp("us", tz="UTC")
WALL_CLOCK: Final = pa.timestamp("us")
TIME: Final = pa.time64("ns")

_INITIAL: Final = "0000-00-00"
_MOST_PLAIN: Final = 15  # digits of milliseconds, the sign included
_EPOCH_FORM: Final = r"^/Date\((?P<ms>-?\d{1,15})(?P<offset>[+-]\d{1,4})?\)/$"
_DURATION_FORM: Final = (
    r"^PT(?:(?P<h>\d{1,2})H)?(?:(?P<m>\d{1,2})M)?(?:(?P<s>\d{1,2})(?:\.(?P<f>\d{1,12}))?S)?$"
)
_ENDING_ZEROS: Final = r"(\.\d{6})0+(Z|[+-]|$)"
_FINE: Final = r"(\.\d{6})\d+"
_CLOCK_FORM: Final = r"^(?P<h>\d{2}):(?P<m>\d{2})(?::(?P<s>\d{2})(?:\.(?P<f>\d{1,12}))?)?$"


def date_array(values: Sequence[str | None]) -> pa.Array:
    """Calendar dates, of ``2024-01-31`` or the midnight of a V2 ``Edm.DateTime``.

    Raises ValueError for anything else, also for a time of day that is not midnight.
    """
    texts = _texts(values)
    moments = _plain_epochs(texts)
    if moments is None:
        try:
            return texts.cast(pa.date32())
        except pa.ArrowInvalid:
            moments = wall_clock_array(texts)
    days = moments.cast(pa.date32(), safe=False)
    if not pc.all(pc.equal(days.cast(WALL_CLOCK), moments), min_count=0).as_py():
        raise ValueError("a calendar date has a time of day")
    return days


def wall_clock_array(values: Sequence[str | None]) -> pa.Array:
    """Times without a zone: ``/Date(ms)/`` or ISO 8601 without one.

    Raises ValueError for anything else. In microseconds, or nanoseconds where the source is finer.
    """
    texts = _texts(values)
    plain = _plain_epochs(texts)
    if plain is not None:
        return plain
    epochs = _epochs(texts)
    if epochs is not None:
        if any(epochs.field("offset").to_pylist()):
            raise ValueError("a time without a zone has an offset")
        return _milliseconds(epochs).cast(WALL_CLOCK)
    return _iso(texts, None)


def instant_array(values: Sequence[str | None]) -> pa.Array:
    """Instants in UTC: ``/Date(ms+minutes)/``, whose ``ms`` are UTC, or ISO 8601 with an offset.

    Raises ValueError for anything else. In microseconds, or nanoseconds where the source is finer.
    """
    texts = _texts(values)
    plain = _plain_epochs(texts)
    if plain is not None:
        return plain.cast(INSTANT)
    epochs = _epochs(texts)
    if epochs is not None:
        return _milliseconds(epochs).cast(WALL_CLOCK).cast(INSTANT)
    return _iso(texts, "UTC")


def time_array(values: Sequence[str | None]) -> pa.Array:
    """Times of day: ``PT13H20M00S`` or ``13:20:00.1234567``. Raises ValueError for anything else."""
    texts = pa.array(values, pa.string())
    parts = pc.extract_regex(texts, _CLOCK_FORM)
    if parts.null_count != texts.null_count:
        parts = pc.extract_regex(texts, _DURATION_FORM)
    if parts.null_count != texts.null_count or pc.any(pc.equal(texts, "PT")).as_py():
        raise ValueError("a time of day is none")
    hours, minutes, seconds = (_number(parts.field(name)) for name in "hms")
    fraction = pc.utf8_rpad(parts.field("f"), 9, "0")
    if pc.any(pc.match_substring_regex(fraction, "^.{9}.*[1-9]")).as_py():
        raise ValueError("a time of day is finer than a nanosecond")
    nanoseconds = _number(pc.utf8_slice_codeunits(fraction, 0, 9))
    total = pc.add(pc.multiply(pc.add(pc.multiply(hours, 60), minutes), 60), seconds)
    total = pc.add(pc.multiply(total, 1_000_000_000), nanoseconds)
    fits = pc.and_(pc.less(minutes, 60), pc.less(seconds, 60))
    if not pc.all(pc.and_(fits, pc.less(hours, 24)), min_count=0).as_py():
        raise ValueError("a time of day is none")
    masked = pc.if_else(pc.is_valid(texts), total, pa.scalar(None, pa.int64()))
    return masked.cast(TIME)


def _texts(values: Sequence[str | None]) -> pa.Array:
    texts = pa.array(values, pa.string())
    initial = pc.starts_with(texts, _INITIAL)
    if pc.any(initial).as_py():
        texts = pc.if_else(initial, pa.scalar(None, pa.string()), texts)
    return texts


def _plain_epochs(texts: pa.Array) -> pa.Array | None:
    """The times of ``/Date(ms)/`` without offsets, in a tenth of the time; None for any others."""
    framed = pc.and_(pc.starts_with(texts, "/Date("), pc.ends_with(texts, ")/"))
    if pc.all(framed).as_py() is not True:
        return None
    digits = pc.binary_slice(texts.cast(pa.binary()), 6, -2).cast(pa.string())
    plain = not text_bytes(digits).translate(None, b"-0123456789")
    if not plain or pc.max(pc.binary_length(digits)).as_py() > _MOST_PLAIN:
        return None
    try:
        return digits.cast(pa.int64()).cast(pa.timestamp("ms")).cast(WALL_CLOCK)
    except pa.ArrowInvalid:
        return None


def _epochs(texts: pa.Array) -> pa.StructArray | None:
    """The parts of ``/Date(…)/``, or None where the texts are something else."""
    parts = pc.extract_regex(texts, _EPOCH_FORM)
    return parts if parts.null_count == texts.null_count else None


def _milliseconds(epochs: pa.StructArray) -> pa.Array:
    known = pc.if_else(pc.is_valid(epochs), pc.struct_field(epochs, "ms"), None)
    return known.cast(pa.int64()).cast(pa.timestamp("ms"))


def _iso(texts: pa.Array, zone: str | None) -> pa.Array:
    for unit in ("us", "ns"):
        try:
            return texts.cast(pa.timestamp(unit, tz=zone))
        except pa.ArrowInvalid as error:
            problem = error
    # Arrow takes no seventh digit for microseconds, whatever it is; SAP's times have one.
    shorter = pc.replace_substring_regex(texts, _ENDING_ZEROS, r"\1\2")
    try:
        return shorter.cast(pa.timestamp("us", tz=zone))
    except pa.ArrowInvalid:
        _check_reach(shorter, zone)
    raise ValueError(f"a time stamp is none: {str(problem)[:100]}")


def no_unit(text: str) -> UnheldError:
    """The error for times that no one unit of time stamps holds exactly."""
    return UnheldError(
        f"{text} is too fine for microseconds, beside or at a time too far for nanoseconds",
        "Leave the column out with fields=, or read it as it is written: have the set under "
        "entities, with types that say text for the column.",
    )


def _check_reach(texts: pa.Array, zone: str | None) -> None:
    """Raise ValueError for times of which some are too fine, and some too far, for the same unit."""
    fine = texts.filter(pc.match_substring_regex(texts, _FINE))
    cut = pc.replace_substring_regex(texts, _FINE, r"\1")
    try:
        cut.cast(pa.timestamp("us", tz=zone))
    except pa.ArrowInvalid:
        return  # it is no time at all
    if len(fine):
        raise no_unit(str(fine[-1]))


def _number(texts: pa.Array) -> pa.Array:
    """Digits as numbers, where none are zero."""
    empty = pc.or_(pc.is_null(texts), pc.equal(texts, ""))
    return pc.if_else(empty, "0", texts).cast(pa.int64())
