"""The object structures of the Maximo emulator, told from ``maintained_plant``.

A record maps attributes to values: ``str``, ``bool``, ``int``, ``Decimal``, aware ``datetime``,
``date``, None, a dict (a related object) or a list of dicts (children).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from . import maintained_plant as plant
from .maintained_plant import Site, State, WorkOrder

Record = dict[str, Any]

# State -> the internal value, the usual external value, the site's own word for it.
STATUSES: dict[State, tuple[str, str, str]] = {
    State.REQUESTED: ("WAPPR", "WAPPR", "NEW"),
    State.APPROVED: ("APPR", "APPR", "FREIG"),
    State.WAITING_MATERIAL: ("WMATL", "WMATL", "WMATL"),
    State.WAITING_SCHEDULE: ("WSCH", "WSCH", "PLANNED"),
    State.IN_PROGRESS: ("INPRG", "INPRG", "STARTED"),
    State.COMPLETED: ("COMP", "COMP", "WCLOSE"),
    State.CLOSED: ("CLOSE", "CLOSE", "ARCHIVED"),
    State.CANCELLED: ("CAN", "CAN", "DUPLICATE"),
    State.STRANGE: ("ZQUAL", "ZQUAL", "ZQUAL"),
}
_TEXTS = {
    "WAPPR": "Waiting on Approval", "APPR": "Approved", "WMATL": "Waiting on Material",
    "WSCH": "Waiting to be Scheduled", "INPRG": "In Progress", "COMP": "Completed",
    "CLOSE": "Closed", "CAN": "Canceled", "ZQUAL": "Quality hold",
}  # fmt: skip
_ASSET_STATUSES = {
    "operating": "OPERATING",
    "not ready": "NOT READY",
    "failed": "BROKEN",
    "retired": "DECOMMISSIONED",
    "inactive": "INACTIVE",
}


def _head(site: Site, status: str, internal: str, text: str) -> Record:
    return {
        "siteid": site.name,
        "orgid": site.organization,
        "status": status,
        "status_maxvalue": internal,
        "status_description": text,
    }


def _local(moment: datetime | None, site: Site) -> datetime | None:
    """The site's own clock, so that the offset changes with the season."""
    return moment.astimezone(ZoneInfo(site.zone)) if moment else None


def _number_of_asset(index: int | None) -> str | None:
    return None if index is None else plant.asset(index).number


def work_order(index: int) -> Record:
    """A member of MXAPIWODETAIL."""
    order = plant.work_order(index)
    internal, usual, own = STATUSES[order.state]
    problem, cause, remedy = (
        (None, None, None) if order.failure is None else plant.failure_codes(order.failure)
    )
    site = order.site
    return {
        "wonum": order.number,
        **_head(site, own if order.synonym else usual, internal, _TEXTS[internal]),
        "workorderid": 500_000 + index,
        "description": order.description,
        "statusdate": _local(order.status_changed, site),
        "worktype": order.kind or None,
        "wopriority": order.priority,
        "assetnum": _number_of_asset(order.asset),
        "location": order.location,
        "parent": None if order.parent is None else plant.work_order(order.parent).number,
        "istask": order.is_task,
        "woclass": "ACTIVITY" if order.is_task else "WORKORDER",
        "historyflag": order.state in {State.CLOSED, State.CANCELLED},
        "reportdate": _local(order.reported, site),
        "reportedby": f"USER{index % 40:02d}",
        "schedstart": _local(order.scheduled_start, site),
        "schedfinish": _local(order.scheduled_finish, site),
        "targcompdate": order.due,
        "actstart": _local(order.actual_start, site),
        "actfinish": _local(order.actual_finish, site),
        "estdur": _hours(order),
        "actlabhrs": order.labor_hours,
        "actlabcost": order.labor_cost,
        "actmatcost": order.material_cost,
        "acttotalcost": order.labor_cost + order.material_cost,
        "downtimehrs": plant.downtime_hours(order),  # an attribute of the site's own
        "failurecode": None if problem is None else "PUMPS",
        "problemcode": problem,
        "pmnum": None if order.plan is None else plant.plan(order.plan).number,
        "jpnum": None if order.plan is None else plant.plan(order.plan).job_plan,
        "changedate": _local(order.changed, site),
        "_rowstamp": str(7_000_000 + index * 17),
        "asset": None if order.asset is None else asset(order.asset),
        "labtrans": _labor(order),
        "failurereport": [
            {"type": kind, "failurecode": code, "linenum": place + 1}
            for place, (kind, code) in enumerate(
                zip(("PROBLEM", "CAUSE", "REMEDY"), (problem, cause, remedy), strict=True)
            )
            if code
        ],
    }


