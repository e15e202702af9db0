"""CEMS: continuous emissions monitoring of one stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

import pyarrow as pa
from pydantic import BaseModel, Field, field_validator

from greenlang_data.connectors.cems_config import CEMSConfig
from greenlang_data.connectors.payload import ExactNumber, ReadPayload, Rows, rows_of
from greenlang_data.connectors.query import Moment, Query, distinct
from greenlang_data.connectors.result import ReadResult, checked_shape
from greenlang_data.connectors.watch_query import WatchQuery
from greenlang_data.connectors.watched import WatchedConnector
from greenlang_data.drivers.base import ReadLog, Records, Request, Window
from greenlang_data.errors import QueryError, UnsupportedError
from greenlang_data.frames.emissions import emissions_table
from greenlang_data.frames.series import Series
from greenlang_data.frames.shaped import Shaped
from greenlang_data.frames.wide import wide_table

_CONCENTRATIONS: Final = frozenset("ppm [ppm] ppb [ppb] % mg/m3 ug/m3 mg/Nm3 mg/{Nm3}".split())
_SECONDS = {"hour": 3600.0, "day": 86400.0}


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
    _any_quantity: bool = False
    _codes: Mapping[str, str] | None = None

    def to_arrow(self, shape: str | None = None) -> Shaped:
        """``long`` (one row per pollutant and time stamp, the usual) or ``wide``."""
        shape = checked_shape(shape, ("long", "wide"))
        pollutants, flow = split_flow(self.result.series, self._flow_tag)
        if shape == "wide":
            return wide_table(self.result.series)
        number = _name_of_number(pollutants, self._any_quantity)
        return emissions_table(pollutants, flow, number=number, flags=self._codes)


class CEMSConnector(WatchedConnector[CEMSQuery, CEMSPayload, CEMSConfig]):
    """Reads an emissions monitoring system."""

    connector_id = "cems-connector"
    connector_version = "1.0.0"

    def request(self, query: CEMSQuery) -> Request:
        if query.end_time is None:
            raise QueryError("the window has no end", remedy="Give end_time.")
        interval = _SECONDS.get(query.resolution)
        if self.config.is_hourly:
            self._refuse_days(query)
            interval = None  # hours are what it keeps
        aggregation = "avg" if interval else None
        tags = tuple(self.tags(query.pollutants))
        return Window(tags, query.start_time, query.end_time, interval, aggregation)

    def _refuse_days(self, query: CEMSQuery) -> None:
        if query.resolution == "day":
            raise UnsupportedError(
                "it keeps hours, some of them masses and some rates: they have no one average",
                source=self.config.connector_id,
                remedy="Ask for hours, and sum or average each as it has to be.",
            )

    async def records(self, request: Records, log: ReadLog) -> list[pa.RecordBatch]:
        """Rows of many units at once, while connected; see :func:`greenlang_data.campd_hours`."""
        await self.ensure_connected()
        return [batch async for batch in self._connected_driver().read(request, log)]

    def tags(self, pollutants: Sequence[str]) -> list[str]:
        """The pollutants, and the stack gas flow that is read beside them."""
        flow = self.config.flow
        return [*pollutants, *([flow] if flow and flow not in pollutants else [])]

    def payload(self, query: CEMSQuery, result: ReadResult) -> CEMSPayload:
        flow = self.config.flow
        return self._payload(result, None if flow in query.pollutants else flow)

    def payload_of_watch(self, query: WatchQuery, result: ReadResult) -> CEMSPayload:
        alone = len(query.tag_ids) == 1
        return self._payload(result, None if alone else self.config.flow)

    def _payload(self, result: ReadResult, flow_tag: str | None) -> CEMSPayload:
        pollutants, flow = split_flow(result.series, flow_tag)
        table = emissions_table(pollutants, flow, flags=self.config.codes).table
        payload = CEMSPayload(
            data_points=rows_of(table, _point),
            stack_id=self.config.stack_id,
            total_points=table.num_rows,
        )
        payload._flow_tag = flow_tag
        payload._any_quantity = self.config.keeps_any_quantity
        payload._codes = self.config.codes
        return payload


def split_flow(series: list[Series], flow_tag: str | None) -> tuple[list[Series], Series | None]:
    """The pollutants' series, and the stack gas flow that was read beside them."""
    flow = next((one for one in series if one.tag == flow_tag), None)
    return [one for one in series if one is not flow], flow


def _name_of_number(pollutants: Sequence[Series], any_quantity: bool) -> str:
    """``concentration``, or ``value`` where some are masses or rates, which are no such thing."""
    masses = any_quantity and not all(one.unit in _CONCENTRATIONS for one in pollutants)
    return "value" if masses else "concentration"


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
