"""What was read of a data system: texts of numbers and flags, by column."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.schema import TIMESTAMP
from greenlang_data.drivers.standard_time import standard_offset
from greenlang_data.errors import ProtocolError
from greenlang_data.settings.dahs import DahsSettings

_LAST_ROLLED: Final = 3  # the 31st of February becomes the 3rd of March


@dataclass(frozen=True, slots=True)
class RawRecords:
    """``moments`` are as written, without a zone (ns); ``columns`` are numbers or texts."""

    moments: pa.Array
    columns: dict[str, pa.Array]
    where: str


def moments_of(texts: pa.Array, written: str) -> pa.Array:
    """Times as written (ns), from texts of a form of strptime's.

    Raises ValueError for a text that is no such time, also for a day that its month does not have:
    Arrow itself takes the 31st of February for a day of March.
    """
    moments = pc.strptime(texts, format=written, unit="s")
    early = pc.less_equal(pc.day(moments), _LAST_ROLLED)
    changed = pc.not_equal(pc.strftime(moments, format=written), texts)
    for row in np.flatnonzero(np.asarray(pc.and_(early, changed).fill_null(False))):
        if _strictly(text := texts[row].as_py(), written) != moments[row].as_py():
            raise ValueError(f"{text!r} is no time like {written!r}")
    return moments.cast(pa.timestamp("ns"))


def _strictly(text: str, written: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip(), written)  # noqa: DTZ007 - as it is written
    except ValueError:
        return None


def in_utc(records: RawRecords, settings: DahsSettings, source: str) -> pa.Array:
    """The times as instants.

    Raises ProtocolError for a wall-clock time that a change of the clocks skips or repeats: which
    of the two it was nobody can tell.
    """
    zone = str(settings.time_zone)
    if settings.standard_time:
        return _standard(records.moments, ZoneInfo(zone))
    try:
        aware = pc.assume_timezone(records.moments, zone, ambiguous="raise", nonexistent="raise")
    except pa.ArrowInvalid as error:
        raise ProtocolError(
            f"{records.where} has a time that {zone} skips or repeats: {str(error)[:100]}",
            source=source,
            remedy="Set standard_time if its clock has no summer time, or export in UTC.",
        ) from None
    return aware.cast(TIMESTAMP)


def _standard(moments: pa.Array, zone: ZoneInfo) -> pa.Array:
    local = np.asarray(moments.cast(pa.int64()))
    years = local.astype("datetime64[ns]").astype("datetime64[Y]").astype(int) + 1970
    offsets = np.zeros(len(local), np.int64)
    for year in np.unique(years):
        seconds = standard_offset(zone, int(year)).total_seconds()
        offsets[years == year] = int(seconds) * 1_000_000_000
    return pa.array(local - offsets).cast(TIMESTAMP)