def _hours(order: WorkOrder) -> Decimal | None:
    if order.scheduled_start is None or order.scheduled_finish is None:
        return None
    return Decimal((order.scheduled_finish - order.scheduled_start).seconds // 900) / 4


def _labor(order: WorkOrder) -> list[Record]:
    """The hours in two bookings that add up to the whole."""
    if not order.labor_hours:
        return []
    first = (order.labor_hours / 2).quantize(Decimal("0.01"))
    return [
        {
            "laborcode": f"LAB{(order.row + part) % 30:03d}",
            "regularhrs": hours,
            "startdate": order.actual_start.date() if order.actual_start else None,
        }
        for part, hours in enumerate((first, order.labor_hours - first))
    ]


@functools.cache
def asset(index: int) -> Record:
    """A member of MXAPIASSET."""
    found = plant.asset(index)
    status = _ASSET_STATUSES[found.status]
    return {
        "assetnum": found.number,
        **_head(found.site, status, status, status.title()),
        "assetid": 20_000 + index,
        "description": found.description,
        "assettype": found.kind,
        "location": found.location,
        "parent": _number_of_asset(found.parent),
        "serialnum": found.serial,
        "manufacturer": found.manufacturer,
        "installdate": found.installed,
        "totdowntime": found.downtime_hours,
        "isrunning": found.status == "operating",
        "priority": found.priority,
        "changedate": _local(plant.FIRST_MOMENT, found.site),
        "_rowstamp": str(3_000_000 + index),
        "assetmeter": [_meter(index, meter) for meter in plant.meters_of(index)],
    }


def _meter(index: int, meter: int) -> Record:
    name, unit, kind = plant.METERS[meter]
    last = plant.reading(index, meter, plant.READINGS - 1)
    return {
        "metername": name,
        "measureunitid": unit,
        "metertype": kind,
        "lastreading": str(last.value),  # a text on the wire, as the attribute is ALN
        "lastreadingdate": _local(last.moment, plant.asset(index).site),
    }


def plan(index: int) -> Record:
    """A member of MXAPIPM."""
    found = plant.plan(index)
    status = found.status.upper()
    return {
        "pmnum": found.number,
        **_head(found.site, status, status, found.status.title()),
        "pmuid": 900 + index,
        "description": found.description,
        "assetnum": _number_of_asset(found.asset),
        "location": plant.asset(found.asset).location,
        "frequency": found.frequency,
        "frequnit": found.unit.upper(),
        "nextdate": found.next_due,
        "laststartdate": found.last_started,
        "lastcompdate": found.last_completed,
        "worktype": "PM",
        "jpnum": found.job_plan,
        "usetargetdate": index % 2 == 0,
        "_rowstamp": str(1_000_000 + index),
        "pmseasons": [],
    }


_TICKETS = {"outstanding": "NEW", "postponed": "PENDING", "in process": "INPROG",
            "completed": "RESOLVED"}  # fmt: skip


def service_request(index: int) -> Record:
    """A member of MXAPISR."""
    found = plant.notification(index)
    status = _TICKETS[found.state]
    site = found.site
    order = found.work_order
    return {
        "ticketid": found.number,
        "class": "SR",
        **_head(site, status, status, status.title()),
        "description": found.description,
        "reportdate": _local(found.reported, site),
        "affecteddate": _local(found.malfunction_start, site),
        "actualfinish": _local(found.malfunction_end, site),
        "reportedby": found.reporter,
        "reportedpriority": found.priority,
        "assetnum": _number_of_asset(found.asset),
        "assetsiteid": site.name,
        "relatedrecord": []
        if order is None
        else [{"relatedrecclass": "WORKORDER", "relatedreckey": plant.work_order(order).number}],
        "_rowstamp": str(4_000_000 + index),
    }


def reading(index: int) -> Record:
    """A member of MXAPIMETERDATA: the readings of the assets that have meters."""
    of_asset, number = divmod(index, plant.READINGS)
    found = plant.asset(of_asset * 2)
    name, unit, _ = plant.METERS[0]
    told = plant.reading(found.row, 0, number)
    return {
        "assetnum": found.number,
        "siteid": found.site.name,
        "orgid": found.site.organization,
        "metername": name,
        "measureunitid": unit,
        "newreading": str(told.value),
        "newreadingdate": _local(told.moment, found.site),
        "meterreadingid": 60_000 + index,
        "_rowstamp": str(6_000_000 + index),
    }


def meter(index: int) -> Record:
    """A member of MXAPIMETER: what a meter of that name measures."""
    name, unit, kind = plant.METERS[index]
    return {
        "metername": name,
        "measureunitid": unit,
        "metertype": kind,
        "description": name.title(),
        "_rowstamp": str(200 + index),
    }


def failure(index: int) -> Record:
    """A member of MXAPIFAILURELIST: one line of the tree below the class PUMPS."""
    lists = (("PROBLEM", plant.PROBLEMS), ("CAUSE", plant.CAUSES), ("REMEDY", plant.REMEDIES))
    kind, codes = lists[index // 4]
    parents = (None, plant.PROBLEMS, plant.CAUSES)[index // 4]
    return {
        "failurelist": 700 + index,
        "failurecode": codes[index % 4],
        "type": kind,
        "parent": parents[index % 4] if parents else "PUMPS",
        "orgid": "EAGLENA",
        "description": codes[index % 4].title(),
        "_rowstamp": str(100 + index),
    }


class Structure(NamedTuple):
    """An object structure: how a record is made, how many there are, what its key is."""

    make: Callable[[int], Record]
    rows: int  # -1: as many as there are work orders
    key: tuple[str, ...]


_ORDERS = Structure(work_order, -1, ("wonum", "siteid"))
STRUCTURES = {
    "MXAPIWODETAIL": _ORDERS,
    "MXWODETAIL": _ORDERS,
    "MXWO": _ORDERS,
    "MXAPIASSET": Structure(asset, plant.ASSETS, ("assetnum", "siteid")),
    "MXAPIPM": Structure(plan, plant.PLANS, ("pmnum", "siteid")),
    "MXAPISR": Structure(service_request, 600, ("ticketid", "class")),
    "MXAPIMETERDATA": Structure(reading, plant.ASSETS // 2 * plant.READINGS, ("meterreadingid",)),
    "MXAPIMETER": Structure(meter, len(plant.METERS), ("metername",)),
    "MXAPIFAILURELIST": Structure(failure, 12, ("failurelist",)),
}
