"""CEMS: continuous emissions monitoring of one stack."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from greenlang_data.connectors.driven import DrivenConnector
from greenlang_data.connectors.payload import ExactNumber, ReadPayload, Rows, rows_of
from greenlang_data.connectors.query import Moment, Query, distinct
from greenlang_data.connectors.result import ReadResult, checked_shape
from greenlang_data.drivers.base import Request, Window
from greenlang_data.errors import QueryError
from greenlang_data.frames.emissions import emissions_table
from greenlang_data.frames.series import Series
from greenlang_data.frames.shaped import Shaped
from greenlang_data.frames.wide import wide_table
from greenlang_data.settings import ConnectorConfig

_SECONDS = {"hour": 3600.0, "day": 86400.0}


class CEMSConfig(ConnectorConfig):
    """Where the analyser or its data system is, and which stack it watches.

    ``flow_tag`` names the stack gas flow, read beside the pollutants; None when there is none.
    """

    protocol: Literal["modbus", "opcua"] = "modbus"
    endpoint: str = ""
    stack_id: str = "STACK-001"
    flow_tag: str | None = "flow_rate"

    @field_validator("protocol", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if not self.mock_mode and not self.endpoint:
            raise ValueError("endpoint is needed unless mock_mode is on")
        return self

    @property
    def driver_name(self) -> str:
        return "mock" if self.mock_mode else f"cems_{self.protocol}"

    @property
    def source_system(self) -> str:
        return "mock plant" if self.mock_mode else f"{self.protocol} {self.endpoint}"


class CEMSQuery(Query):
    """Concentrations of ``pollutants`` with ``start_time <= timestamp < end_time``.

    ``resolution`` minute gives the records as the system keeps them, hour and day their averages
    over the valid ones (not the validated averages of a regulation).
    """

    pollutants: list[str] = Field(min_length=1)
    start_time: Moment
    end_time: Moment | None = None
    resolution: Literal["minute", "hour", "day"] = "minute"

    _distinct = field_validator("pollutants")(distinct)


class CEMSDataPoint(BaseModel):
    """One concentration; None when the analyser had no valid one. Times are UTC."""

    timestamp: datetime
    pollutant: str
    concentration: ExactNumber | None
    unit: str | None
    flow_rate: float | None = None
    quality_flag: str = "unknown"


class CEMSPayload(ReadPayload):
    """The answer to a :class:`CEMSQuery`; ``data_points`` is lazy over its Arrow table."""

    data_points: Rows[CEMSDataPoint]
    stack_id: str
    total_points: int

    _flow_tag: str | None = None

    def to_arrow(self, shape: str | None = None) -> Shaped:
        """``long`` (one row per pollutant and time stamp, the usual) or ``wide``."""
        shape = checked_shape(shape, ("long", "wide"))
        pollutants, flow = split_flow(self.result.series, self._flow_tag)
        return (
            wide_table(self.result.series) if shape == "wide" else emissions_table(pollutants, flow)
        )


class CEMSConnector(DrivenConnector[CEMSQuery, CEMSPayload, CEMSConfig]):
    """Reads an emissions monitoring system."""

    connector_id = "cems-connector"
    connector_version = "1.0.0"

    def request(self, query: CEMSQuery) -> Request:
        if query.end_time is None:
            raise QueryError("the window has no end", remedy="Give end_time.")
        tags = list(query.pollutants)
        if self.config.flow_tag and self.config.flow_tag not in tags:
            tags.append(self.config.flow_tag)
        interval = _SECONDS.get(query.resolution)
        aggregation = "avg" if interval else None
        return Window(tuple(tags), query.start_time, query.end_time, interval, aggregation)

    def payload(self, query: CEMSQuery, result: ReadResult) -> CEMSPayload:
        flow_tag = None if self.config.flow_tag in query.pollutants else self.config.flow_tag
        pollutants, flow = split_flow(result.series, flow_tag)
        table = emissions_table(pollutants, flow).table
        payload = CEMSPayload(
            data_points=rows_of(table, _point),
            stack_id=self.config.stack_id,
            total_points=table.num_rows,
        )
        payload._flow_tag = flow_tag
        return payload


def split_flow(series: list[Series], flow_tag: str | None) -> tuple[list[Series], Series | None]:
    """The pollutants' series, and the stack gas flow that was read beside them."""
    flow = next((one for one in series if one.tag == flow_tag), None)
    return [one for one in series if one is not flow], flow


def _point(row: dict[str, Any]) -> CEMSDataPoint:
    number = row["concentration"]
    return CEMSDataPoint(
        timestamp=row["timestamp"],
        pollutant=row["pollutant"],
        concentration=None if number is None else Decimal(repr(number)),
        unit=row["unit"],
        flow_rate=row["flow_rate"],
        quality_flag=row["quality_flag"],
    )
