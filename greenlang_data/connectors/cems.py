"""CEMS: continuous emissions monitoring of one stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, Self

import pyarrow as pa
from pydantic import BaseModel, Field, field_validator, model_validator

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
from greenlang_data.settings import ConnectorConfig
from greenlang_data.settings.analyser import AnalyserSettings
from greenlang_data.settings.campd import CampdSettings
from greenlang_data.settings.ecmps import EcmpsSettings
from greenlang_data.settings.modbus import ModbusSettings
from greenlang_data.settings.modc import MODC
from greenlang_data.settings.opcua import OpcUaSettings
from greenlang_data.settings.protocols import refuse_foreign_keys

_CONCENTRATIONS: Final = frozenset({"ppm", "%"})
_SECONDS = {"hour": 3600.0, "day": 86400.0}


CEMSProtocol = Literal["modbus", "opcua", "campd", "ecmps"]

_POLICIES: Final = frozenset(ConnectorConfig.model_fields)
_LOGINS: Final = frozenset(
    "login username password token token_url client_id client_secret scope private_key "
    "private_key_id jwt_algorithm".split()
)
# The keys that a protocol has beside those of every CEMS source.
_KEYS: Final[dict[str, frozenset[str]]] = {
    "modbus": frozenset(ModbusSettings.model_fields) | frozenset(AnalyserSettings.model_fields),
    "opcua": frozenset(OpcUaSettings.model_fields) | frozenset(AnalyserSettings.model_fields),
    "campd": frozenset(CampdSettings.model_fields) - _LOGINS,
    "ecmps": frozenset(EcmpsSettings.model_fields) - _LOGINS,
    "other web systems": _LOGINS,
}
_ANALYSERS: Final = frozenset({"modbus", "opcua"})
_OF_HOURS: Final = frozenset({"campd", "ecmps"})


class CEMSConfig(AnalyserSettings, OpcUaSettings, ModbusSettings, CampdSettings, EcmpsSettings):
    """Where the analyser or its data system is, and which stack it watches.

    ``protocol`` is modbus or opcua for an analyser, campd for EPA's hourly emissions,
    ecmps for quarterly reports.

    ``flow_tag`` names the stack gas flow, read beside the pollutants where there is one. Beside
    these a source takes the keys of its own protocol, and no others: see the bases of this class.
    """

    protocol: CEMSProtocol = "modbus"
    stack_id: str = "STACK-001"
    flow_tag: str | None = "flow_rate"

    @field_validator("protocol", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.is_analyser and not self.endpoint:
            raise ValueError("endpoint is needed unless mock_mode is on")
        needed = {"campd": ("facility_id", "time_zone"), "ecmps": ("time_zone",)}
        for name in () if self.mock_mode else needed.get(self.protocol, ()):
            if getattr(self, name) is None:
                raise ValueError(f"{name} is needed for {self.protocol}")
        if self.is_hourly and self.protocol == "ecmps" and not (self.files or self.monitor_plan_id):
            raise ValueError("files or monitor_plan_id are needed for ecmps")
        return self

    @model_validator(mode="after")
    def _only_keys_of_the_protocol(self) -> Self:
        refuse_foreign_keys(self.model_fields_set, self.protocol, _KEYS)
        return self

    @property
    def driver_name(self) -> str:
        return "mock" if self.mock_mode else f"cems_{self.protocol}"

    @property
    def source_system(self) -> str:
        if self.mock_mode:
            return "mock plant"
        if self.protocol == "campd":
            unit = f" unit {self.facility_unit}" if self.facility_unit else ""
            return f"campd {self.server_url or 'api.epa.gov'} facility {self.facility_id}{unit}"
        if self.protocol == "ecmps":
            plan = f"{self.server_url or 'api.epa.gov'} plan {self.monitor_plan_id}"
            return f"ecmps {', '.join(self.files) or plan}"
        return f"{self.protocol} {self.endpoint}"

    @property
    def is_analyser(self) -> bool:
        """Whether it tells only what it shows now."""
        return not self.mock_mode and self.protocol in _ANALYSERS

    @property
    def is_hourly(self) -> bool:
        """Whether it keeps hours, of concentrations, rates and masses alike."""
        return not self.mock_mode and self.protocol in _OF_HOURS

    @property
    def flags(self) -> Mapping[str, str] | None:
        """What the statuses of its hours mean, where they are codes."""
        return MODC if self.is_hourly and self.protocol == "ecmps" else None

    @property
    def flow(self) -> str | None:
        """What to read as the stack gas flow; None where there is none."""
        if self.is_hourly:
            return None
        if self.is_analyser and self.flow_tag not in {one.tag for one in self.measurands}:
            return None
        return self.flow_tag


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
    _of_hours: bool = False
    _flags: Mapping[str, str] | None = None

    def to_arrow(self, shape: str | None = None) -> Shaped:
        """``long`` (one row per pollutant and time stamp, the usual) or ``wide``."""
        shape = checked_shape(shape, ("long", "wide"))
        pollutants, flow = split_flow(self.result.series, self._flow_tag)
        if shape == "wide":
            return wide_table(self.result.series)
        number = _name_of_number(pollutants, self._of_hours)
        return emissions_table(pollutants, flow, number=number, flags=self._flags)


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
        table = emissions_table(pollutants, flow, flags=self.config.flags).table
        payload = CEMSPayload(
            data_points=rows_of(table, _point),
            stack_id=self.config.stack_id,
            total_points=table.num_rows,
        )
        payload._flow_tag = flow_tag
        payload._of_hours = self.config.is_hourly
        payload._flags = self.config.flags
        return payload


def split_flow(series: list[Series], flow_tag: str | None) -> tuple[list[Series], Series | None]:
    """The pollutants' series, and the stack gas flow that was read beside them."""
    flow = next((one for one in series if one.tag == flow_tag), None)
    return [one for one in series if one is not flow], flow


def _name_of_number(pollutants: Sequence[Series], of_hours: bool) -> str:
    """``concentration``, or ``value`` where masses and rates are no such thing."""
    masses = of_hours and not all(one.unit in _CONCENTRATIONS for one in pollutants)
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
