"""A date and a time on a plant's clock, put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.cmms.columns import Moments
from greenlang_data.drivers.cmms.entities import Kind

_NAIVE: Final = pa.timestamp("us")
ZoneOf = Callable[[str | None], str | None]


def on_clock(
    days: pa.Array, times: pa.Array, sites: pa.Array, zone_of: ZoneOf, log: ReadLog
) -> Moments:
    """Instants of ``days`` (date32) and ``times`` (time64) at ``sites``.

    Without a time, or where the site's zone is not known, they stay calendar dates. In an hour
    that the clocks repeat or skip they are null, with a warning.
    """
    micros = pc.divide(times.cast(pa.time64("ns")).cast(pa.int64()), 1000)
    naive = pc.add(days.cast(_NAIVE), micros.cast(pa.duration("us")))
    timed = pc.is_valid(naive)
    instants = pa.nulls(len(days), Kind.INSTANT.value)
    for site in pc.unique(sites).to_pylist():
        zone = zone_of(site)
        here = pc.is_null(sites) if site is None else pc.equal(sites, site).fill_null(False)
        if zone is not None:
            instants = pc.if_else(here, _in_utc(naive, zone, here, log), instants)
        elif pc.any(pc.and_(here, timed)).as_py():
            log.note(f"times at site {site} are dates only, as its time zone is not known")
            timed = pc.and_(timed, pc.invert(here))
    are_dates = pc.and_(pc.is_valid(days), pc.invert(timed))
    midnights = days.cast(_NAIVE).cast(Kind.INSTANT.value)
    instants = pc.if_else(are_dates, midnights, instants)
    return Moments(instants, pc.if_else(pc.is_valid(instants), are_dates, None))


def parted(moments: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """Days and times of day of timestamps without a zone; no times where all are midnights."""
    moments = moments.cast(_NAIVE)
    days = moments.cast(pa.date32(), safe=False)
    times = pc.subtract(moments, days.cast(_NAIVE)).cast(pa.int64())
    if not pc.any(pc.not_equal(times, 0)).as_py():
        return days, None
    return days, times.cast(pa.time64("us"))


def _in_utc(naive: pa.Array, zone: str, here: pa.Array, log: ReadLog) -> pa.Array:
    early, late = (
        pc.assume_timezone(naive, zone, ambiguous=choice, nonexistent=choice).cast(
            Kind.INSTANT.value
        )
        for choice in ("earliest", "latest")
    )
    clear = pc.equal(early, late)
    if pc.any(pc.and_kleene(here, pc.invert(clear))).as_py():
        log.caution(
            "times in an hour that a change of the clocks repeats or skips have no one meaning "
            "without an offset, and were left empty"
        )
    return pc.if_else(clear, early, None)
