"""Derived hours with their MODC from EPA's streaming service, put together as a report is."""

from __future__ import annotations

import math
from datetime import date
from typing import Final, TypeVar

import msgspec

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.campd.arrays import rows_decoder
from greenlang_data.drivers.ecmps.report import DerivedValue, OperatingHour, Report
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.message import Ask
from greenlang_data.errors import ProtocolError

_HOURLY: Final = "streaming-services/emissions/hourly"

Row = TypeVar("Row", bound=msgspec.Struct)


class _Operating(msgspec.Struct, rename="camel", gc=False):
    id: str
    begin_date: str
    begin_hour: int
    operating_time: float | None = None
    hour_load: float | None = None
    load_units_of_measure_code: str | None = None


class _Derived(msgspec.Struct, rename="camel", gc=False):
    hour_id: str
    parameter_code: str
    # Numbers come as texts.
    adjusted_hourly_value: float | str | None = None
    modc_code: str | None = None


async def streamed_report(
    client: HttpClient,
    facility: int,
    location: str,
    quarter: tuple[int, int],
    days: tuple[date, date],
    log: ReadLog,
    source: str,
) -> Report:
    """The hours of ``location`` in the days of one quarter, with derived values only.

    Raises SourceUnreachable for an answer that is not whole, and ProtocolError for a value of an
    hour that is not there, which would be lost.
    """
    params = [
        ("orisCode", str(facility)),
        ("locationName", location),
        ("beginDate", days[0].isoformat()),
        ("endDate", days[1].isoformat()),
    ]
    operating = await _rows(client, "operating", _Operating, params, log, source)
    derived = await _rows(client, "derived-values", _Derived, params, log, source)
    hours = {one.id: _hour(one, location) for one in operating}
    for value in derived:
        hour = hours.get(value.hour_id)
        if hour is None or hour.derived_hourly_value_data is None:
            raise ProtocolError(
                "it has a derived value of an hour that it does not have, so none of it is used",
                source=source,
            )
        hour.derived_hourly_value_data.append(_value(value, source))
    return Report(facility, *quarter, list(hours.values()))


async def _rows(
    client: HttpClient,
    name: str,
    kind: type[Row],
    params: list[tuple[str, str]],
    log: ReadLog,
    source: str,
) -> list[Row]:
    answer = await client.ask(Ask(f"{_HOURLY}/{name}", params), log, rows_decoder(kind, source))
    return answer.data or []


def _hour(row: _Operating, location: str) -> OperatingHour:
    return OperatingHour(
        date=row.begin_date,
        hour=row.begin_hour,
        stack_pipe_id=location,
        operating_time=row.operating_time,
        hour_load=row.hour_load,
        load_units_of_measure_code=row.load_units_of_measure_code,
        derived_hourly_value_data=[],
    )


def _value(row: _Derived, source: str) -> DerivedValue:
    number = row.adjusted_hourly_value
    try:
        adjusted = None if number in (None, "") else float(number or 0)
        if adjusted is not None and not math.isfinite(adjusted):
            raise ValueError
    except ValueError:
        raise ProtocolError(
            f"a value of {row.parameter_code} is no number: {str(number)[:40]!r}", source=source
        ) from None
    return DerivedValue(row.parameter_code, None, adjusted, row.modc_code or None)
