"""Configs: every field with its default and both sides of its limits, at any time."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from greenlang_data import (
    CEMSConfig,
    CMMSConfig,
    ConnectorConfig,
    ERPConfig,
    HistorianConfig,
    SCADAConfig,
)

ALL = [ConnectorConfig, SCADAConfig, ERPConfig, CEMSConfig, HistorianConfig, CMMSConfig]
COMMON = {
    "timeout_seconds": 30,
    "max_retries": 3,
    "retry_multiplier": 1,
    "retry_min_wait": 2,
    "retry_max_wait": 10,
    "circuit_breaker_enabled": True,
    "circuit_breaker_threshold": 5,
    "circuit_breaker_timeout": 60,
    "health_check_interval": 60,
    "connection_pool_size": 5,
    "enable_provenance": True,
    "mock_mode": False,
}
SCADA_DEFAULTS: dict[str, Any] = {
    "username": None,
    "password": None,
    "certificate_path": None,
    "namespace_index": 2,
    "polling_interval_ms": 1000,
    "security_mode": "SignAndEncrypt",
    "security_policy": "Basic256Sha256",
}
ERP_DEFAULTS: dict[str, Any] = {
    "api_key": None,
    "username": None,
    "password": None,
    "client_id": None,
    "client_secret": None,
    "company_code": None,
    "plant_codes": [],
}
OWN: list[tuple[type[ConnectorConfig], dict[str, Any]]] = [
    (SCADAConfig, SCADA_DEFAULTS),
    (ERPConfig, ERP_DEFAULTS),
    (CEMSConfig, {"protocol": "modbus"}),
    (HistorianConfig, {"database_name": None}),
    (CMMSConfig, {"api_key": None}),
]
NEEDED: dict[type[ConnectorConfig], dict[str, Any]] = {
    ConnectorConfig: {},
    SCADAConfig: {"protocol": "opcua", "endpoint": "opc.tcp://localhost:4840"},
    ERPConfig: {"erp_system": "sap", "base_url": "https://sap.company.com/api"},
    CEMSConfig: {"protocol": "modbus", "endpoint": "192.168.1.50:502", "stack_id": "STACK-001"},
    HistorianConfig: {"historian_type": "pi", "server_url": "https://pi.company.com"},
    CMMSConfig: {"cmms_system": "maximo", "api_url": "https://maximo.company.com/api"},
}
LIMITS = [
    ("timeout_seconds", 1, 300),
    ("max_retries", 0, 10),
    ("circuit_breaker_threshold", 1, 100),
    ("circuit_breaker_timeout", 1, 600),
    ("health_check_interval", 10, 3600),
    ("connection_pool_size", 1, 100),
]
CHOICES = [
    (SCADAConfig, "protocol", ["opcua", "modbus", "dnp3", "bacnet"]),
    (ERPConfig, "erp_system", ["sap", "oracle", "dynamics", "netsuite"]),
    (HistorianConfig, "historian_type", ["pi", "phd", "ge"]),
    (CMMSConfig, "cmms_system", ["maximo", "sap", "infor"]),
]


def make(kind: type[ConnectorConfig] = ConnectorConfig, **fields: Any) -> Any:
    return kind(**{"connector_id": "plant1", "connector_type": "scada", **NEEDED[kind], **fields})


@pytest.mark.parametrize("kind", ALL)
def test_the_common_defaults_hold_in_every_family(kind: type[ConnectorConfig]) -> None:
    config = make(kind)
    assert {name: getattr(config, name) for name in COMMON} == COMMON


@pytest.mark.parametrize(("kind", "defaults"), OWN)
def test_the_defaults_of_each_family(kind: type[ConnectorConfig], defaults: dict[str, Any]) -> None:
    config = make(kind)
    assert {name: getattr(config, name) for name in defaults} == defaults


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("missing", ["connector_id", "connector_type"])
def test_id_and_type_are_required(kind: type[ConnectorConfig], missing: str) -> None:
    fields = {"connector_id": "plant1", "connector_type": "scada", **NEEDED[kind]}
    del fields[missing]
    with pytest.raises(ValidationError, match=missing):
        kind(**fields)
    for nothing in ("", None):
        with pytest.raises(ValidationError, match=missing):
            make(kind, **{missing: nothing})


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (SCADAConfig, "protocol"),
        (SCADAConfig, "endpoint"),
        (ERPConfig, "erp_system"),
        (ERPConfig, "base_url"),
        (CEMSConfig, "endpoint"),
        (HistorianConfig, "historian_type"),
        (HistorianConfig, "server_url"),
        (CMMSConfig, "cmms_system"),
        (CMMSConfig, "api_url"),
    ],
)
def test_the_system_is_required_outside_mock_mode(kind: type[ConnectorConfig], field: str) -> None:
    needed = {name: value for name, value in NEEDED[kind].items() if name != field}
    fields = {"connector_id": "plant1", "connector_type": "scada", **needed}
    with pytest.raises(ValidationError, match=field):
        kind(**fields)
    assert kind(**fields, mock_mode=True).mock_mode


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(("field", "least", "most"), LIMITS)
def test_limits_are_inclusive_and_checked_when_made_and_when_assigned(
    kind: type[ConnectorConfig], field: str, least: int, most: int
) -> None:
    config = make(kind)
    for allowed in (least, most):
        assert getattr(make(kind, **{field: allowed}), field) == allowed
        setattr(config, field, allowed)
        assert getattr(config, field) == allowed
    for refused in (least - 1, most + 1, "many", None):
        with pytest.raises(ValidationError, match=field):
            make(kind, **{field: refused})
        with pytest.raises(ValidationError, match=field):
            setattr(config, field, refused)
        assert getattr(config, field) == most


@pytest.mark.parametrize("field", ["retry_multiplier", "retry_min_wait", "retry_max_wait"])
def test_waits_take_fractions_and_refuse_negative_numbers(field: str) -> None:
    assert getattr(make(**{field: 0.25}), field) == 0.25
    with pytest.raises(ValidationError, match=field):
        make(**{field: -0.001})


@pytest.mark.parametrize(("allowed", "refused"), [(100, 99), (60000, 60001)])
def test_the_polling_interval_has_limits(allowed: int, refused: int) -> None:
    assert make(SCADAConfig, polling_interval_ms=allowed).polling_interval_ms == allowed
    with pytest.raises(ValidationError, match="polling_interval_ms"):
        make(SCADAConfig, polling_interval_ms=refused)


@pytest.mark.parametrize(("kind", "field", "choices"), CHOICES)
def test_the_system_is_one_of_a_list(
    kind: type[ConnectorConfig], field: str, choices: list[str]
) -> None:
    config = make(kind)
    for choice in choices:
        assert getattr(make(kind, **{field: choice}), field) == choice
        setattr(config, field, choice)
        assert getattr(config, field) == choice
    with pytest.raises(ValidationError, match=field):
        make(kind, **{field: "telepathy"})
    with pytest.raises(ValidationError, match=field):
        setattr(config, field, "telepathy")


@pytest.mark.parametrize("protocol", ["opcua", "modbus", "dnp3", "bacnet"])
def test_the_scada_protocol_may_be_written_in_any_case(protocol: str) -> None:
    config = make(SCADAConfig)
    for written in (protocol.upper(), protocol.title()):
        assert make(SCADAConfig, protocol=written).protocol == protocol
        config.protocol = written
        assert config.protocol == protocol


def test_the_cems_protocol_is_modbus_in_any_case() -> None:
    assert make(CEMSConfig, protocol="Modbus").protocol == "modbus"


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="timeout_second"):
        make(timeout_second=5)


def test_plant_codes_are_not_shared_between_configs() -> None:
    first, second = make(ERPConfig), make(ERPConfig)
    first.plant_codes.append("1000")
    assert second.plant_codes == []


@pytest.mark.parametrize("kind", list(NEEDED))
def test_the_fields_of_the_system_are_kept_as_given(kind: type[ConnectorConfig]) -> None:
    config = make(kind)
    assert {name: getattr(config, name) for name in NEEDED[kind]} == NEEDED[kind]


def test_the_fields_of_a_login_are_kept_as_given() -> None:
    config = make(ERPConfig, client_id="reader", company_code="0100", plant_codes=["1000"])
    assert (config.client_id, config.company_code) == ("reader", "0100")
    assert config.plant_codes == ["1000"]
    assert make(HistorianConfig, database_name="AF").database_name == "AF"
    scada = make(SCADAConfig, username="reader", namespace_index=4)
    assert (scada.username, scada.namespace_index) == ("reader", 4)


def test_an_assignment_that_is_refused_leaves_the_config_as_it_was() -> None:
    config = SCADAConfig(
        connector_id="p", connector_type="scada", protocol="opcua", endpoint="opc.tcp://plant:4840"
    )
    for wrong in ("", "opc.tcp://reader:hunter2@plant:4840"):
        with pytest.raises(ValidationError, match="endpoint"):
            config.endpoint = wrong
        assert config.endpoint == "opc.tcp://plant:4840"
        assert "hunter2" not in config.source_system
    config.endpoint = "opc.tcp://other:4840"
    assert config.endpoint == "opc.tcp://other:4840"


def test_a_refused_assignment_does_not_spoil_later_ones() -> None:
    config = SCADAConfig(
        connector_id="boiler", connector_type="scada", protocol="modbus", endpoint="plc:502"
    )
    with pytest.raises(ValueError, match="security_mode is for opcua"):
        config.security_mode = "Sign"
    assert config.security_mode == "SignAndEncrypt"
    config.timeout_seconds = 60
    assert config.timeout_seconds == 60
