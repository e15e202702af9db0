"""Every public name of the framework can be imported from the package, as what it should be."""

from __future__ import annotations

import inspect
from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel

import greenlang_data
from greenlang_data import (
    BaseConnector,
    ConnectionState,
    ConnectorConfig,
    HealthMonitor,
    HealthStatus,
    IntegrationRegistry,
    MockConnector,
)

FAMILIES = ("SCADA", "ERP", "CEMS", "Historian", "CMMS")
MODELS = [
    *(family + part for family in FAMILIES for part in ("Config", "Query", "Payload")),
    "SCADATag",
    "ERPRecord",
    "CEMSDataPoint",
    "HistorianDataPoint",
    "CMMSWorkOrder",
    "ConnectorConfig",
    "ConnectorProvenance",
    "ConnectorMetrics",
    "ConnectorRegistration",
    "HealthCheckResult",
    "AggregatedHealth",
]


def public(name: str) -> Any:
    return getattr(greenlang_data, name)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_a_pydantic_model_listed_in_all(name: str) -> None:
    assert issubclass(public(name), BaseModel)
    assert name in greenlang_data.__all__


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_a_connector_and_a_config(family: str) -> None:
    assert issubclass(public(family + "Connector"), BaseConnector)
    assert issubclass(public(family + "Config"), ConnectorConfig)


@pytest.mark.parametrize(
    "name", ["BaseConnector", "MockConnector", "IntegrationRegistry", "HealthMonitor", "Session"]
)
def test_every_other_class_is_exported(name: str) -> None:
    assert inspect.isclass(public(name))
    assert name in greenlang_data.__all__


def test_mock_connector_is_a_base_connector() -> None:
    assert issubclass(MockConnector, BaseConnector)


def test_everything_in_all_can_be_imported_and_no_name_is_listed_twice() -> None:
    missing = [name for name in greenlang_data.__all__ if not hasattr(greenlang_data, name)]
    assert missing == []
    assert len(set(greenlang_data.__all__)) == len(greenlang_data.__all__)


def test_dir_offers_the_public_names() -> None:
    assert set(greenlang_data.__all__) <= set(dir(greenlang_data))


@pytest.mark.parametrize(
    ("enum", "values"),
    [
        (HealthStatus, ["unknown", "healthy", "degraded", "unhealthy", "disconnected"]),
        (
            ConnectionState,
            ["disconnected", "connecting", "connected", "disconnecting", "error"],
        ),
    ],
)
def test_the_enums_have_exactly_these_string_values(enum: type[Enum], values: list[str]) -> None:
    assert {member.value for member in enum} == set(values)
    for value in values:
        assert enum(value) == value
        assert enum[value.upper()].value == value


@pytest.mark.parametrize(
    "name", ["connect", "disconnect", "_health_check_impl", "_fetch_data_impl"]
)
def test_a_connector_must_write_the_four_abstract_methods(name: str) -> None:
    assert name in BaseConnector.__abstractmethods__
    incomplete = type(
        "Incomplete",
        (BaseConnector,),
        {other: lambda self: None for other in BaseConnector.__abstractmethods__ if other != name},
    )
    with pytest.raises(TypeError, match=name):
        incomplete(ConnectorConfig(connector_id="plant1", connector_type="incomplete"))


def test_there_are_no_further_abstract_methods() -> None:
    assert len(BaseConnector.__abstractmethods__) == 4


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (BaseConnector, "fetch_data", ["query", "timeout"]),
        (IntegrationRegistry, "create_connector", ["connector_type", "config"]),
        (HealthMonitor, "check_connector_health", ["connector_id"]),
        (HealthMonitor, "get_health_history", ["connector_id", "hours"]),
    ],
)
def test_parameters_stand_in_this_order(owner: type, name: str, parameters: list[str]) -> None:
    signature = inspect.signature(getattr(owner, name))
    assert list(signature.parameters)[1 : 1 + len(parameters)] == parameters


@pytest.mark.parametrize(
    "name",
    [
        "fetch_data",
        "health_check",
        "start_health_monitoring",
        "stop_health_monitoring",
        "__aenter__",
        "__aexit__",
    ],
)
def test_these_methods_of_a_connector_are_awaited(name: str) -> None:
    assert inspect.iscoroutinefunction(getattr(BaseConnector, name))


@pytest.mark.parametrize("name", ["get_metrics", "reset_metrics", "__enter__", "__exit__"])
def test_these_methods_of_a_connector_are_plain(name: str) -> None:
    assert callable(getattr(BaseConnector, name))
    assert not inspect.iscoroutinefunction(getattr(BaseConnector, name))


@pytest.mark.parametrize(
    ("parameter", "default"),
    [("check_interval", 60), ("enable_prometheus", True), ("history_retention_hours", 24)],
)
def test_the_health_monitor_has_these_defaults(parameter: str, default: object) -> None:
    assert inspect.signature(HealthMonitor).parameters[parameter].default == default
