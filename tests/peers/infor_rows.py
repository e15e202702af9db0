"""The grids and entities of the Infor EAM emulator, told from ``maintained_plant``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from . import maintained_plant as plant
from .maintained_plant import State, WorkOrder

# State -> system status, usual user status, the site's own word, its text.
STATUSES: dict[State, tuple[str, str, str, str]] = {
    State.REQUESTED: ("Q", "Q", "DEM", "Work request"),
    State.APPROVED: ("R", "R", "APPR", "Released"),
    State.WAITING_MATERIAL: ("R", "WM", "WM", "Waiting for material"),
    State.WAITING_SCHEDULE: ("A", "A", "PLAN", "Awaiting planning"),
    State.IN_PROGRESS: ("R", "IP", "STARTED", "In progress"),
    State.COMPLETED: ("C", "C", "TFIN", "Completed"),
    State.CLOSED: ("C", "CLOS", "ARCH", "Closed"),
    State.CANCELLED: ("C", "CANC", "REJ", "Cancelled"),
    State.STRANGE: ("X", "ZQ", "ZQ", "Quality hold"),
}
ASSET_STATUSES = {
    "operating": "I",
    "not ready": "I",
    "failed": "I",
    "retired": "D",
    "inactive": "C",
}
KINDS = {"CM": "CD", "PM": "PPM", "EM": "BRKD", "": ""}
Row = dict[str, Any]


class Grid(NamedTuple):
    """A grid: the type of each field, a row's values, how many rows, and what is hidden."""

    fields: dict[str, str]
    make: Callable[[int], Row]
    rows: int  # -1: as many as there are work orders
    hidden: Callable[[Row], bool]  # by the user's default dataspy


_JOB_FIELDS = {
    "workordernum": "VARCHAR", "organization": "VARCHAR", "description": "MIXVARCHAR",
    "equipment": "VARCHAR", "location": "VARCHAR", "workorderstatus": "VARCHAR",
    "workorderstatus_display": "MIXVARCHAR", "evt_rstatus": "VARCHAR", "workordertype": "VARCHAR",
    "priority": "VARCHAR", "department": "VARCHAR", "datecreated": "DATETIME",
    "schedstartdate": "DATE", "schedenddate": "DATE", "duedate": "DATE", "datestarted": "DATETIME",
    "datecompleted": "DATETIME", "dateupdated": "DATETIME", "assignedto": "VARCHAR",
    "parentwo": "VARCHAR", "pmcode": "VARCHAR", "problemcode": "VARCHAR", "causecode": "VARCHAR",
    "actioncode": "VARCHAR", "downtimehours": "DECIMAL", "hoursworked": "DECIMAL",
    "totalcost": "CURRENCY", "safety": "CHKBOOLEAN", "recordid": "NUMBER",
}  # fmt: skip


def job(index: int) -> Row:
    """A row of WSJOBS."""
    order = plant.work_order(index)
    system, usual, own, text = STATUSES[order.state]
    problem, cause, action = (
        (None,) * 3 if order.failure is None else plant.failure_codes(order.failure)
    )
    return {
        "workordernum": order.number,
        "organization": order.site.name,
        "description": order.description,
        "equipment": None if order.asset is None else plant.asset(order.asset).number,
        "location": order.location,
        "workorderstatus": own if order.synonym else usual,
        "workorderstatus_display": text,
        "evt_rstatus": system,
        "workordertype": KINDS[order.kind] or None,
        "priority": None if order.priority is None else str(order.priority),
        "department": f"MNT{index % 5}",
        "datecreated": order.reported,
        "schedstartdate": order.scheduled_start,
        "schedenddate": order.scheduled_finish,
        "duedate": order.due and datetime.combine(order.due, time()),
        "datestarted": order.actual_start,
        "datecompleted": order.actual_finish,
        "dateupdated": order.changed,
        "assignedto": f"USER{index % 40:02d}",
        "parentwo": None if order.parent is None else plant.work_order(order.parent).number,
        "pmcode": None if order.plan is None else plant.plan(order.plan).number,
        "problemcode": problem,
        "causecode": cause,
        "actioncode": action,
        "downtimehours": plant.downtime_hours(order),
        "hoursworked": order.labor_hours,
        "totalcost": order.labor_cost + order.material_cost,
        "safety": index % 7 == 0,
        "recordid": Decimal(10**9 + index),
    }


def numbered_job(index: int) -> Row:
    """A row of a grid in which the code of the equipment is a number."""
    row = job(index)
    code = row["equipment"]
    return row | {"equipment": Decimal(code) if code and code.isdigit() else None}


