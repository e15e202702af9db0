"""Plant and enterprise data in a notebook: blocking calls, DataFrames, proof of origin.

>>> import greenlang_data as gd
>>> with gd.Session(mock=True) as s:
...     live = s.scada(["ns=2;s=Temperature", "ns=2;s=Pressure"])
>>> str(gd.verify(live))
'intact'

Importing this loads no driver and no pandas; each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from greenlang_data._version import __version__

if TYPE_CHECKING:
    from greenlang_data import emissions as emissions
    from greenlang_data import maintenance as maintenance
    from greenlang_data.campd import CAMPDHours as CAMPDHours
    from greenlang_data.campd import CAMPDQuery as CAMPDQuery
    from greenlang_data.campd import campd_hours as campd_hours
    from greenlang_data.connectors.base import BaseConnector as BaseConnector
    from greenlang_data.connectors.cems import CEMSConnector as CEMSConnector
    from greenlang_data.connectors.cems import CEMSDataPoint as CEMSDataPoint
    from greenlang_data.connectors.cems import CEMSPayload as CEMSPayload
    from greenlang_data.connectors.cems import CEMSQuery as CEMSQuery
    from greenlang_data.connectors.cems_config import CEMSConfig as CEMSConfig
    from greenlang_data.connectors.cmms import CMMSConfig as CMMSConfig
    from greenlang_data.connectors.cmms import CMMSConnector as CMMSConnector
    from greenlang_data.connectors.cmms import CMMSPayload as CMMSPayload
    from greenlang_data.connectors.cmms import CMMSQuery as CMMSQuery
    from greenlang_data.connectors.cmms import CMMSWorkOrder as CMMSWorkOrder
    from greenlang_data.connectors.current import SnapshotPayload as SnapshotPayload
    from greenlang_data.connectors.current import SnapshotQuery as SnapshotQuery
    from greenlang_data.connectors.erp import ERPConfig as ERPConfig
    from greenlang_data.connectors.erp import ERPConnector as ERPConnector
    from greenlang_data.connectors.erp import ERPPayload as ERPPayload
    from greenlang_data.connectors.erp import ERPQuery as ERPQuery
    from greenlang_data.connectors.erp import ERPRecord as ERPRecord
    from greenlang_data.connectors.eventframes import EventFramePayload as EventFramePayload
    from greenlang_data.connectors.eventframes import EventFrameQuery as EventFrameQuery
    from greenlang_data.connectors.historian import HistorianConfig as HistorianConfig
    from greenlang_data.connectors.historian import HistorianConnector as HistorianConnector
    from greenlang_data.connectors.historian import HistorianDataPoint as HistorianDataPoint
    from greenlang_data.connectors.historian import HistorianPayload as HistorianPayload
    from greenlang_data.connectors.historian import HistorianQuery as HistorianQuery
    from greenlang_data.connectors.mock import MockConnector as MockConnector
    from greenlang_data.connectors.mock import MockPayload as MockPayload
    from greenlang_data.connectors.registry import ConnectorRegistration as ConnectorRegistration
    from greenlang_data.connectors.registry import IntegrationRegistry as IntegrationRegistry
    from greenlang_data.connectors.registry import get_registry as get_registry
    from greenlang_data.connectors.scada import SCADAConfig as SCADAConfig
    from greenlang_data.connectors.scada import SCADAConnector as SCADAConnector
    from greenlang_data.connectors.scada import SCADAPayload as SCADAPayload
    from greenlang_data.connectors.scada import SCADAQuery as SCADAQuery
    from greenlang_data.connectors.scada import SCADATag as SCADATag
    from greenlang_data.connectors.watch_query import WatchQuery as WatchQuery
    from greenlang_data.errors import AuthenticationError as AuthenticationError
    from greenlang_data.errors import CircuitOpenError as CircuitOpenError
    from greenlang_data.errors import ConfigurationError as ConfigurationError
    from greenlang_data.errors import DeadlineExceeded as DeadlineExceeded
    from greenlang_data.errors import ExportError as ExportError
    from greenlang_data.errors import GreenLangError as GreenLangError
    from greenlang_data.errors import GreenLangWarning as GreenLangWarning
    from greenlang_data.errors import LoadBudgetExceeded as LoadBudgetExceeded
    from greenlang_data.errors import ProtocolError as ProtocolError
    from greenlang_data.errors import ProvenanceError as ProvenanceError
    from greenlang_data.errors import QueryError as QueryError
    from greenlang_data.errors import ReadFailed as ReadFailed
    from greenlang_data.errors import SessionClosedError as SessionClosedError
    from greenlang_data.errors import SourceBusy as SourceBusy
    from greenlang_data.errors import SourceError as SourceError
    from greenlang_data.errors import SourceTimeout as SourceTimeout
    from greenlang_data.errors import SourceUnreachable as SourceUnreachable
    from greenlang_data.errors import TransientError as TransientError
    from greenlang_data.errors import UnknownTagError as UnknownTagError
    from greenlang_data.errors import UnsupportedError as UnsupportedError
    from greenlang_data.export.parquet import read_parquet as read_parquet
    from greenlang_data.export.parquet import to_parquet as to_parquet
    from greenlang_data.observe.health import AggregatedHealth as AggregatedHealth
    from greenlang_data.observe.health import HealthCheckResult as HealthCheckResult
    from greenlang_data.observe.health import HealthMonitor as HealthMonitor
    from greenlang_data.provenance.combine import concat as concat
    from greenlang_data.provenance.combine import merge as merge
    from greenlang_data.provenance.record import ConnectorProvenance as ConnectorProvenance
    from greenlang_data.provenance.verify import verify as verify
    from greenlang_data.session import Session as Session
    from greenlang_data.settings import ConnectorConfig as ConnectorConfig
    from greenlang_data.settings import Secret as Secret
    from greenlang_data.states import ConnectionState as ConnectionState
    from greenlang_data.states import ConnectorMetrics as ConnectorMetrics
    from greenlang_data.states import HealthStatus as HealthStatus
    from greenlang_data.word_orders import probe_word_order as probe_word_order

_NAMES: Final[dict[str, str]] = {
    "campd": "CAMPDHours CAMPDQuery campd_hours",
    "connectors.base": "BaseConnector",
    "connectors.cems": "CEMSConnector CEMSDataPoint CEMSPayload CEMSQuery",
    "connectors.cems_config": "CEMSConfig",
    "connectors.cmms": "CMMSConfig CMMSConnector CMMSPayload CMMSQuery CMMSWorkOrder",
    "connectors.current": "SnapshotPayload SnapshotQuery",
    "connectors.erp": "ERPConfig ERPConnector ERPPayload ERPQuery ERPRecord",
    "connectors.eventframes": "EventFramePayload EventFrameQuery",
    "connectors.historian": (
        "HistorianConfig HistorianConnector HistorianDataPoint HistorianPayload HistorianQuery"
    ),
    "connectors.mock": "MockConnector MockPayload",
    "connectors.registry": "ConnectorRegistration IntegrationRegistry get_registry",
    "connectors.scada": "SCADAConfig SCADAConnector SCADAPayload SCADAQuery SCADATag",
    "connectors.watch_query": "WatchQuery",
    "errors": (
        "AuthenticationError CircuitOpenError ConfigurationError DeadlineExceeded ExportError "
        "GreenLangError GreenLangWarning LoadBudgetExceeded ProtocolError ProvenanceError "
        "QueryError ReadFailed SessionClosedError SourceBusy SourceError SourceTimeout "
        "SourceUnreachable TransientError UnknownTagError UnsupportedError"
    ),
    "export.parquet": "read_parquet to_parquet",
    "observe.health": "AggregatedHealth HealthCheckResult HealthMonitor",
    "provenance.combine": "concat merge",
    "provenance.record": "ConnectorProvenance",
    "provenance.verify": "verify",
    "session": "Session",
    "settings": "ConnectorConfig Secret",
    "states": "ConnectionState ConnectorMetrics HealthStatus",
    "word_orders": "probe_word_order",
}
_MODULES: Final = {name: module for module, names in _NAMES.items() for name in names.split()}

_ROOMS: Final = ("emissions", "maintenance")
"""Rooms that are used whole: ``gd.emissions.mass_rate``."""

__all__ = ["__version__", *_ROOMS, *sorted(_MODULES)]  # noqa: PLE0604  (the names are all strings)


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__doc__", "__name__", "__path__"]
