"""Historians: stored process values over a window."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from greenlang_data.connectors.driven import DrivenConnector
from greenlang_data.connectors.payload import (
    ExactNumber,
    ReadPayload,
    Rows,
    exact_value,
    rows_of_series,
)
from greenlang_data.connectors.query import Aggregation, Moment, Query, distinct
from greenlang_data.connectors.result import ReadResult
from greenlang_data.drivers.base import Request, Window
from greenlang_data.errors import QueryError
from greenlang_data.frames.series import Series
from greenlang_data.settings.pi import PiSettings
from greenlang_data.times import parse_interval

HistorianAggregation = Literal[
    Aggregation,
    "time_avg",
    "std",
    "first",
    "last",
    "range",
    "delta",
    "percent_good",
    "interpolated",
    "plot",
]


class HistorianConfig(PiSettings):
    """Where a historian is and how to log in; see the base of this class for the keys."""

    historian_type: Literal["pi", "phd", "ge"] | None = None

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if not self.mock_mode and not (self.historian_type and self.server_url):
            raise ValueError("historian_type and server_url are needed unless mock_mode is on")
        return self

    @property
    def driver_name(self) -> str:
        return "mock" if self.mock_mode else str(self.historian_type)

    @property
    def source_system(self) -> str:
        return "mock plant" if self.mock_mode else f"{self.historian_type} {self.server_url}"


class HistorianQuery(Query):
    """Samples of ``tag_names`` with ``start_time <= timestamp < end_time``.

    One value of ``aggregation`` per ``interval`` (``"1h"``, ``"15min"``, seconds or a timedelta);
    without an ``interval`` the raw samples. An interval alone means the average.

    ``avg``, ``min``, ``max``, ``sum``, ``count``, ``std`` (of a sample), ``first``, ``last``,
    ``range`` and ``delta`` (last less first) count every sample of the interval once;
    ``time_avg`` and ``percent_good`` count how long values held. ``interpolated`` is the value at
    the interval's start, and ``plot`` a few samples of each interval that show its shape. Not
    every source has all of them.
    """

    tag_names: list[str] = Field(min_length=1)
    start_time: Moment
    end_time: Moment | None = None
    interval: str | None = "1h"
    aggregation: HistorianAggregation | None = None

    _distinct = field_validator("tag_names")(distinct)

    @field_validator("interval", mode="before")
    @classmethod
    def _readable_interval(cls, value: Any) -> str | None:
        if value is None:
            return None
        seconds = parse_interval(value)
        # repr, because fewer digits would be another interval than the one that was meant.
        return value.strip() if isinstance(value, str) else f"{seconds!r}".removesuffix(".0") + "s"

    @model_validator(mode="after")
    def _interval_for_aggregates(self) -> Self:
        if self.aggregation and self.interval is None:
            raise ValueError("an aggregation needs an interval, such as '1h'")
        return self


class HistorianDataPoint(BaseModel):
    """One sample; ``value`` is a Decimal for numbers, text for states, None for bad quality."""

    tag_name: str
    timestamp: datetime
    value: ExactNumber | str | bool | None
    quality: str = "good"


class HistorianPayload(ReadPayload):
    """The answer to a :class:`HistorianQuery`; ``data_points`` is lazy over its Arrow tables."""

    data_points: Rows[HistorianDataPoint]
    total_points: int
    interval: str | None = None


class HistorianConnector(DrivenConnector[HistorianQuery, HistorianPayload, HistorianConfig]):
    """Reads a historian."""

    connector_id = "historian-connector"
    connector_version = "1.0.0"

    def request(self, query: HistorianQuery) -> Request:
        if query.end_time is None:
            raise QueryError("the window has no end", remedy="Give end_time.")
        interval = parse_interval(query.interval) if query.interval else None
        aggregation = (query.aggregation or "avg") if interval else None
        tags = tuple(query.tag_names)
        return Window(tags, query.start_time, query.end_time, interval, aggregation)

    def payload(self, query: HistorianQuery, result: ReadResult) -> HistorianPayload:
        points = rows_of_series(result.series, _point)
        return HistorianPayload(
            data_points=points, total_points=len(points), interval=query.interval
        )


def _point(one: Series, row: dict[str, Any]) -> HistorianDataPoint:
    value = exact_value(row["value"], row["text"], one.data_type)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = Decimal(repr(value))
    return HistorianDataPoint(
        tag_name=one.tag, timestamp=row["timestamp"], value=value, quality=row["quality"]
    )
