"""Sets beside an entity's own, whose rows tell something of its records.

Source: SAP's published metadata of API_MAINTENANCEORDER for MaintenanceOrderOperation and its
unit; its API hub's API_MAINTENANCEPLAN_0001 for MaintenanceItem, MaintenancePlanCycle and
MaintenancePlanSchedule, and API_MEASUREMENTDOCUMENT_0001 for MeasurementDocument. ``objects`` and
``field_map`` override all of it under the name of the part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

_V4: Final = "srvd_a2x/sap"


@dataclass(frozen=True)
class Part:
    """A set whose rows belong to records of an entity.

    ``by`` is the entity's column whose values the field ``record`` has here. ``fills`` are the
    entity's columns that are made of the others in ``columns``, where the entity's own set has no
    field for them; those in ``optional`` may lack.
    Without a ``place`` it is read only where ``objects`` names one. ``day`` is the column by which
    rows before a window's start can be left out.
    """

    name: str
    entity: str
    place: str
    by: str
    columns: Mapping[str, str]
    fills: tuple[str, ...]
    optional: frozenset[str] = frozenset()
    day: str | None = None


_PARTS: Final = (
    Part(
        "operation",
        "work_order",
        "API_MAINTENANCEORDER/MaintenanceOrderOperation",
        "work_order_id",
        {
            "record": "MaintenanceOrder",
            "work": "ActualWorkQuantity",
            "unit": "MaintOrdOpWorkDurationUnit",
            "start_day": "OpActualExecutionStartDate",
            "start_time": "OpActualExecutionStartTime",
            "end_day": "OpActualExecutionEndDate",
            "end_time": "OpActualExecutionEndTime",
        },
        ("labor_hours", "actual_start", "actual_finish"),
        optional=frozenset({"start_day", "start_time", "end_day", "end_time"}),
    ),
    # What an order has cost is in no service that SAP publishes.
    Part(
        "cost",
        "work_order",
        "",
        "work_order_id",
        {"record": "MaintenanceOrder", "amount": "", "currency": ""},
        ("cost_total",),
        optional=frozenset({"currency"}),
    ),
    Part(
        "item",
        "pm",
        "API_MAINTENANCEPLAN/MaintenanceItem",
        "pm_id",
        {
            "record": "MaintenancePlan",
            "site": "MaintenancePlant|MaintenancePlanningPlant",
            "asset_id": "Equipment",
            "location_id": "FunctionalLocationLabelName|FunctionalLocation",
        },
        ("site", "asset_id", "location_id"),
        optional=frozenset({"location_id"}),
    ),
    Part(
        "cycle",
        "pm",
        "API_MAINTENANCEPLAN/MaintenancePlanCycle",
        "pm_id",
        {
            "record": "MaintenancePlan",
            "frequency": "MaintPlanCycRcrrcIntervalQty",
            "frequency_unit": "MaintPlanCycRcrrcIntervalUnit",
        },
        ("frequency", "frequency_unit"),
    ),
    Part(
        "schedule",
        "pm",
        "API_MAINTENANCEPLAN/MaintenancePlanSchedule",
        "pm_id",
        {
            "record": "MaintenancePlan",
            "planned": "MaintenanceCallNextPlannedDate",
            "completed": "CompletionDate",
        },
        ("next_date", "last_start_date", "last_completed_date"),
    ),
    Part(
        "equipment",
        "meter",
        "API_EQUIPMENT/Equipment",
        "asset_id",
        {
            "record": "Equipment",
            "site": "MaintenancePlant|MaintenancePlanningPlant",
            "period": "ValidityEndDate",
        },
        ("site",),
        optional=frozenset({"period"}),
    ),
    Part(
        "measurement",
        "meter",
        f"api_measurementdocument/{_V4}/measurementdocument/0001/MeasurementDocument",
        "meter_id",
        {
            "record": "MeasuringPoint",
            "number": "MeasurementDocument",
            "day": "MsmtRdngDate",
            "time": "MsmtRdngTime",
            "reading": "MeasurementReadingInEntryUoM",
            "unit": "MeasurementReadingEntryUoM",
            "reversed": "MsmtRdngIsReversed",
        },
        ("reading", "unit", "reading_at"),
        optional=frozenset({"number", "time", "reversed"}),
        day="day",
    ),
)

PARTS: Final[Mapping[str, Part]] = MappingProxyType({one.name: one for one in _PARTS})


def parts_of(entity: str) -> list[Part]:
    """The parts of an entity, in the order in which they are read."""
    return [one for one in _PARTS if one.entity == entity]
