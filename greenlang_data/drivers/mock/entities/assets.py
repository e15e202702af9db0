"""Equipment of the site and its preventive maintenance plans."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple

import pyarrow as pa

from greenlang_data.drivers.mock.entities import masters
from greenlang_data.drivers.mock.entities.common import (
    COMPANY,
    MONEY,
    SOURCE,
    TEXT,
    TODAY,
    hundredths,
    none_in,
    office_time,
)
from greenlang_data.drivers.mock.noise import pick
from greenlang_data.drivers.mock.records import INSTANT, Entity, Row, column

SITE: Final = "HAMBURG"


class Equipment(NamedTuple):
    """A piece of equipment. ``prefix`` is what its tags start with; ``parent`` counts from 1."""

    text: str
    type: str
    location: str
    parent: int | None = None
    prefix: str | None = None
    cost: int = 25_000  # EUR at acquisition


EQUIPMENT: Final = (
    Equipment("Boiler 1, light fuel oil", "BOILER", "BH-01", None, "Boiler1", 1_850_000),
    Equipment("Boiler 2, natural gas", "BOILER", "BH-02", None, "Boiler2", 1_620_000),
    Equipment("Gas turbine set", "TURBINE", "TH-01", None, "GasTurbine", 5_400_000),
    Equipment("Analysers, stack 1", "CEMS", "ST-01", 1, "STACK-001", 210_000),
    Equipment("Analysers, stack 2", "CEMS", "ST-02", 2, "STACK-002", 210_000),
    Equipment("Analysers, stack 3", "CEMS", "ST-03", 3, "STACK-003", 240_000),
    Equipment("Steam header", "PIPING", "BH-00", None, None, 96_000),
    Equipment("Cooling water pump 1", "PUMP", "CW-01", None, "Pump1", 48_000),
    Equipment("Cooling water pump 2", "PUMP", "CW-02", None, "Pump2", 48_000),
    Equipment("Cooling tower", "TOWER", "CW-03", None, "CoolingWater", 320_000),
    Equipment("Burner, boiler 1", "BURNER", "BH-01", 1),
    Equipment("Burner, boiler 2", "BURNER", "BH-02", 2),
    Equipment("Feed water pump, boiler 1", "PUMP", "BH-01", 1),
    Equipment("Feed water pump, boiler 2", "PUMP", "BH-02", 2),
    Equipment("Economiser, boiler 1", "EXCHANGER", "BH-01", 1),
    Equipment("Economiser, boiler 2", "EXCHANGER", "BH-02", 2),
    Equipment("Generator", "GENERATOR", "TH-01", 3, None, 890_000),
    Equipment("Air intake filter house", "FILTER", "TH-01", 3),
    Equipment("Lubricating oil system", "AUXILIARY", "TH-01", 3),
    Equipment("Fuel oil tank", "TANK", "TF-01", None, None, 150_000),
    Equipment("Gas pressure station", "STATION", "GS-01", None, None, 120_000),
    Equipment("Main transformer", "TRANSFORMER", "EL-01", None, None, 410_000),
    Equipment("Water treatment", "TREATMENT", "WT-01", None, None, 175_000),
    Equipment("Fire pump, diesel", "PUMP", "FP-01", None, None, 39_000),
)

ANALYSERS: Final = (4, 5, 6)
"""Numbers of the assets that measure the stacks."""

_STATES: Final = (
    ("operating", "OPERATING"),
    ("not_ready", "NOT READY"),
    ("retired", "DECOMMISSIONED"),
)
_CYCLES: Final = ((1, "MONTHS", 30), (3, "MONTHS", 91), (1, "YEARS", 365), (2, "WEEKS", 14))


def asset_id(number: int) -> str:
    """The key of the asset of that number, from 1."""
    return f"ASSET-{number:03d}"


def plan_id(number: int, place: int) -> str:
    """The key of the first (0) or second (1) plan of an asset."""
    return f"PM-{2 * number - 1 + place:03d}"


def _assets() -> Iterator[Row]:
    for n, item in enumerate(EQUIPMENT, start=1):
        installed = date(2008, 3, 1) + timedelta(97 * n)
        state = 2 if n == len(EQUIPMENT) else int(n == 19)
        status, raw = _STATES[state]
        yield {
            "asset_id": asset_id(n),
            "site": SITE,
            "description": item.text,
            "status": status,
            "status_raw": raw,
            "type": item.type,
            "location_id": item.location,
            "parent_id": None if item.parent is None else asset_id(item.parent),
            "tag_prefix": item.prefix,
            "serial_number": None if none_in("asset.serial", n, 6) else f"{7_100 + 37 * n:010d}",
            "manufacturer": None if none_in("asset.maker", n, 8) else ("Aurum", "Velox")[n % 2],
            "priority": 1 + n % 4,
            "install_date": installed,
            "fixed_asset": f"{100_000 + n:012d}",
            "company_code": COMPANY,
            "plant_code": "1000",
            "cost_center": masters.COST_CENTERS[n % 3],
            "acquisition_value": hundredths(100 * item.cost),
            "currency": "EUR",
            "changed_at": None if none_in("asset", n, 5) else office_time(installed, "asset", n),
            "source_system": SOURCE,
        }


def _plans() -> Iterator[Row]:
    for n in range(1, len(EQUIPMENT) + 1):
        for place in (0, 1):
            yield _plan(n, place)


def _plan(number: int, place: int) -> Row:
    key = 2 * number + place
    every, unit, days = _CYCLES[pick("plan.cycle", key, len(_CYCLES))]
    last = TODAY - timedelta(1 + pick("plan.last", key, days))
    started = not none_in("plan.last", key, 12)
    retired = number == len(EQUIPMENT)
    return {
        "pm_id": plan_id(number, place),
        "site": SITE,
        "asset_id": asset_id(number),
        "location_id": EQUIPMENT[number - 1].location,
        "description": f"{('Inspect', 'Overhaul')[place]}: {EQUIPMENT[number - 1].text}",
        "status": "inactive" if retired else "active",
        "status_raw": "INACTIVE" if retired else "ACTIVE",
        "type": "PM",
        "frequency": every,
        "frequency_unit": unit,
        "next_date": last + timedelta(days),
        "last_start_date": last if started else None,
        "last_completed_date": last if started else None,
        "changed_at": office_time(last, "plan", key),
        "source_system": SOURCE,
    }


ASSET: Final = Entity(
    "asset",
    ("asset_id",),
    "install_date",
    pa.schema(
        [
            *(column(name, TEXT) for name in ("asset_id", "site", "description", "status")),
            *(column(name, TEXT) for name in ("status_raw", "type", "location_id", "parent_id")),
            *(column(name, TEXT) for name in ("tag_prefix", "serial_number", "manufacturer")),
            column("priority", pa.int64()),
            column("install_date", pa.date32()),
            *(column(name, TEXT) for name in ("fixed_asset", "company_code", "plant_code")),
            column("cost_center", TEXT),
            column("acquisition_value", MONEY),
            column("currency", TEXT),
            column("changed_at", INSTANT),
            column("source_system", TEXT),
        ]
    ),
    _assets,
)
PM: Final = Entity(
    "pm",
    ("pm_id",),
    "next_date",
    pa.schema(
        [
            *(column(name, TEXT) for name in ("pm_id", "site", "asset_id", "location_id")),
            *(column(name, TEXT) for name in ("description", "status", "status_raw", "type")),
            column("frequency", pa.int64()),
            column("frequency_unit", TEXT),
            column("next_date", pa.date32()),
            column("last_start_date", pa.date32()),
            column("last_completed_date", pa.date32()),
            column("changed_at", INSTANT),
            column("source_system", TEXT),
        ]
    ),
    _plans,
)
