"""The hours of a unit or stack as series, with their MODC as status."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.absent import absent
from greenlang_data.drivers.averages import nanoseconds
from greenlang_data.drivers.base import ReadLog, Window
from greenlang_data.drivers.ecmps.parameters import Parameter, known, parameter_of
from greenlang_data.drivers.ecmps.report import (
    DerivedValue,
    MonitorValue,
    OperatingHour,
    Report,
    quarter_name,
)
from greenlang_data.drivers.schema import (
    BAD,
    GOOD,
    TIMESTAMP,
    UNCERTAIN,
    UNKNOWN_TAG,
    failed_series,
    quality_array,
    series_batch,
)
from greenlang_data.drivers.standard_time import instants
from greenlang_data.errors import ProtocolError, QueryError
from greenlang_data.settings.ecmps import EcmpsSettings

_MOISTURE: Final = {"W": "wet", "D": "dry"}
_HOUR: Final = 3_600_000_000_000
_AGAIN: Final = "Export the report again, or have it corrected."
NOT_OPERATING: Final = "not_operating"
REPORTED: Final = "reported"
MISSING: Final = "missing"

Value = MonitorValue | DerivedValue


class _Reading(NamedTuple):
    value: float | None
    status: str
    quality: int


class WindowOfReports:
    """Makes series of what the reports of a window say."""

    def __init__(
        self, settings: EcmpsSettings, zone: ZoneInfo, source: str, *, derived_only: bool
    ) -> None:
        self._settings = settings
        self._derived_only = derived_only
        self._zone = zone
        self._source = source

    def series(
        self,
        window: Window,
        reports: Sequence[Report],
        missing: Sequence[tuple[int, int]],
        log: ReadLog,
    ) -> Iterator[pa.RecordBatch]:
        """A batch per tag. ``missing`` are quarters without a report."""
        hours, moments = self._hours(window, reports)
        if not missing:
            begin, end = nanoseconds(window.start), nanoseconds(window.end)
            lacking = absent(moments, begin, end, _HOUR)
            if lacking:
                log.caution(f"the reports have no rows for {lacking} of the window")
        failure = None
        if missing:
            named = ", ".join(quarter_name(one) for one in missing)
            failure = f"there is no report of {named}"
        for tag in window.tags:
            parameter = parameter_of(tag, self._settings.parameter_units)
            if parameter is None:
                has = ", ".join(known())
                yield failed_series(tag, f"{UNKNOWN_TAG}: a report has {has}, and no {tag!r}")
            elif parameter.kind == "monitor" and self._derived_only:
                yield failed_series(
                    tag, "EPA's streaming service has derived values only; use monitor_plan_id"
                )
            else:
                yield self._one(tag, parameter, hours, moments, failure, log)

    def _hours(
        self, window: Window, reports: Sequence[Report]
    ) -> tuple[list[OperatingHour], np.ndarray]:
        every = [hour for report in reports for hour in report.hourly_operating_data or ()]
        hours = self._of_location(every)
        try:
            dates = pa.array([date.fromisoformat(_day(one.date)) for one in hours], pa.date32())
        except ValueError as error:
            raise ProtocolError(
                f"a date in the report is none: {error}", source=self._source, remedy=_AGAIN
            ) from None
        for report in reports:
            self._check_quarter(report)
        if any(not 0 <= one.hour <= 23 for one in hours):
            raise ProtocolError(
                "an hour in the report is not 0 to 23", source=self._source, remedy=_AGAIN
            )
        moments = instants(dates, pa.array([one.hour for one in hours], pa.int8()), self._zone)
        if len(np.unique(moments)) < len(moments):
            raise ProtocolError(
                "an hour is there twice in the reports, so none of them is used",
                source=self._source,
                remedy="Name each quarter's report once.",
            )
        begin, end = nanoseconds(window.start), nanoseconds(window.end)
        order = np.argsort(moments)
        order = order[(moments[order] >= begin) & (moments[order] < end)]
        return [hours[place] for place in order.tolist()], moments[order]

    def _check_quarter(self, report: Report) -> None:
        first = 3 * report.quarter - 2
        months = {f"{report.year}-{month:02}" for month in range(first, first + 3)}
        for hour in report.hourly_operating_data or ():
            if hour.date[:7] not in months:
                raise ProtocolError(
                    f"{hour.date} is not in {report.name}, so none of its report is used",
                    source=self._source,
                    remedy=_AGAIN,
                )

    def _of_location(self, hours: list[OperatingHour]) -> list[OperatingHour]:
        locations = sorted({one.location for one in hours})
        wanted = self._settings.location
        if not locations or (wanted is None and len(locations) == 1):
            return hours
        if wanted not in locations:
            raise QueryError(
                f"the reports are of {', '.join(locations)}"
                + (f", and not of {wanted!r}" if wanted else ""),
                source=self._source,
                remedy="Set location to one of them.",
            )
        return [one for one in hours if one.location == wanted]

    def _one(
        self,
        tag: str,
        parameter: Parameter,
        hours: list[OperatingHour],
        moments: np.ndarray,
        failure: str | None,
        log: ReadLog,
    ) -> pa.RecordBatch:
        if parameter.kind == "operating":
            readings = [_operating(parameter, hour) for hour in hours]
            unit = parameter.unit or _single([hour.load_units_of_measure_code for hour in hours])
        else:
            values = [self._value(parameter, hour) for hour in hours]
            moisture = {v.moisture_basis for v in values if isinstance(v, MonitorValue)} - {None}
            if len(moisture) > 1:
                return failed_series(
                    tag, "some of its hours are wet and some dry: two bases are never mixed"
                )
            log.basis[tag] = {"moisture": _moisture(moisture), "reference_oxygen": None}
            adjusted = self._is_adjusted(tag, values, log)
            measured = self._settings.modc_table.measured
            readings = [
                _reading(value, hour, measured, adjusted=adjusted)
                for value, hour in zip(values, hours, strict=True)
            ]
            unit = parameter.unit
        return series_batch(
            tag,
            pa.array(moments).cast(TIMESTAMP),
            pa.array([one.value for one in readings], pa.float64()),
            quality_array(np.array([one.quality for one in readings], np.int8)),
            pa.array([one.status for one in readings], pa.string()).dictionary_encode(),
            unit=unit,
            failure=failure,
        )

    def _value(self, parameter: Parameter, hour: OperatingHour) -> Value | None:
        monitored = parameter.kind == "monitor"
        rows: Sequence[Value] = (
            hour.monitor_hourly_value_data if monitored else hour.derived_hourly_value_data
        ) or ()
        found = [one for one in rows if one.parameter_code == parameter.code]
        if len(found) > 1:
            raise ProtocolError(
                f"{hour.date} hour {hour.hour} has {parameter.code} {len(found)} times",
                source=self._source,
                remedy="Ask for other parameters: of several systems' values none is chosen here.",
            )
        return found[0] if found else None

    def _is_adjusted(self, tag: str, values: Sequence[Value | None], log: ReadLog) -> bool:
        """Whether the series is of adjusted values; never of some and some."""
        some = any(one is not None and one.adjusted_hourly_value is not None for one in values)
        adjusted = self._settings.hourly_value == "adjusted" and some
        word = "adjusted" if adjusted else "unadjusted"
        log.note(f"{tag} is the {word} hourly value of the report")
        return adjusted


def _reading(
    value: Value | None, hour: OperatingHour, measured: Collection[str], *, adjusted: bool
) -> _Reading:
    number = None
    if value is not None:
        number = value.adjusted_hourly_value if adjusted else value.unadjusted_hourly_value
    if value is None or number is None:
        stood = hour.operating_time == 0
        return _Reading(None, *((NOT_OPERATING, GOOD) if stood else (MISSING, BAD)))
    if value.modc_code is None:
        # Derived values need no code where their inputs have one.
        derived = isinstance(value, DerivedValue)
        return _Reading(number, *((REPORTED, GOOD) if derived else ("unknown", UNCERTAIN)))
    return _Reading(number, value.modc_code, GOOD if value.modc_code in measured else UNCERTAIN)


def _operating(parameter: Parameter, hour: OperatingHour) -> _Reading:
    number = hour.operating_time if parameter.code == "operating_time" else hour.hour_load
    if number is None:
        stood = hour.operating_time == 0
        return _Reading(None, *((NOT_OPERATING, GOOD) if stood else (MISSING, BAD)))
    return _Reading(number, REPORTED, GOOD)


def _moisture(codes: set[str | None]) -> str | None:
    code = next(iter(codes), None)
    return _MOISTURE.get(code, code) if code else None


def _single(texts: Sequence[str | None]) -> str | None:
    distinct = {text for text in texts if text}
    return distinct.pop() if len(distinct) == 1 else None


def _day(text: str) -> str:
    """A date, also where a midnight stands behind it."""
    day, _, rest = text.partition("T")
    return day if rest.rstrip("Z").removesuffix(".000") in ("", "00:00:00") else text
