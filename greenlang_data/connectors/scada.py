"""SCADA: current values and history of tags from control systems."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from greenlang_data.connectors.payload import (
    ReadPayload,
    Rows,
    exact_value,
    rows_of,
    rows_of_series,
)
from greenlang_data.connectors.query import Aggregation, Moment, Query, distinct
from greenlang_data.connectors.result import ReadResult
from greenlang_data.connectors.watch_query import WatchQuery
from greenlang_data.connectors.watched import WatchedConnector
from greenlang_data.drivers.base import Request, Snapshot, Window
from greenlang_data.errors import UnsupportedError
from greenlang_data.frames.series import Series
from greenlang_data.runtime import get_runtime
from greenlang_data.settings.bacnet import BacnetSettings
from greenlang_data.settings.dnp3 import Dnp3Settings
from greenlang_data.settings.endpoint import EndpointSettings
from greenlang_data.settings.modbus import ModbusSettings
from greenlang_data.settings.opcua import OpcUaSettings
from greenlang_data.settings.protocols import refuse_foreign_keys
from greenlang_data.times import to_utc

if TYPE_CHECKING:
    from greenlang_data.drivers.modbus.probe import OrderProbe, OrderScores

Protocol = Literal["opcua", "modbus", "dnp3", "bacnet"]

# The keys that a protocol has beside those of every SCADA source.
_SETTINGS: Final[dict[str, type[EndpointSettings]]] = {
    "opcua": OpcUaSettings,
    "modbus": ModbusSettings,
    "dnp3": Dnp3Settings,
    "bacnet": BacnetSettings,
}


class SCADAConfig(OpcUaSettings, ModbusSettings, Dnp3Settings, BacnetSettings):
    """Where a control system is and how to log in.

    Beside ``protocol``, ``endpoint`` and ``polling_interval_ms`` a source takes the keys of its
    own protocol, and no others: see the bases of this class.
    """

    protocol: Protocol | None = None
    polling_interval_ms: int = Field(1000, ge=100, le=60000)

    @field_validator("protocol", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if not self.mock_mode and not (self.protocol and self.endpoint):
            raise ValueError("protocol and endpoint are needed unless mock_mode is on")
        return self

    @model_validator(mode="after")
    def _only_keys_of_the_protocol(self) -> Self:
        # A key of another protocol would do nothing, and security_mode must never do nothing.
        keys = {name: one.model_fields for name, one in _SETTINGS.items()}
        refuse_foreign_keys(self.model_fields_set, self.protocol, keys)
        return self

    @property
    def driver_name(self) -> str:
        return "mock" if self.mock_mode else str(self.protocol)

    @property
    def source_system(self) -> str:
        return "mock plant" if self.mock_mode else f"{self.protocol} {self.endpoint}"


class SCADAQuery(Query):
    """Current values of ``tag_ids``, or with a ``start_time`` their history.

    The window is ``start_time <= timestamp < end_time``. ``aggregation`` gives one value per
    ``interval_seconds``, or one for the whole window when there is no interval. ``modified``
    gives what was replaced, deleted or added by hand instead of what holds. ``times`` gives, in
    place of a window, one value at each of these times as the source interpolates it.
    """

    tag_ids: list[str] = Field(min_length=1)
    start_time: Moment | None = None
    end_time: Moment | None = None
    aggregation: Aggregation | None = None
    interval_seconds: float | None = Field(None, gt=0)
    modified: bool = False
    times: list[Moment] | None = Field(None, min_length=1)

    _distinct = field_validator("tag_ids")(distinct)

    @model_validator(mode="after")
    def _window_for_aggregates(self) -> Self:
        if self.start_time is None and (self.aggregation or self.interval_seconds):
            raise ValueError("an aggregation or interval needs a window; give start_time")
        if self.interval_seconds and self.aggregation is None:
            raise ValueError("an interval needs an aggregation: avg, min, max, sum or count")
        return self

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.modified and self.start_time is None:
            raise ValueError("modified values need a window; give start_time")
        if self.modified and self.aggregation:
            raise ValueError("modified values have no aggregation; leave one out")
        if self.times is not None and (self.start_time or self.end_time or self.modified):
            raise ValueError("chosen times stand in place of a window; leave one out")
        return self

    def in_utc(self, zone: tzinfo = UTC) -> Self:
        """As for every query; ``times`` become UTC and ascending, each once."""
        query = super().in_utc(zone)
        if query.times is None:
            return query
        moments = sorted({to_utc(one, zone) for one in query.times})
        return query.model_copy(update={"times": moments})


class SCADATag(BaseModel):
    """One value of one tag. ``value`` is None when the source gave none."""

    tag_id: str
    tag_name: str
    value: Any
    timestamp: datetime | None
    quality: str = "good"
    unit: str | None = None
    data_type: str | None = None


class SCADAPayload(ReadPayload):
    """The answer to a :class:`SCADAQuery`; ``tags`` is a lazy sequence over its Arrow table."""

    tags: Rows[SCADATag]
    query_time: datetime
    total_tags: int
    aggregation_applied: str | None = None


class SCADAConnector(WatchedConnector[SCADAQuery, SCADAPayload, SCADAConfig]):
    """Reads a control system; OPC UA, Modbus and BACnet are built in."""

    connector_id = "scada-connector"
    connector_version = "1.0.0"

    def request(self, query: SCADAQuery) -> Request:
        tags = tuple(query.tag_ids)
        if query.times is not None:
            times = tuple(query.times)
            return Window(tags, times[0], times[-1] + timedelta(microseconds=1), times=times)
        if query.start_time is None or query.end_time is None:
            return Snapshot(tags)
        interval = query.interval_seconds
        if query.aggregation and interval is None:
            interval = (query.end_time - query.start_time).total_seconds()
        window = Window(tags, query.start_time, query.end_time, interval, query.aggregation)
        return replace(window, modified=query.modified)

    async def probe_word_order(
        self,
        probe: OrderProbe,
        timeout: float | None = None,  # noqa: ASYNC109  (it covers retries and waits too)
    ) -> OrderScores:
        """Score the word orders of a Modbus device; see :func:`greenlang_data.probe_word_order`.

        Raises UnsupportedError for other protocols, and what ``fetch_data`` raises.
        """
        if get_runtime().drives(self._loop):
            return await get_runtime().bridge(lambda: self.probe_word_order(probe, timeout))

        async def attempt() -> OrderScores:
            from greenlang_data.drivers.modbus import ModbusDriver

            await self.ensure_connected()
            driver = self._connected_driver()
            if not isinstance(driver, ModbusDriver):
                raise UnsupportedError(
                    "only Modbus leaves the order of words open",
                    source=self.config.connector_id,
                    remedy="Name a Modbus source.",
                )
            try:
                return await driver.probe(probe)
            except ConnectionError:
                self._lost_connection()
                raise

        return await self.run_step(attempt, timeout)

    def payload(self, query: SCADAQuery, result: ReadResult) -> SCADAPayload:
        if result.kind == "snapshot":
            tags = rows_of(result.table, tag_of_row)
        else:
            tags = rows_of_series(result.series, _tag_of_sample)
        return SCADAPayload(
            tags=tags,
            query_time=datetime.now(UTC),
            total_tags=len(query.tag_ids),
            aggregation_applied=query.aggregation,
        )

    def payload_of_watch(self, query: WatchQuery, result: ReadResult) -> SCADAPayload:
        return SCADAPayload(
            tags=rows_of_series(result.series, _tag_of_sample),
            query_time=datetime.now(UTC),
            total_tags=len(query.tag_ids),
        )


def tag_of_row(row: dict[str, Any]) -> SCADATag:
    """The typed view of one row of a snapshot."""
    return SCADATag(
        tag_id=row["tag_id"],
        tag_name=row["tag_name"] or row["tag_id"],
        value=exact_value(row["value"], row["text"], row["data_type"]),
        timestamp=row["timestamp"],
        quality=row["quality"],
        unit=row["unit"],
        data_type=row["data_type"],
    )


def _tag_of_sample(one: Series, row: dict[str, Any]) -> SCADATag:
    return SCADATag(
        tag_id=one.tag,
        tag_name=one.tag,
        value=exact_value(row["value"], row["text"], one.data_type),
        timestamp=row["timestamp"],
        quality=row["quality"],
        unit=one.unit,
        data_type=one.data_type,
    )
