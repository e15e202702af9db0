"""Which object structure of Maximo holds an entity, and what its attributes mean.

Source: IBM's REST guide (ibm-maximo-dev/maximo-restapi-documentation) and Maximo's data
dictionary. All of it can be overridden with ``objects``, ``field_map`` and ``native_columns``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from greenlang_data.drivers.cmms import entities
from greenlang_data.drivers.cmms.entities import Entity, Kind

_NOTHING: Final[Mapping[str, Kind]] = MappingProxyType({})


@dataclass(frozen=True)
class Structure:
    """An object structure. ``names`` are tried in order, because older systems lack the first.

    ``key`` are the attributes that are unique together, in the order in which pages go.
    ``columns`` are the attributes of canonical columns, ``child`` the list of which each item is a
    record, ``inner`` those of its attributes that are meant. ``days`` are the columns of instants
    that Maximo keeps as dates.
    """

    entity: Entity
    names: tuple[str, ...]
    key: tuple[str, ...]
    columns: Mapping[str, str]
    native: Mapping[str, Kind] = field(default_factory=lambda: _NOTHING)
    child: str | None = None
    inner: frozenset[str] = frozenset()
    days: frozenset[str] = frozenset()


_COMMON: Final = {
    "site": "siteid",
    "asset_id": "assetnum",
    "location_id": "location",
    "description": "description",
    "status_raw": "status",
    "changed_at": "changedate",
}

_WORK_ORDER: Final = Structure(
    entities.WORK_ORDER,
    ("MXAPIWODETAIL", "MXWODETAIL", "MXWO"),
    ("siteid", "wonum"),
    {
        **_COMMON,
        "work_order_id": "wonum",
        "type": "worktype",
        "priority": "wopriority",
        "created_at": "reportdate",
        "scheduled_start": "schedstart",
        "scheduled_finish": "schedfinish",
        "actual_start": "actstart",
        "actual_finish": "actfinish",
        "due_at": "targcompdate",
        # The class of failure is Maximo's own; the problem is what other systems call the failure.
        "failure_code": "problemcode",
        "labor_hours": "actlabhrs",
        "cost_total": "acttotalcost",
        "parent_id": "parent",
        "pm_id": "pmnum",
    },
    {
        "orgid": Kind.TEXT,
        "statusdate": Kind.INSTANT,
        "woclass": Kind.TEXT,
        "istask": Kind.FLAG,
        "historyflag": Kind.FLAG,
        "targstartdate": Kind.INSTANT,
        "estdur": Kind.NUMBER,
        "actlabcost": Kind.NUMBER,
        "actmatcost": Kind.NUMBER,
        "failurecode": Kind.TEXT,
        "jpnum": Kind.TEXT,
    },
    days=frozenset({"due_at"}),
)
_ASSET: Final = Structure(
    entities.ASSET,
    ("MXAPIASSET", "MXASSET"),
    ("siteid", "assetnum"),
    {
        **_COMMON,
        "type": "assettype",
        "parent_id": "parent",
        "serial_number": "serialnum",
        "manufacturer": "manufacturer",
        "priority": "priority",
        "install_date": "installdate",
        "downtime_hours": "totdowntime",
    },
    {"orgid": Kind.TEXT, "isrunning": Kind.FLAG},
)
_PM: Final = Structure(
    entities.PM,
    ("MXAPIPM", "MXPM"),
    ("siteid", "pmnum"),
    {
        **_COMMON,
        "pm_id": "pmnum",
        "type": "worktype",
        "frequency": "frequency",
        "frequency_unit": "frequnit",
        "next_date": "nextdate",
        "last_start_date": "laststartdate",
        "last_completed_date": "lastcompdate",
    },
    {"orgid": Kind.TEXT, "jpnum": Kind.TEXT, "usetargetdate": Kind.FLAG},
)
_NOTIFICATION: Final = Structure(
    entities.NOTIFICATION,
    ("MXAPISR", "MXSR"),
    ("ticketid",),
    {
        **_COMMON,
        "notification_id": "ticketid",
        "type": "class",
        "priority": "reportedpriority",
        "created_at": "reportdate",
        "malfunction_start": "affecteddate",
        "due_at": "targetfinish",
        "failure_code": "failurecode",
    },
    {"orgid": Kind.TEXT, "reportedby": Kind.TEXT},
)
_METER: Final = Structure(
    entities.METER,
    ("MXAPIASSET", "MXASSET"),
    ("siteid", "assetnum"),
    {
        "site": "siteid",
        "asset_id": "assetnum",
        "meter_id": "metername",
        "type": "metertype",
        "unit": "measureunitid",
        "reading": "lastreading",
        "reading_at": "lastreadingdate",
    },
    child="assetmeter",
    inner=frozenset({"metername", "metertype", "measureunitid", "lastreading", "lastreadingdate"}),
)
_FAILURE: Final = Structure(
    entities.FAILURE,
    ("MXAPIFAILURELIST", "MXFAILURELIST"),
    ("failurelist",),
    {
        "failure_id": "failurelist",
        "failure_code": "failurecode",
        "description": "description",
        "type": "type",
        "parent_id": "parent",
    },
    {"orgid": Kind.TEXT},
)

STRUCTURES: Final[Mapping[str, Structure]] = MappingProxyType(
    {one.entity.name: one for one in (_WORK_ORDER, _ASSET, _PM, _NOTIFICATION, _METER, _FAILURE)}
)
