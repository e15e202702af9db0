"""Which grid or entity of Infor EAM holds the records of a kind, and what its fields mean.

Source: cern-eam/eam-wshub-core and its user interfaces, for the grids' names and the fields
workordernum, description, equipment, organization, workorderstatus, evt_rstatus, workordertype,
priority, datecreated, schedstartdate, schedenddate and datecompleted; equipmentno, equipmentdesc
and organization; and for the entities. Further fields are unverified: grids differ from
installation to installation, and ``objects`` and ``field_map`` override all of it.
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
class Table:
    """A grid, or a collection of entities, whose ``name`` then begins with a slash.

    ``key`` are the columns that are unique together, the one to sort by first. ``system_status``
    and ``status_text`` are fields. The fields of entities are paths of names.
    """

    entity: Entity
    name: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    native: Mapping[str, Kind] = field(default_factory=lambda: _NOTHING)
    system_status: str | None = None
    status_text: str | None = None
    within: str = ""  # the name of an entity's record in a collection

    @property
    def is_grid(self) -> bool:
        """Whether it is asked for by a grid request, with filters and a dataspy."""
        return not self.name.startswith("/")


_GRIDS: Final = (
    Table(
        entities.WORK_ORDER,
        "WSJOBS",
        ("work_order_id", "site"),
        {
            "work_order_id": "workordernum",
            "site": "organization",
            "asset_id": "equipment",
            "location_id": "location",
            "description": "description",
            "status_raw": "workorderstatus",
            "type": "workordertype",
            "priority": "priority",
            "created_at": "datecreated",
            "scheduled_start": "schedstartdate",
            "scheduled_finish": "schedenddate",
            "actual_start": "datestarted",
            "actual_finish": "datecompleted",
            "due_at": "duedate",
            "failure_code": "problemcode",
            "downtime_hours": "downtimehours",
            "labor_hours": "hoursworked",
            "cost_total": "totalcost",
            "parent_id": "parentwo",
            "pm_id": "pmcode",
            "changed_at": "dateupdated",
        },
        {
            "workorderstatus_display": Kind.TEXT,
            "evt_rstatus": Kind.TEXT,
            "department": Kind.TEXT,
            "assignedto": Kind.TEXT,
            "causecode": Kind.TEXT,
            "actioncode": Kind.TEXT,
        },
        "evt_rstatus",
        "workorderstatus_display",
    ),
    Table(
        entities.ASSET,
        "OSOBJA",
        ("asset_id", "site"),
        {
            "asset_id": "equipmentno",
            "site": "organization",
            "description": "equipmentdesc",
            "status_raw": "assetstatus",
            "type": "class",
            "location_id": "location",
            "parent_id": "parentasset",
            "serial_number": "serialnumber",
            "manufacturer": "manufacturer",
            "priority": "criticality",
            "install_date": "commissiondate",
            "downtime_hours": "downtimehours",
        },
        {"assetstatus_display": Kind.TEXT, "obj_rstatus": Kind.TEXT},
        "obj_rstatus",
        "assetstatus_display",
    ),
    Table(
        entities.METER,
        "OSMETE",
        ("asset_id", "site", "meter_id"),
        {
            "asset_id": "equipmentno",
            "site": "organization",
            "meter_id": "metername",
            "unit": "uom",
            "reading": "lastreading",
            "reading_at": "lastreadingdate",
        },
    ),
    Table(
        entities.NOTIFICATION,
        "OSVEVT",
        ("notification_id", "site"),
        {
            "notification_id": "eventno",
            "site": "organization",
            "asset_id": "equipment",
            "description": "description",
            "status_raw": "status",
            "created_at": "datereported",
            "malfunction_start": "failurestart",
            "malfunction_finish": "failureend",
            "work_order_id": "workordernum",
        },
    ),
    # No source names the grid of plans, so objects has to.
    Table(
        entities.PM,
        "",
        ("pm_id", "site"),
        {
            "pm_id": "ppmcode",
            "site": "organization",
            "description": "ppmdesc",
            "asset_id": "equipment",
            "status_raw": "status",
            "frequency": "frequency",
            "frequency_unit": "frequencyuom",
            "next_date": "duedate",
            "last_completed_date": "lastcompleted",
        },
    ),
)
_ENTITIES: Final = (
    Table(
        entities.WORK_ORDER,
        "/workorders",
        ("work_order_id", "site"),
        {
            "work_order_id": "WORKORDERID.JOBNUM",
            "site": "WORKORDERID.ORGANIZATIONID.ORGANIZATIONCODE",
            "asset_id": "EQUIPMENTID.EQUIPMENTCODE",
            "location_id": "LOCATIONID.LOCATIONCODE",
            "description": "WORKORDERID.DESCRIPTION",
            "status_raw": "STATUS.STATUSCODE",
            "type": "TYPE.TYPECODE",
            "priority": "PRIORITY.PRIORITYCODE",
            "created_at": "CREATEDDATE",
            "scheduled_start": "TARGETDATE",
            "scheduled_finish": "SCHEDEND",
            "actual_start": "STARTDATE",
            "actual_finish": "COMPLETEDDATE",
            "due_at": "DUEDATE",
            "failure_code": "PROBLEMCODEID.PROBLEMCODE",
            "downtime_hours": "DOWNTIMEHOURS",
            "cost_total": "TOTALCOST",
        },
        {"recordid": Kind.TEXT},
        "RSTATUS.STATUSCODE",
        "STATUS.DESCRIPTION",
        within="WorkOrder",
    ),
    Table(
        entities.ASSET,
        "/assets",
        ("asset_id", "site"),
        {
            "asset_id": "ASSETID.EQUIPMENTCODE",
            "site": "ASSETID.ORGANIZATIONID.ORGANIZATIONCODE",
            "description": "ASSETID.DESCRIPTION",
            "status_raw": "STATUS.STATUSCODE",
            "type": "CLASSID.CLASSCODE",
            "serial_number": "SERIALNUMBER",
            "manufacturer": "MANUFACTURERCODE",
            "install_date": "COMMISSIONDATE",
            "downtime_hours": "DOWNTIMEHOURS",
        },
        {},
        "SYSTEMSTATUSCODE",
        "STATUS.DESCRIPTION",
        within="AssetEquipment",
    ),
)

GRIDS: Final[Mapping[str, Table]] = MappingProxyType({one.entity.name: one for one in _GRIDS})
COLLECTIONS: Final[Mapping[str, Table]] = MappingProxyType({one.name: one for one in _ENTITIES})