_ASSET_FIELDS = {
    "equipmentno": "VARCHAR", "equipmentdesc": "MIXVARCHAR", "organization": "VARCHAR",
    "assetstatus": "VARCHAR", "assetstatus_display": "MIXVARCHAR", "obj_rstatus": "VARCHAR",
    "class": "VARCHAR", "location": "VARCHAR", "parentasset": "VARCHAR", "serialnumber": "VARCHAR",
    "manufacturer": "VARCHAR", "commissiondate": "DATE", "criticality": "NUMBER",
    "downtimehours": "DECIMAL", "outofservice": "CHKBOOLEAN",
}  # fmt: skip


def asset(index: int) -> Row:
    """A row of OSOBJA."""
    found = plant.asset(index)
    return {
        "equipmentno": found.number,
        "equipmentdesc": found.description,
        "organization": found.site.name,
        "assetstatus": found.status.upper()[:4],
        "assetstatus_display": found.status.capitalize(),
        "obj_rstatus": ASSET_STATUSES[found.status],
        "class": found.kind,
        "location": found.location,
        "parentasset": None if found.parent is None else plant.asset(found.parent).number,
        "serialnumber": found.serial,
        "manufacturer": found.manufacturer,
        "commissiondate": found.installed and datetime.combine(found.installed, time()),
        "criticality": Decimal(found.priority),
        "downtimehours": found.downtime_hours,
        "outofservice": found.status in {"failed", "not ready"},
    }


_METER_FIELDS = {
    "equipmentno": "VARCHAR", "organization": "VARCHAR", "metername": "VARCHAR", "uom": "VARCHAR",
    "lastreading": "DECIMAL", "lastreadingdate": "DATETIME",
}  # fmt: skip


def meter(index: int) -> Row:
    """A row of OSMETE."""
    asset_index, number = plant.meter(index)
    found = plant.asset(asset_index)
    name, unit, _ = plant.METERS[number]
    last = plant.reading(found.row, number, plant.READINGS - 1)
    return {
        "equipmentno": found.number,
        "organization": found.site.name,
        "metername": name,
        "uom": unit,
        "lastreading": last.value,
        "lastreadingdate": last.moment,
    }


_PLAN_FIELDS = {
    "ppmcode": "VARCHAR", "organization": "VARCHAR", "ppmdesc": "MIXVARCHAR", "equipment": "VARCHAR",
    "frequency": "NUMBER", "frequencyuom": "VARCHAR", "duedate": "DATE", "status": "VARCHAR",
    "lastcompleted": "DATE",
}  # fmt: skip


def plan(index: int) -> Row:
    """A row of the grid of plans."""
    found = plant.plan(index)
    return {
        "ppmcode": found.number,
        "organization": found.site.name,
        "ppmdesc": found.description,
        "equipment": plant.asset(found.asset).number,
        "frequency": Decimal(found.frequency),
        "frequencyuom": found.unit[0].upper(),
        "duedate": found.next_due and datetime.combine(found.next_due, time()),
        "status": found.status[:1].upper(),
        "lastcompleted": found.last_completed and datetime.combine(found.last_completed, time()),
    }


_EVENT_FIELDS = {
    "eventno": "VARCHAR", "organization": "VARCHAR", "description": "MIXVARCHAR",
    "equipment": "VARCHAR", "status": "VARCHAR", "datereported": "DATETIME",
    "failurestart": "DATETIME", "failureend": "DATETIME", "breakdown": "CHKBOOLEAN",
    "workordernum": "VARCHAR",
}  # fmt: skip


def event(index: int) -> Row:
    """A row of OSVEVT."""
    found = plant.notification(index)
    order = found.work_order
    return {
        "eventno": found.number,
        "organization": found.site.name,
        "description": found.description,
        "equipment": plant.asset(found.asset).number,
        "status": found.state[:1].upper(),
        "datereported": found.reported,
        "failurestart": found.malfunction_start,
        "failureend": found.malfunction_end,
        "breakdown": found.is_breakdown,
        "workordernum": None if order is None else plant.work_order(order).number,
    }


def _nothing(_: Row) -> bool:
    return False


GRIDS = {
    "WSJOBS": Grid(_JOB_FIELDS, job, -1, lambda row: row["evt_rstatus"] == "C"),
    "UUJOBN": Grid(_JOB_FIELDS | {"equipment": "NUMBER"}, numbered_job, -1, _nothing),
    "OSOBJA": Grid(_ASSET_FIELDS, asset, plant.ASSETS, lambda row: row["obj_rstatus"] == "D"),
    "OSMETE": Grid(_METER_FIELDS, meter, plant.METERS_THERE, _nothing),
    "OSPPMS": Grid(_PLAN_FIELDS, plan, plant.PLANS, lambda row: row["status"] != "A"),
    "OSVEVT": Grid(_EVENT_FIELDS, event, 600, _nothing),
}


