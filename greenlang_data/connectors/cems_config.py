"""Where emissions come from: an analyser, EPA, or a plant's data acquisition system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, Self

from pydantic import field_validator, model_validator

from greenlang_data.settings.analyser import AnalyserSettings
from greenlang_data.settings.campd import CampdSettings
from greenlang_data.settings.dahs import DahsSettings
from greenlang_data.settings.ecmps import EcmpsSettings
from greenlang_data.settings.modbus import ModbusSettings
from greenlang_data.settings.opcua import OpcUaSettings
from greenlang_data.settings.protocols import refuse_foreign_keys

CEMSProtocol = Literal["modbus", "opcua", "campd", "ecmps", "dahs_csv", "dahs_sql"]

_LOGINS: Final = frozenset(
    "login username password token token_url client_id client_secret scope private_key "
    "private_key_id jwt_algorithm".split()
)
_CSV: Final = frozenset({"files", "delimiter", "decimal", "encoding"})
_SQL: Final = frozenset({"database", "connect", "table", "paramstyle"})
# The keys that a protocol has beside those of every CEMS source.
_KEYS: Final[dict[str, frozenset[str]]] = {
    "modbus": frozenset(ModbusSettings.model_fields) | frozenset(AnalyserSettings.model_fields),
    "opcua": frozenset(OpcUaSettings.model_fields) | frozenset(AnalyserSettings.model_fields),
    "campd": frozenset(CampdSettings.model_fields) - _LOGINS,
    "ecmps": frozenset(EcmpsSettings.model_fields) - _LOGINS,
    "dahs_csv": frozenset(DahsSettings.model_fields) - _SQL,
    "dahs_sql": frozenset(DahsSettings.model_fields) - _CSV,
    "other web systems": _LOGINS,
}
_RECORDS: Final = ("columns", "timestamp_column", "time_zone", "stamp", "period")
# Those of which a source is of no use without; several in one text: one of them.
_NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "modbus": ("endpoint",),
    "opcua": ("endpoint",),
    "campd": ("facility_id", "time_zone"),
    "ecmps": ("time_zone", "files or monitor_plan_id or facility_id"),
    "dahs_csv": ("files", *_RECORDS, "timestamp_format", "delimiter", "decimal"),
    "dahs_sql": ("table", "database or connect", *_RECORDS),
}
_ANALYSERS: Final = frozenset({"modbus", "opcua"})
_OF_HOURS: Final = frozenset({"campd", "ecmps"})


class CEMSConfig(
    AnalyserSettings, OpcUaSettings, ModbusSettings, CampdSettings, EcmpsSettings, DahsSettings
):
    """Where the analyser or its data system is, and which stack it watches.

    ``protocol`` is modbus or opcua for an analyser, campd for EPA's hourly emissions, ecmps for
    quarterly reports, dahs_csv or dahs_sql for the records of a data acquisition system.

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
    def _of_use(self) -> Self:
        for names in () if self.mock_mode else _NEEDED[self.protocol]:
            if not any(getattr(self, name) for name in names.split(" or ")):
                hint = "; mock_mode needs none" if names == "endpoint" else ""
                verb = "are" if " or " in names or names in ("files", "columns") else "is"
                raise ValueError(f"{names} {verb} needed for {self.protocol}{hint}")
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
        return "mock plant" if self.mock_mode else f"{self.protocol} {self._place}"

    @property
    def is_analyser(self) -> bool:
        """Whether it tells only what it shows now."""
        return not self.mock_mode and self.protocol in _ANALYSERS

    @property
    def is_hourly(self) -> bool:
        """Whether it keeps hours, and nothing finer."""
        return not self.mock_mode and self.protocol in _OF_HOURS

    @property
    def keeps_any_quantity(self) -> bool:
        """Whether masses and rates may stand beside concentrations."""
        return not self.mock_mode and self.protocol not in _ANALYSERS

    @property
    def codes(self) -> Mapping[str, str] | None:
        """What the statuses mean, where they are codes."""
        return self.modc_table.flags if self.is_hourly and self.protocol == "ecmps" else None

    @property
    def flow(self) -> str | None:
        """What to read as the stack gas flow; None where there is none."""
        if self.is_hourly:
            return None
        known = {one.tag for one in self.measurands} | {one.tag for one in self.columns}
        return self.flow_tag if self.mock_mode or self.flow_tag in known else None

    @property
    def _place(self) -> str:
        """Where that is; holds no secret."""
        server = self.server_url or "api.epa.gov"
        if self.protocol == "campd":
            unit = f" unit {self.facility_unit}" if self.facility_unit else ""
            return f"{server} facility {self.facility_id}{unit}"
        if self.protocol == "ecmps":
            plan, facility = self.monitor_plan_id, self.facility_id
            asked = f"plan {plan}" if plan else f"facility {facility} {self.location}"
            return ", ".join(self.files) or f"{server} {asked}"
        if self.protocol == "dahs_csv":
            return ", ".join(self.files)
        if self.protocol == "dahs_sql":
            return f"{self.database or 'database'} table {self.table}"
        return self.endpoint
