"""The wall clock of a device without a zone, turned into UTC without guessing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

_MARGIN = timedelta(hours=3)


class ClockError(Exception):
    """The time of a record cannot be told; says why, and what to do."""


def around(moment: datetime, zone: tzinfo, *, before: bool) -> datetime:
    """A wall-clock time that is surely not after (or not before) the UTC ``moment``.

    It is the time itself, unless the clocks change within three hours.
    """
    local = moment.astimezone(zone)
    changes = (local - _MARGIN).utcoffset() != (local + _MARGIN).utcoffset()
    shift = (-_MARGIN if before else _MARGIN) if changes else timedelta()
    return local.replace(tzinfo=None, fold=0) + shift


def utc_moments(moments: Sequence[datetime], zone: tzinfo) -> list[datetime]:
    """UTC for the wall-clock times of records in the order in which they were made.

    Within an hour that the clocks repeat, the record at which they step back begins the second
    time. Raises ClockError when none does, or for a time that the clocks skip.
    """
    folds = [0] * len(moments)
    first = 0
    while first < len(moments):
        if not _is_twice(moments[first], zone):
            first += 1
            continue
        last = first
        while last + 1 < len(moments) and _is_twice(moments[last + 1], zone):
            last += 1
        step = _step_back(moments[first : last + 1], zone)
        folds[first + step : last + 1] = [1] * (last + 1 - first - step)
        first = last + 1
    return [
        moment.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        for moment, fold in zip(moments, folds, strict=True)
    ]


def _step_back(hour: Sequence[datetime], zone: tzinfo) -> int:
    steps = [place for place in range(1, len(hour)) if hour[place] < hour[place - 1]]
    if len(steps) == 1:
        return steps[0]
    raise ClockError(
        f"{len(hour)} records from {hour[0]} to {hour[-1]} lie in an hour that {zone} has twice, "
        "and their order does not tell which of the two it is; ask for a window without that "
        "hour, or let the device's clock keep one offset and set time_zone to it"
    )


def _is_twice(moment: datetime, zone: tzinfo) -> bool:
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return False
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment:
        raise ClockError(
            f"a record is stamped {moment}, which {zone} skips; so the device's clock does not "
            "keep this zone: correct time_zone"
        )
    return True