# --- entities ----------------------------------------------------------------------------


def date_shape(moment: datetime | None, zone: ZoneInfo) -> Row | None:
    """A time in parts; the year is the milliseconds at which that year began on this clock."""
    if moment is None:
        return None
    local = moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)
    year = datetime(local.year, 1, 1, tzinfo=zone)
    return {
        "YEAR": int(year.timestamp()) * 1000,
        "MONTH": local.month,
        "DAY": local.day,
        "HOUR": local.hour,
        "MINUTE": local.minute,
        "SECOND": local.second,
        "SUBSECOND": 0,
        "TIMEZONE": local.strftime("%z"),
        "qualifier": "OTHER",
    }


def number_shape(value: Decimal | None, unit: str = "default") -> Row | None:
    """A number without its point: 123.45 is 12345 with two decimals."""
    if value is None:
        return None
    places = max(0, -int(value.as_tuple().exponent))
    return {
        "VALUE": int(abs(value).scaleb(places)),
        "NUMOFDEC": places,
        "SIGN": "-" if value < 0 else "+",
        "UOM": unit,
        "qualifier": "OTHER",
    }


def _organization(name: str) -> Row:
    return {"ORGANIZATIONCODE": name, "DESCRIPTION": name.title()}


def _code(name: str, value: str | None) -> Row | None:
    return None if value is None else {f"{name}CODE": value, "DESCRIPTION": ""}


def work_order_entity(index: int, zone: ZoneInfo) -> Row:
    """The ``WorkOrder`` of an entity reply; what there is not is left out."""
    row, order = job(index), plant.work_order(index)
    organization = _organization(row["organization"])
    equipment = _code("EQUIPMENT", row["equipment"])
    told = {
        "recordid": int(row["recordid"]),
        "WORKORDERID": {
            "JOBNUM": row["workordernum"],
            "DESCRIPTION": row["description"],
            "ORGANIZATIONID": organization,
        },
        "STATUS": {
            "STATUSCODE": row["workorderstatus"],
            "DESCRIPTION": row["workorderstatus_display"],
        },
        "RSTATUS": {"STATUSCODE": row["evt_rstatus"]},
        "TYPE": _code("TYPE", row["workordertype"]),
        "EQUIPMENTID": equipment and equipment | {"ORGANIZATIONID": organization},
        "LOCATIONID": {"LOCATIONCODE": row["location"], "ORGANIZATIONID": organization},
        "PRIORITY": _code("PRIORITY", row["priority"]),
        **_dates(order, zone),
        "PROBLEMCODEID": _code("PROBLEM", row["problemcode"]),
        "CAUSECODEID": _code("CAUSE", row["causecode"]),
        "ACTIONCODEID": _code("ACTION", row["actioncode"]),
        "DOWNTIMEHOURS": number_shape(row["downtimehours"], "HOURS"),
        "TOTALCOST": number_shape(row["totalcost"], "EUR"),
    }
    return {name: value for name, value in told.items() if value is not None}


def _dates(order: WorkOrder, zone: ZoneInfo) -> Row:
    due = order.due and datetime.combine(order.due, time())
    times = {
        "REPORTED": order.reported,
        "CREATEDDATE": order.reported,
        "TARGETDATE": order.scheduled_start,
        "SCHEDEND": order.scheduled_finish,
        "STARTDATE": order.actual_start,
        "COMPLETEDDATE": order.actual_finish,
        "DUEDATE": due,
    }
    return {name: date_shape(moment, zone) for name, moment in times.items()}


def asset_entity(index: int, zone: ZoneInfo) -> Row:
    """The ``AssetEquipment`` of an entity reply."""
    row = asset(index)
    organization = _organization(row["organization"])
    told = {
        "ASSETID": {
            "EQUIPMENTCODE": row["equipmentno"],
            "DESCRIPTION": row["equipmentdesc"],
            "ORGANIZATIONID": organization,
        },
        "STATUS": {"STATUSCODE": row["assetstatus"], "DESCRIPTION": row["assetstatus_display"]},
        "SYSTEMSTATUSCODE": row["obj_rstatus"],
        "CLASSID": _code("CLASS", row["class"]),
        "SERIALNUMBER": row["serialnumber"],
        "MANUFACTURERCODE": row["manufacturer"],
        "COMMISSIONDATE": date_shape(row["commissiondate"], zone),
        "DOWNTIMEHOURS": number_shape(row["downtimehours"], "HOURS"),
        "OUTOFSERVICE": "true" if row["outofservice"] else "false",
    }
    return {name: value for name, value in told.items() if value is not None}
