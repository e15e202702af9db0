"""CMMS: work orders, assets, maintenance plans, notifications, meters and failure codes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from greenlang_data.connectors.driven import DrivenConnector
from greenlang_data.connectors.payload import ReadPayload, Rows, rows_of
from greenlang_data.connectors.query import DatedQuery, Moment
from greenlang_data.connectors.result import ReadResult
from greenlang_data.drivers.base import Records, Request
from greenlang_data.settings.cmms import CmmsSettings

MaintenanceRecord = Literal["work_order", "asset", "pm", "notification", "meter", "failure"]


class CMMSConfig(CmmsSettings):
    """Where a maintenance system is and how to log in; see the base of this class for the keys."""

    cmms_system: Literal["maximo", "sap", "infor"] | None = None

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if not self.mock_mode and not (self.cmms_system and self.api_url):
            raise ValueError("cmms_system and api_url are needed unless mock_mode is on")
        return self

    @property
    def driver_name(self) -> str:
        # SAP PM and SAP ERP differ in meaning, not only in address, so their drivers do too.
        name = "sap_pm" if self.cmms_system == "sap" else str(self.cmms_system)
        return "mock" if self.mock_mode else name

    @property
    def source_system(self) -> str:
        return "mock plant" if self.mock_mode else f"{self.cmms_system} {self.api_url}"


class CMMSQuery(DatedQuery):
    """Maintenance records of one kind (``query_type``).

    ``asset_ids``, ``site`` and ``status`` restrict them; numbers are unique within a site only.
    ``status`` is a canonical status, whatever the site calls it; ``completed`` asks for finished
    work, completed or closed: some systems close what was completed, others do not.
    ``start_date`` and ``end_date`` bound the column ``date_field``: when that is left out, the creation of work orders and notifications, the actual finish when
    finished work is asked for, the installation of assets and the next date of plans.
    """

    query_type: MaintenanceRecord = "work_order"
    asset_ids: list[str] = Field(default_factory=list)
    site: str | None = Field(None, min_length=1)
    start_date: Moment | None = None
    end_date: Moment | None = None
    date_field: str | None = Field(None, min_length=1)
    status: str | None = Field(None, min_length=1)


class CMMSWorkOrder(BaseModel):
    """One work order, or the like fields of another record. Times are UTC."""

    work_order_id: str
    asset_id: str | None = None
    description: str | None = None
    status: str | None = None
    created_date: datetime | None = None
    completed_date: datetime | None = None


class CMMSPayload(ReadPayload):
    """The answer to a :class:`CMMSQuery`; ``work_orders`` is lazy over its Arrow table."""

    work_orders: Rows[CMMSWorkOrder]
    total_records: int


class CMMSConnector(DrivenConnector[CMMSQuery, CMMSPayload, CMMSConfig]):
    """Reads a maintenance system."""

    connector_id = "cmms-connector"
    connector_version = "1.0.0"

    def request(self, query: CMMSQuery) -> Request:
        given = {"asset_id": list(query.asset_ids), "site": query.site, "status": query.status}
        return Records(
            query.query_type,
            {name: value for name, value in given.items() if value},
            start=query.start_date,
            end=query.end_date,
            date_field=query.date_field,
        )

    def payload(self, query: CMMSQuery, result: ReadResult) -> CMMSPayload:
        table = result.table
        key = table.schema.names[0]
        return CMMSPayload(
            work_orders=rows_of(table, lambda row: _work_order(row, key)),
            total_records=table.num_rows,
        )


def _work_order(row: dict[str, Any], key: str) -> CMMSWorkOrder:
    return CMMSWorkOrder(
        work_order_id=row[key],
        asset_id=row.get("asset_id"),
        description=row.get("description"),
        status=row.get("status"),
        created_date=row.get("created_at"),
        completed_date=row.get("actual_finish"),
    )
