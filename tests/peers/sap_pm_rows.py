"""The maintained plant as SAP's maintenance services tell it.

Numbers that SAP gives out are unique in the whole system: order ``4000000 + index``.  Dates and
times are apart and on the plant's own clock; only what ends in ``DateTime`` is an instant.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from . import maintained_plant as plant
from .erp_rows import OPEN_END, Row
from .maintained_plant import Site, State, WorkOrder

OWN_UNIT = "ZE"
PERIODS = 3  # of validity of each piece of equipment
_STATUS_LENGTH = 40
_STATUSES: dict[State, str] = {
    State.REQUESTED: "CRTD MANC NMAT PRC",
    State.APPROVED: "REL GMPS MANC NMAT PRC SETC",
    State.WAITING_MATERIAL: "REL MSPT GMPS MACM PRC SETC",
    State.WAITING_SCHEDULE: "REL MANC PRC SETC",
    State.IN_PROGRESS: "REL PCNF GMPS JBFI MANC PRC SETC TTJL",
    State.COMPLETED: "TECO CNF GMPS JBFI MANC PRC SETC TTJL ORSC RELR",
    State.CLOSED: "CLSD CNF GMPS JBFI MANC PRC SETC TTJL",
    State.CANCELLED: "CRTD NCMP MANC",
    State.STRANGE: "ZQUA MANC",
}
_GERMAN = {"CRTD": "EROF", "REL": "FREI", "TECO": "TABG", "CLSD": "ABGS", "CNF": "RÜCK",
           "PCNF": "TRÜC", "PRC": "VOKL", "NMAT": "KEMA"}  # fmt: skip
_USER_WORDS = {State.WAITING_SCHEDULE: "PLAN", State.IN_PROGRESS: "WORK", State.STRANGE: "QUAL"}
_PHASES = {
    State.REQUESTED: ("00", "0010"), State.APPROVED: ("40", "0040"),
    State.WAITING_MATERIAL: ("40", "0043"), State.WAITING_SCHEDULE: ("50", "0050"),
    State.IN_PROGRESS: ("60", "0060"), State.COMPLETED: ("80", "0080"),
    State.CLOSED: ("80", "0090"), State.CANCELLED: ("80", "0099"), State.STRANGE: ("00", "0000"),
}  # fmt: skip


def status_text(order: WorkOrder) -> str:
    """All statuses at once in slots of five characters, cut off at 40; German in Dresden."""
    words = _STATUSES[order.state].split()
    if order.state is State.CANCELLED and order.synonym:
        words.insert(1, "DLFL")
    if order.site.name == "DRESDEN":
        words = [_GERMAN.get(word, word) for word in words]
    return "".join(f"{word:5}" for word in words)[:_STATUS_LENGTH].rstrip()


def order_number(index: int) -> str:
    return str(4_000_000 + index)


def equipment_number(index: int) -> str:
    return str(10_000_000 + index)


def _location(name: str) -> str:
    return f"PLANT-{name}"


def _clock(moment: datetime | None, site: Site) -> tuple[date | None, time | None]:
    """Date and time on the plant's clock, without seconds' fractions."""
    if moment is None:
        return None, None
    local = moment.astimezone(ZoneInfo(site.zone))
    return local.date(), local.time().replace(microsecond=0)


def _object(equipment: int | None, location: str) -> Row:
    """Which object it is about: the equipment, or the location when there is none."""
    if equipment is None:
        label, kind = _location(location), "EAMS_FL"
        return {
            "TechnicalObject": label,
            "TechnicalObjectLabel": label,
            "TechObjIsEquipOrFuncnlLoc": kind,
        }
    number = equipment_number(equipment)
    return {
        "TechnicalObject": number.zfill(18),
        "TechnicalObjectLabel": number,
        "TechObjIsEquipOrFuncnlLoc": "EAMS_EQUI",
    }


def order(index: int) -> Row:
    """A row of ``MaintenanceOrder``."""
    found = plant.work_order(index)
    site = found.site
    start, end = _clock(found.scheduled_start, site), _clock(found.scheduled_finish, site)
    phase = _PHASES[found.state] if index % 3 else ("", "")
    return {
        "MaintenanceOrder": order_number(index),
        "MaintenanceOrderType": {"CM": "PM01", "PM": "PM02", "EM": "PM03", "": "YA01"}[found.kind],
        "MaintenanceOrderDesc": found.description[:40],
        "Equipment": "" if found.asset is None else equipment_number(found.asset),
        "EquipmentName": "" if found.asset is None else plant.asset(found.asset).description[:40],
        "FunctionalLocation": _location(found.location),
        **_object(found.asset, found.location),
        "MaintPriority": "" if found.priority is None else str(found.priority),
        "MaintPriorityType": "PM",
        "MaintenanceActivityType": "00" + str(1 + index % 4),
        "MaintenancePlanningPlant": site.plant,
        "MaintenancePlant": site.plant,
        "MainWorkCenter": f"MECH{index % 5:02d}",
        "MaintenanceNotification": plant.notification(index).number if index % 2 else "",
        "MaintenancePlan": "" if found.plan is None else plan_number(found.plan),
        "SuperiorMaintenanceOrder": "" if found.parent is None else order_number(found.parent),
        "MaintOrdBasicStartDateTime": found.scheduled_start,
        "MaintOrdBasicEndDateTime": found.scheduled_finish,
        "MaintOrdBasicStartDate": start[0],
        "MaintOrdBasicStartTime": start[1],
        "MaintOrdBasicEndDate": end[0],
        "MaintOrdBasicEndTime": end[1],
        "ScheduledBasicStartDate": start[0],
        "ScheduledBasicEndDate": end[0],
        "LatestAcceptableCompletionDate": found.due,
        "MaintOrderCreationDateTime": found.reported,
        "MaintOrdProcessPhaseCode": phase[0],
        "MaintOrdProcessSubPhaseCode": phase[1],
        "YY1_DowntimeHours_ORD": plant.downtime_hours(found),
        "SystemStatusText": status_text(found),
        "UserStatusText": _USER_WORDS.get(found.state, "") if found.synonym else "",
        "LastChangeDateTime": found.changed,
    }


def operation(index: int) -> Row:
    """A row of ``MaintenanceOrderOperation``: two for each order, which share its hours.

    The second is in minutes at every fifth order, and at some in a unit of the site's own, of
    which ten are an hour. It ends with the order; the first one five minutes after it began, also
    when the order is still in progress.
    """
    of_order, place = divmod(index, 2)
    order = plant.work_order(of_order)
    hours = order.labor_hours
    started, ended = order.actual_start, order.actual_finish
    if started is not None and place == 0:
        ended = started + timedelta(minutes=5)
    elif started is not None and order.state in plant.FINISHED:
        started += timedelta(minutes=10)
    elif place:
        started = None
    begun, done = _clock(started, order.site), _clock(ended, order.site)
    first = (hours / 2).quantize(Decimal("0.01"))
    unit = OWN_UNIT if of_order % 50 == 49 else "MIN" if of_order % 5 == 0 else "H"
    parts = {"H": 1, "MIN": 60, OWN_UNIT: 10}[unit] if place else 1
    return {
        "MaintenanceOrder": order_number(of_order),
        "MaintenanceOrderOperation": f"{(place + 1) * 10:04d}",
        "MaintenanceOrderSubOperation": "",
        "OperationDescription": ("Prepare", "Carry out")[place],
        "WorkCenter": f"MECH{of_order % 5:02d}",
        "ActualWorkQuantity": (hours - first if place else first) * parts,
        "MaintOrdOpWorkDurationUnit": unit if place else "H",
        "OpActualExecutionStartDate": begun[0],
        "OpActualExecutionStartTime": begun[1],
        "OpActualExecutionEndDate": done[0],
        "OpActualExecutionEndTime": done[1],
    }


_NOTIFICATION_STATES = {
    "outstanding": ("1", "Outstanding", "OSNO"),
    "postponed": ("2", "Postponed", "NOPO"),
    "in process": ("3", "In process", "NOPR ORAS"),
    "completed": ("4", "Completed", "NOCO ORAS"),
}


def notification(index: int) -> Row:
    """A row of ``MaintenanceNotification``; its downtime is in seconds whatever the unit says."""
    found = plant.notification(index)
    phase, text, statuses = _NOTIFICATION_STATES[found.state]
    site = found.site
    reported = _clock(found.reported, site)
    start, end = _clock(found.malfunction_start, site), _clock(found.malfunction_end, site)
    down: Any = None
    if found.malfunction_end:
        down = (found.malfunction_end - found.malfunction_start).total_seconds()
    return {
        "MaintenanceNotification": found.number,
        "NotificationType": ("M1", "M2", "M3")[index % 3],
        "NotificationText": found.description[:40],
        "MaintPriority": "" if found.priority is None else str(found.priority),
        "NotifProcessingPhase": phase,
        "NotifProcessingPhaseDesc": text,
        "ConcatenatedActiveSystStsName": statuses,
        **_object(found.asset, ""),
        "MaintenancePlant": site.plant,
        "NotificationCreationDate": reported[0],
        "NotificationCreationTime": reported[1],
        "RequiredEndDate": reported[0] + timedelta(days=7) if reported[0] else None,
        "RequiredEndTime": time(12),
        "MalfunctionStartDate": start[0],
        "MalfunctionStartTime": start[1],
        "MalfunctionEndDate": end[0],
        "MalfunctionEndTime": end[1],
        "MaintenanceObjectIsDown": found.is_breakdown,
        "MaintObjectDowntimeDuration": down,
        "MaintObjDowntimeDurationUnit": "H",
        "ReportedByUser": found.reporter,
        "MaintenanceOrder": "" if found.work_order is None else order_number(found.work_order),
        "LastChangeDateTime": found.malfunction_end or found.reported,
    }


def equipment(index: int) -> Row:
    """A row of ``Equipment``: the last of its periods is without an end, and it moved in each."""
    number, period = divmod(index, PERIODS)
    found = plant.asset(number)
    first = found.installed or date(2000, 1, 1)
    starts = [first, first + timedelta(days=900), first + timedelta(days=1_500)]
    ends = [start - timedelta(days=1) for start in starts[1:]] + [OPEN_END]
    return {
        "Equipment": equipment_number(number),
        "ValidityEndDate": ends[period],
        "ValidityStartDate": starts[period],
        "EquipmentName": found.description[:40],
        "EquipmentCategory": "M",
        "TechnicalObjectType": found.kind[:10],
        "MaintenancePlant": found.site.plant,
        "MaintenancePlanningPlant": found.site.plant,
        "FunctionalLocation": _location(
            found.location if period == PERIODS - 1 else plant.location(number + period)
        ),
        "SuperordinateEquipment": "" if found.parent is None else equipment_number(found.parent),
        "AssetManufacturerName": found.manufacturer,
        "ManufacturerSerialNumber": found.serial,
        "OperationStartDate": found.installed,
        "ABCIndicator": "ABC"[number % 3],
        "EquipmentIsAvailable": found.status in {"operating", "not ready"},
        "EquipmentIsInstalled": found.status != "retired",
        "EquipmentIsInactive": found.status == "inactive",
        "EquipmentIsMarkedForDeletion": found.status == "retired",
        "LastChangeDateTime": plant.FIRST_MOMENT + timedelta(days=number),
    }


def functional_location(index: int) -> Row:
    """A row of ``FunctionalLocation``."""
    name = _location(plant.location(index))
    return {
        "FunctionalLocation": name,
        "FunctionalLocationLabelName": name,
        "FunctionalLocationName": f"Bereich {index}",
        "MaintenancePlant": plant.SITES[index % len(plant.SITES)].plant,
    }


def plan_number(index: int) -> str:
    return str(7_000 + index)


_PLAN_STATUSES = {"draft": "I0001", "active": "I0002", "inactive": "I0320"}


def plan(index: int) -> Row:
    """A row of ``MaintenancePlan``: what is maintained is told by its item, how often by its cycle."""
    found = plant.plan(index)
    return {
        "MaintenancePlan": plan_number(index),
        "MaintenancePlanDesc": found.description,
        "MaintenancePlanCategory": "PM",
        "MaintenancePlanSystemStatus": _PLAN_STATUSES[found.status],
        "LastChangeDateTime": plant.FIRST_MOMENT,
    }


def item(index: int) -> Row:
    """A row of ``MaintenanceItem``: one for each plan."""
    found = plant.plan(index)
    return {
        "MaintenanceItem": str(index + 1),
        "MaintenanceItemDescription": found.description,
        "MaintenancePlan": plan_number(index),
        "Equipment": equipment_number(found.asset),
        "FunctionalLocationLabelName": _location(plant.asset(found.asset).location),
        "MaintenancePlanningPlant": found.site.plant,
        "MaintenancePlant": found.site.plant,
    }


def cycle(index: int) -> Row:
    """A row of ``MaintenancePlanCycle``: one for each plan, which is no strategy plan."""
    found = plant.plan(index)
    return {
        "MaintenancePlan": plan_number(index),
        "MaintenancePlanCycle": "1",
        "MaintPlanCycRcrrcIntervalQty": float(found.frequency),
        "MaintPlanCycRcrrcIntervalUnit": {"days": "DAY", "weeks": "WK", "months": "MON"}[
            found.unit
        ],
    }


def schedule(index: int) -> Row:
    """A row of ``MaintenancePlanSchedule``: the call that was done and the one that comes."""
    number, call = divmod(index, 2)
    found = plant.plan(number)
    return {
        "MaintenancePlan": plan_number(number),
        "MaintenancePlanCallNumber": call + 1,
        "MaintenanceCallNextPlannedDate": found.next_due if call else found.last_started,
        "CompletionDate": None if call else found.last_completed,
    }


UNITS = {"HOURS": "H", "KWH": "KWH", "DEG C": "GC"}
_POSITIONS = plant.READINGS + 1  # documents of a point: the last one was taken back
DOCUMENTS = plant.METERS_THERE * _POSITIONS


def measuring_point(index: int) -> Row:
    """A row of ``MeasuringPoint``; it names its equipment, and no plant."""
    asset, number = plant.meter(index)
    name, unit, kind = plant.METERS[number]
    return {
        "MeasuringPoint": str(30_000 + index),
        "MeasuringPointDescription": name,
        "TechnicalObjectType": "EAMS_EQUI",
        "MeasuringPointPositionNumber": f"{number + 1:03d}",
        "MeasuringPointCategory": "M",
        "MeasuringPointIsCounter": kind == "CONTINUOUS",
        "MeasurementRangeUnit": UNITS[unit],
        "FunctionalLocation": "",
        "Equipment": equipment_number(asset),
    }


def measurement(index: int) -> Row:
    """A row of ``MeasurementDocument``: hours are kept in seconds and entered in hours.

    Of every second point the documents were entered in the order in which they were read; of the
    others the late ones first. The last of each was a mistake and has been reversed.
    """
    point, place = divmod(index, _POSITIONS)
    asset, number = plant.meter(point)
    found = plant.reading(asset, number, min(place, plant.READINGS - 1))
    mistaken = place == plant.READINGS
    moment = found.moment + timedelta(days=1) if mistaken else found.moment
    value = float(found.value) + (1_000_000 if mistaken else 0)
    day, clock = _clock(moment, plant.asset(asset).site)
    return {
        "MeasurementDocument": str(
            80_000 + point * _POSITIONS + (plant.READINGS - place if point % 2 else place)
        ),
        "MeasuringPoint": str(30_000 + point),
        "MsmtRdngDate": day,
        "MsmtRdngTime": clock,
        "MeasurementReading": value * 3600 if number == 0 else value,
        "MeasurementReadingInEntryUoM": value,
        "MeasurementReadingEntryUoM": UNITS[plant.METERS[number][1]],
        "MsmtRdngIsReversed": mistaken,
    }
