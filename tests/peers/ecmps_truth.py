"""Quarterly emissions reports, as JSON of EPA's export and as XML of a plant's own system.

Stack ``CS0AAN`` and unit ``1``.  At the stack, SO2C is wet with a bias adjustment of 1.05, NOXC is
dry and never adjusted, and hour 5 of each day is substituted (MODC 06), hour 6 stands still, hour 7
has a MODC that is in no table.  Derived values of the mass rates have no MODC.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

ORIS = 3
PLAN = "MDC-3-PEER"
STACK = "CS0AAN"
BAF = 1.05
SUBSTITUTED, STANDS, ODD = 5, 6, 7


def days_of(year: int, quarter: int) -> list[date]:
    """Every day of a quarter."""
    begin = date(year, 3 * quarter - 2, 1)
    after = date(year + quarter // 4, (3 * quarter) % 12 + 1, 1)
    return [begin + timedelta(days=n) for n in range((after - begin).days)]


def so2(day: date, hour: int) -> float:
    """Unadjusted wet ppm."""
    return round(100 + hour + day.day / 10, 1)


def modc(hour: int) -> str | None:
    """The code of the stack's measured hours."""
    if hour == STANDS:
        return None
    return {SUBSTITUTED: "06", ODD: "99"}.get(hour, "01")


def _measured(code: str, value: float | None, hour: int, basis: str | None) -> dict[str, Any]:
    adjusted = code in ("SO2C", "FLOW") and value is not None
    return {
        "parameterCode": code,
        "unadjustedHourlyValue": None if hour == SUBSTITUTED else value,
        "adjustedHourlyValue": round(float(value or 0) * BAF, 3) if adjusted else None,
        "modcCode": modc(hour),
        "monitoringSystemId": "AA1",
        "componentId": "AA2",
        "percentAvailable": 99.1,
        "moistureBasis": basis,
    }


def _stack_hour(day: date, hour: int) -> dict[str, Any]:
    runs = hour != STANDS
    head = {
        "stackPipeId": STACK,
        "unitId": None,
        "date": day.isoformat(),
        "hour": hour,
        "operatingTime": 1 if runs else 0,
        "hourLoad": 250 if runs else None,
        "loadUnitsOfMeasureCode": "MW" if runs else None,
        "loadRange": 5 if runs else None,
        "fcFactor": 1800 if runs else None,
        "fuelCode": "C" if runs else None,
    }
    measured, derived = [], []
    if runs:
        # In this report the NOXC system measured the substituted hour.
        nox = _measured("NOXC", 43.2, hour, "D") | {"unadjustedHourlyValue": 43.2}
        measured = [
            _measured("SO2C", so2(day, hour), hour, "W"),
            nox,
            _measured("FLOW", 30_000_000, hour, None),
        ]
        derived = [
            {
                "parameterCode": "SO2",
                "unadjustedHourlyValue": None,
                "adjustedHourlyValue": 498.0,
                "modcCode": None,
                "formulaIdentifier": "F-1",
                "percentAvailable": None,
            },
            {
                "parameterCode": "NOXR",
                "unadjustedHourlyValue": 0.048,
                "adjustedHourlyValue": 0.05,
                "modcCode": modc(hour),
                "percentAvailable": 98.7,
            },
            {
                "parameterCode": "CO2C",
                "unadjustedHourlyValue": 12.1,
                "adjustedHourlyValue": None,
                "modcCode": "01",
            },
        ]
    return {
        **head,
        "monitorHourlyValueData": measured,
        "derivedHourlyValueData": derived,
        "matsMonitorHourlyValueData": [],
    }


def _unit_hour(day: date, hour: int) -> dict[str, Any]:
    return {
        "stackPipeId": None,
        "unitId": "1",
        "date": day.isoformat(),
        "hour": hour,
        "operatingTime": 1,
        "hourLoad": 125,
        "loadUnitsOfMeasureCode": "MW",
        "monitorHourlyValueData": [],
        "derivedHourlyValueData": [],
    }


def report(year: int, quarter: int, *, units: bool = True) -> dict[str, Any]:
    """The JSON of a quarter; without ``units`` only the stack."""
    days = days_of(year, quarter)
    hours = [_stack_hour(day, hour) for day in days for hour in range(24)]
    if units:
        hours += [_unit_hour(day, hour) for day in days for hour in range(24)]
    return {
        "orisCode": ORIS,
        "year": year,
        "quarter": quarter,
        "monitorPlanId": PLAN,
        "reportingPeriodId": 117,
        "hourlyOperatingData": hours,
        "summaryValueData": [{"parameterCode": "SO2M", "currentReportingPeriodTotal": 12.5}],
    }


_NAMES = {
    "orisCode": "ORISCode",
    "stackPipeId": "StackPipeID",
    "unitId": "UnitID",
    "modcCode": "MODCCode",
    "monitoringSystemId": "MonitoringSystemID",
    "componentId": "ComponentID",
    "fcFactor": "FCFactor",
    "hourlyOperatingData": "HourlyOperatingData",
}
_LEFT_OUT = {"monitorPlanId", "reportingPeriodId"}


def xml_of(document: dict[str, Any]) -> bytes:
    """The same report as a plant's system would write it."""
    root = Element("Emissions", {"xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance"})
    _fill(root, document)
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _fill(parent: Element, values: dict[str, Any]) -> None:
    for key, value in values.items():
        name = _NAMES.get(key, key[0].upper() + key[1:])
        if key in _LEFT_OUT:
            continue
        if isinstance(value, list):
            for row in value:
                _fill(SubElement(parent, name), row)
        elif value is not None:
            SubElement(parent, name).text = str(value)


def streamed(name: str, location: str, begin: date, end: date) -> list[dict[str, Any]]:
    """Rows of the streaming service: hours with an id, or derived values that name it."""
    rows: list[dict[str, Any]] = []
    days = [begin + timedelta(days=n) for n in range((end - begin).days + 1)]
    hours = [_stack_hour(day, hour) for day in days for hour in range(24)]
    for hour in hours if location == STACK and begin.year >= 2009 else []:
        key = f"CAMD-{hour['date']}-{hour['hour']}"
        if name == "operating":
            rows.append(
                {
                    "id": key,
                    "locationId": "6",
                    "reportPeriodId": 117,
                    "beginDate": hour["date"],
                    "beginHour": hour["hour"],
                    "operatingTime": hour["operatingTime"],
                    "hourLoad": hour["hourLoad"],
                    "loadUnitsOfMeasureCode": hour["loadUnitsOfMeasureCode"],
                }
            )
        else:
            for number, value in enumerate(hour["derivedHourlyValueData"]):
                amount = value["adjustedHourlyValue"]
                rows.append(
                    {
                        "id": f"{key}-{number}",
                        "hourId": key,
                        "parameterCode": value["parameterCode"],
                        "adjustedHourlyValue": None if amount is None else str(amount),
                        "modcCode": value["modcCode"],
                        "locationId": "6",
                    }
                )
    return rows
