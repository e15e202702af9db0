"""Historians: stored process values over a window."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, Self

import pyarrow as pa
from pydantic import BaseModel, Field, field_validator, model_validator

from greenlang_data.cache.reader import CachedReader
from greenlang_data.cache.store import Store
from greenlang_data.connectors.asked import login_name
from greenlang_data.connectors.current import SnapshotPayload, SnapshotQuery
from greenlang_data.connectors.driven import DrivenConnector
from greenlang_data.connectors.eventframes import EventFramePayload, EventFrameQuery
from greenlang_data.connectors.payload import (
    ExactNumber,
    ReadPayload,
    Rows,
    exact_value,
    rows_of_series,
)
from greenlang_data.connectors.query import Aggregation, Query, StampedMoment, distinct
from greenlang_data.connectors.result import ReadResult
from greenlang_data.drivers.base import ReadLog, Request, Snapshot, Window
from greenlang_data.errors import LoadBudgetExceeded, QueryError
from greenlang_data.frames.series import Series
from greenlang_data.settings.cache import CacheSettings
from greenlang_data.settings.config import ConnectorConfig
from greenlang_data.settings.http import HttpSettings
from greenlang_data.settings.opcua import OpcUaAccess
from greenlang_data.settings.phd import PhdSettings
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
    "held",
    "plot",
]


# Of each tag; one that is computed here takes some seventy bytes.
_MOST_INTERVALS: Final = 50_000_000
# What a PHD is reached by, as the beginning of its address says.
_PHD_DRIVERS: Final = {"opc.tcp": "phd_opcua", "phd": "phd_dotnet"}
_OIBUS: Final = "phd_oibus"
# Keys that count for some drivers only. What OPC tells is no confidence.
_ONLY_FOR: Final = {
    "opc_host": {_OIBUS},
    "opc_hda_server": {_OIBUS},
    "opc_da_server": {_OIBUS},
    "gateway_dialect": {"phd", _OIBUS},
    "good_confidence": {"phd", "phd_dotnet"},
}


class HistorianConfig(PiSettings, PhdSettings, OpcUaAccess, CacheSettings):
    """Where a historian is and how to log in; see the bases of this class for the keys.

    ``server_url`` of a PHD is the http address of its gateway (``gateway_dialect`` says of which
    kind), ``opc.tcp://host:port`` of an OPC UA wrapper, or ``phd://host:port`` for its own library
    on Windows.
    """

    historian_type: Literal["pi", "phd", "ge"] | None = None

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if not self.mock_mode and not (self.historian_type and self.server_url):
            raise ValueError("historian_type and server_url are needed unless mock_mode is on")
        return self

    @model_validator(mode="after")
    def _only_keys_that_count(self) -> Self:
        # A key of another kind of address would do nothing, and security must never do nothing.
        opcua, http = OpcUaAccess.model_fields.keys(), HttpSettings.model_fields.keys()
        own, other = (opcua, http) if self.driver_name == "phd_opcua" else (http, opcua)
        foreign = (self.model_fields_set & other) - own - ConnectorConfig.model_fields.keys()
        foreign |= {
            key
            for key, drivers in _ONLY_FOR.items()
            if key in self.model_fields_set and self.driver_name not in drivers
        }
        if foreign and not self.mock_mode:
            raise ValueError(f"{min(foreign)} does nothing at {self.server_url!r}")
        return self

    @property
    def driver_name(self) -> str:
        if self.mock_mode:
            return "mock"
        if self.historian_type != "phd":
            return str(self.historian_type)
        scheme = self.server_url.partition("://")[0].lower()
        gateway = _OIBUS if self.gateway_dialect == "oibus" else "phd"
        return _PHD_DRIVERS.get(scheme, gateway)

    @property
    def source_system(self) -> str:
        if self.mock_mode:
            return "mock plant"
        beyond = f" {self.opc_hda_server} on {self.opc_host}" if self.driver_name == _OIBUS else ""
        return f"{self.historian_type} {self.server_url}{beyond}"


class HistorianQuery(Query):
    """Samples of ``tag_names`` with ``start_time <= timestamp < end_time``.

    One value of ``aggregation`` per ``interval`` (``"1h"``, ``"15min"``, seconds or a timedelta);
    without an ``interval`` the raw samples. An interval alone means the average.

    ``avg``, ``min``, ``max``, ``sum``, ``count``, ``std`` (of a sample), ``first``, ``last``,
    ``range`` and ``delta`` (last less first) count every sample of the interval once;
    ``time_avg`` and ``percent_good`` count how long values held. ``interpolated`` is the value at
    the interval's start, ``held`` the newest sample until then, and ``plot`` a few samples of each interval that show its shape. Not
    every source has all of them.
    """

    tag_names: list[str] = Field(min_length=1)
    start_time: StampedMoment
    end_time: StampedMoment | None = None
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
    """Reads a historian: samples, current values (SnapshotQuery), event frames (EventFrameQuery)."""

    connector_id = "historian-connector"
    connector_version = "1.0.0"
    other_queries = (SnapshotQuery, EventFrameQuery)

    def request(self, query: Query) -> Request:
        if isinstance(query, SnapshotQuery):
            return Snapshot(tuple(query.tag_names))
        if isinstance(query, EventFrameQuery):
            return query.request()
        assert isinstance(query, HistorianQuery)
        if query.end_time is None:
            raise QueryError("the window has no end", remedy="Give end_time.")
        interval = parse_interval(query.interval) if query.interval else None
        if interval:
            window = (query.end_time - query.start_time).total_seconds()
            # The only interval ends with the window, however long it would have been.
            interval = min(interval, window)
            self._check_number(window / interval)
        aggregation = (query.aggregation or "avg") if interval else None
        tags = tuple(query.tag_names)
        return Window(tags, query.start_time, query.end_time, interval, aggregation)

    def _check_number(self, intervals: float) -> None:
        if intervals > _MOST_INTERVALS:
            raise LoadBudgetExceeded(
                f"the window has {intervals:.3g} intervals, and no more than {_MOST_INTERVALS:,} "
                "can be had at once",
                source=self.config.connector_id,
                remedy="Ask for longer intervals, or for a shorter window.",
            )

    def payload(self, query: Query, result: ReadResult) -> Any:
        if isinstance(query, SnapshotQuery):
            return SnapshotPayload.of(result)
        if isinstance(query, EventFrameQuery):
            return EventFramePayload.of(result)
        assert isinstance(query, HistorianQuery)
        points = rows_of_series(result.series, _point)
        return HistorianPayload(
            data_points=points, total_points=len(points), interval=query.interval
        )

    def _batches(self, request: Request, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        config = self.config
        if (
            config.cache_path is None
            or config.mock_mode
            or not isinstance(request, Window)
            or request.interval is not None
        ):
            return super()._batches(request, log)
        login = login_name(config)
        if login is None:
            log.note("the cache was not used, since nothing says whose ticket it is: set username")
            return super()._batches(request, log)
        # What the samples depend on, beside the tag; who asks, since not all may read all.
        judged = config.good_confidence if config.historian_type == "phd" else ""
        source = f"{config.source_system} {config.database_name or judged} {login}".strip()
        late = math.ceil(config.cache_late_seconds) * 1_000_000_000
        store = Store(Path(config.cache_path), config.connector_id, source, late)
        return CachedReader(store, super()._batches, request, log).read()


def _point(one: Series, row: dict[str, Any]) -> HistorianDataPoint:
    value = exact_value(row["value"], row["text"], one.data_type)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = Decimal(repr(value))
    return HistorianDataPoint(
        tag_name=one.tag, timestamp=row["timestamp"], value=value, quality=row["quality"]
    )
