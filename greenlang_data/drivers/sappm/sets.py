"""Which entity set of SAP holds the records of a kind, and what its properties mean.

Source: SAP's API hub (API_MAINTENANCEORDER, API_MAINTNOTIFICATION, API_EQUIPMENT,
API_MAINTENANCEPLAN, API_MEASURINGPOINT_0001). A field may be several, of which the first that the
service has is taken: ``A|B``; a date and the time beside it on the plant's clock are ``A+B``.
``objects`` ("service/set") and ``field_map`` override all of it, which is how an ECC system's own
services are read. What other sets tell of the same records is in
:mod:`~greenlang_data.drivers.sappm.parts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from greenlang_data.drivers.cmms import entities
from greenlang_data.drivers.cmms.entities import Entity, Kind

_NOTHING: Final[Mapping[str, Kind]] = MappingProxyType({})


@dataclass(frozen=True)
class SetTable:
    """An entity set. ``status`` says how its statuses are told, and ``status_code`` by what field.

    ``kind`` is the field that tells equipment from locations; ``period`` the one that tells which
    of an object's rows is the latest; ``seconds`` a column whose numbers are seconds.
    """

    entity: Entity
    place: str
    columns: Mapping[str, str]
    native: Mapping[str, Kind] = field(default_factory=lambda: _NOTHING)
    status: Literal["words", "code", "flags"] | None = None
    status_code: str | None = None
    kind: str | None = None
    period: str | None = None
    seconds: str | None = None


FLAGS: Final = {
    "EquipmentIsMarkedForDeletion": "deleted",
    "EquipmentIsInactive": "inactive",
    "EquipmentIsInstalled": "operating",
}
"""What is true of a piece of equipment, the strongest first."""

_OBJECT: Final = "TechObjIsEquipOrFuncnlLoc"
_SITE: Final = "MaintenancePlant|MaintenancePlanningPlant"

_TABLES: Final = (
    SetTable(
        entities.WORK_ORDER,
        "API_MAINTENANCEORDER/MaintenanceOrder",
        {
            "work_order_id": "MaintenanceOrder",
            "site": _SITE,
            "asset_id": "Equipment",
            "location_id": "FunctionalLocation",
            "description": "MaintenanceOrderDesc",
            "status_raw": "SystemStatusText",
            "type": "MaintenanceOrderType",
            "priority": "MaintPriority",
            "created_at": "MaintOrderCreationDateTime|CreationDate+CreationTime|CreationDate",
            "scheduled_start": "MaintOrdBasicStartDateTime"
            "|MaintOrdBasicStartDate+MaintOrdBasicStartTime|MaintOrdBasicStartDate",
            "scheduled_finish": "MaintOrdBasicEndDateTime"
            "|MaintOrdBasicEndDate+MaintOrdBasicEndTime|MaintOrdBasicEndDate",
            "due_at": "LatestAcceptableCompletionDate",
            "parent_id": "SuperiorMaintenanceOrder",
            "pm_id": "MaintenancePlan",
            "changed_at": "LastChangeDateTime",
        },
        {
            "UserStatusText": Kind.TEXT,
            "MaintOrdProcessPhaseCode": Kind.TEXT,
            "MaintOrdProcessSubPhaseCode": Kind.TEXT,
            "MaintenancePlanningPlant": Kind.TEXT,
            "MainWorkCenter": Kind.TEXT,
            "MaintenanceActivityType": Kind.TEXT,
            "MaintenanceNotification": Kind.TEXT,
        },
        "words",
    ),
    SetTable(
        entities.NOTIFICATION,
        "API_MAINTNOTIFICATION/MaintenanceNotification",
        {
            "notification_id": "MaintenanceNotification",
            "site": "MaintenancePlant|MaintenancePlanningPlant",
            "asset_id": "TechnicalObjectLabel",
            "location_id": "FunctionalLocation|TechnicalObjectLabel",
            "description": "NotificationText",
            "status_raw": "ConcatenatedActiveSystStsName",
            "type": "NotificationType",
            "priority": "MaintPriority",
            "created_at": "NotificationCreationDate+NotificationCreationTime"
            "|NotificationCreationDate",
            "malfunction_start": "MalfunctionStartDate+MalfunctionStartTime|MalfunctionStartDate",
            "malfunction_finish": "MalfunctionEndDate+MalfunctionEndTime|MalfunctionEndDate",
            "due_at": "RequiredEndDate+RequiredEndTime|RequiredEndDate",
            "downtime_hours": "MaintObjectDowntimeDuration",
            "work_order_id": "MaintenanceOrder",
            "changed_at": "LastChangeDateTime",
        },
        {"MaintenanceObjectIsDown": Kind.FLAG, "ReportedByUser": Kind.TEXT},
        "code",
        "NotifProcessingPhase",
        _OBJECT,
        # Its unit says hours; SAP's own example of two days has 172,800.
        seconds="downtime_hours",
    ),
    SetTable(
        entities.ASSET,
        "API_EQUIPMENT/Equipment",
        {
            "asset_id": "Equipment",
            "site": _SITE,
            "description": "EquipmentName",
            "type": "TechnicalObjectType",
            "location_id": "FunctionalLocation",
            "parent_id": "SuperordinateEquipment",
            "serial_number": "ManufacturerSerialNumber|SerialNumber",
            "manufacturer": "AssetManufacturerName",
            "priority": "ABCIndicator",
            "install_date": "OperationStartDate",
            "changed_at": "LastChangeDateTime",
        },
        {
            "EquipmentCategory": Kind.TEXT,
            "ValidityStartDate": Kind.DAY,
            "ValidityEndDate": Kind.DAY,
        },
        "flags",
        period="ValidityEndDate",
    ),
    SetTable(
        entities.PM,
        "API_MAINTENANCEPLAN/MaintenancePlan",
        {
            "pm_id": "MaintenancePlan",
            "description": "MaintenancePlanDesc",
            "status_raw": "MaintenancePlanSystemStatus",
            "changed_at": "LastChangeDateTime",
        },
        {},
        "code",
        "MaintenancePlanSystemStatus",
    ),
    SetTable(
        entities.METER,
        "api_measuringpoint/srvd_a2x/sap/measuringpoint/0001/MeasuringPoint",
        {
            "meter_id": "MeasuringPoint",
            "asset_id": "Equipment",
            "type": "MeasuringPointCategory",
        },
        {
            "MeasuringPointDescription": Kind.TEXT,
            "MeasuringPointPositionNumber": Kind.TEXT,
            "MeasuringPointIsCounter": Kind.FLAG,
            "MeasurementRangeUnit": Kind.TEXT,
            "FunctionalLocation": Kind.TEXT,
        },
    ),
)

TABLES: Final[Mapping[str, SetTable]] = MappingProxyType({one.entity.name: one for one in _TABLES})
EQUIPMENT: Final = "EAMS_EQUI"
"""What the field ``kind`` says of equipment."""
