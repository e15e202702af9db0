"""The hours of the CAMPD emulator: facility 3 in Alabama, whose units share a stack; and Texas.

Unit ``1`` runs all the time and is measured; unit ``2`` stands still from hour 2 to 4 and is
substituted at hour 7; both go to stack CS0AAN, and 2 to MS2B as well.  Unit ``CT1`` is of low mass
emissions, with a flag that EPA's metadata does not name.  Texas has 500 units of one facility,
for volume.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

FACILITY = 3
UNITS = {"1": "CS0AAN", "2": "CS0AAN, MS2B", "CT1": None}
BULK_UNITS = 500
FIRST_DAY = date(1995, 1, 1)


def so2_mass(unit: str, day: date, hour: int) -> float | None:
    """Pounds of the hour; None while the unit stands still."""
    if operating_time(unit, hour) == 0:
        return None
    return round(100 + 10 * list(UNITS).index(unit) + hour + (day.toordinal() % 7) * 0.1, 3)


def operating_time(unit: str, hour: int) -> float:
    """The fraction of the hour; unit 2 stands still for three hours of each day."""
    if unit == "2" and 2 <= hour <= 4:
        return 0.0
    return 0.25 if unit == "2" and hour == 5 else 1.0


def flag(unit: str, hour: int) -> str | None:
    """The measure flag of the masses."""
    if operating_time(unit, hour) == 0:
        return None
    if unit == "CT1":
        return "LME"
    if unit == "2" and hour == 7:
        return "Substitute"
    return "Measured and Substitute" if unit == "2" and hour == 8 else "Measured"


def days(begin: date, end: date) -> Iterator[date]:
    """The days from ``begin`` to ``end``, both included."""
    for number in range((end - begin).days + 1):
        yield begin + timedelta(days=number)


def row(unit: str, day: date, hour: int) -> dict[str, Any]:
    """One row as the paged service gives it."""
    mass, time = so2_mass(unit, day, hour), operating_time(unit, hour)
    runs = time > 0
    return {
        "stateCode": "AL",
        "facilityName": "Peer Station",
        "facilityId": FACILITY,
        "unitId": unit,
        "unit_id": "17",
        "associatedStacks": UNITS[unit],
        "year": str(day.year),
        "date": day.isoformat(),
        "hour": hour,
        "opTime": time,
        "grossLoad": 250 if runs else None,
        "steamLoad": None,
        "so2Mass": mass,
        "so2MassMeasureFlg": flag(unit, hour),
        "so2Rate": 0.05 if runs else None,
        "so2RateMeasureFlg": "Calculated" if runs else None,
        "co2Mass": 210.5 if runs else None,
        "co2MassMeasureFlg": flag(unit, hour),
        "co2Rate": 0.103 if runs else None,
        "co2RateMeasureFlg": "Calculated" if runs else None,
        "noxMass": 33.3 if runs else None,
        "noxMassMeasureFlg": flag(unit, hour),
        "noxRate": 0.016 if runs else None,
        "noxRateMeasureFlg": "Calculated" if runs else None,
        "heatInput": 2043.7 if runs else None,
        "heatInputMeasureFlg": flag(unit, hour),
        "primaryFuelInfo": "Coal",
        "secondaryFuelInfo": None,
        "unitType": "Tangentially-fired",
        "so2ControlInfo": None,
        "programCodeInfo": "ARP, CSNOX",
    }


def rows(
    begin: date, end: date, facilities: list[int], states: list[str]
) -> Iterator[dict[str, Any]]:
    """Facility 3's rows, as they come: unit after unit."""
    if (facilities and FACILITY not in facilities) or (states and "AL" not in states):
        return
    for unit in UNITS:
        for day in days(max(begin, FIRST_DAY), end):
            for hour in range(24):
                yield row(unit, day, hour)


def _bulk_row(unit: int, hour: int) -> str:
    changed = {
        "stateCode": "TX",
        "facilityName": "Peer Fleet",
        "facilityId": 9999,
        "unitId": f"U{unit:03d}",
        "unit_id": unit,
        "associatedStacks": None,
        "year": 2024,
        "date": "@DAY@",
        "grossLoad": 100 + unit,
        "so2Mass": hour + 0.25,
        "so2MassMeasureFlg": "Measured",
    }
    return json.dumps({**row("1", FIRST_DAY, hour), **changed}, separators=(",", ":"))


_BULK = [_bulk_row(unit, hour) for unit in range(BULK_UNITS) for hour in range(24)]
_BULK_TEXT = "\n,\n".join(_BULK)


def bulk_rows(begin: date, end: date) -> str:
    """All rows of Texas, joined as the streaming service joins them."""
    return "\n,\n".join(_BULK_TEXT.replace("@DAY@", day.isoformat()) for day in days(begin, end))
