"""The registry: what it knows, what it takes in, what it makes, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

import greenlang_data
from greenlang_data import (
    ConnectorConfig,
    ConnectorRegistration,
    IntegrationRegistry,
    SCADAConfig,
    SCADAConnector,
    get_registry,
)
from tests.seed.mocks import connector
from tests.seed.systems import MyConfig, MyConnector, ScriptedConnector, config_for

BUILT_IN = {
    "scada-connector": "SCADA",
    "erp-connector": "ERP",
    "cems-connector": "CEMS",
    "historian-connector": "Historian",
    "cmms-connector": "CMMS",
}


@contextmanager
def registered(registry: IntegrationRegistry, kind: type[Any], **more: Any) -> Iterator[None]:
    registry.register(kind, **more)
    try:
        yield
    finally:
        registry.unregister(kind.connector_id)


def test_a_new_registry_knows_the_five_built_in_connectors() -> None:
    infos = IntegrationRegistry().list_connectors()
    assert [info.connector_type for info in infos] == list(BUILT_IN)
    for info in infos:
        assert isinstance(info, ConnectorRegistration)
        assert info.connector_class_name == BUILT_IN[info.connector_type] + "Connector"
        assert info.version == "1.0.0"
        assert info.description
        assert info.registered_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(("name", "family"), list(BUILT_IN.items()))
def test_built_in_connectors_can_be_looked_up_and_made(name: str, family: str) -> None:
    registry = IntegrationRegistry()
    kind = getattr(greenlang_data, family + "Connector")
    config = connector(family).config
    assert registry.is_registered(name)
    assert registry.get_connector_class(name) is kind
    assert registry.get_version(name) == "1.0.0"
    assert registry.validate_config(name, config) is True
    made = registry.create_connector(name, config)
    assert type(made) is kind
    assert made.config is config
    assert registry.create_connector(name, config) is not made
    schema = registry.get_connector_info(name).config_schema
    assert schema is not None
    assert {"connector_id", "timeout_seconds", "mock_mode"} <= set(schema["properties"])


@pytest.mark.parametrize(
    ("name", "protocols"),
    [
        ("scada-connector", {"opcua", "modbus", "dnp3", "bacnet"}),
        ("cems-connector", {"modbus", "opcua", "campd", "ecmps", "dahs_csv", "dahs_sql"}),
    ],
)
def test_a_connector_tells_its_protocols(name: str, protocols: set[str]) -> None:
    assert set(IntegrationRegistry().get_connector_info(name).supported_protocols) == protocols


def test_a_connector_of_ones_own_is_registered_with_what_is_said_of_it() -> None:
    registry = IntegrationRegistry()
    before = datetime.now(UTC)
    registry.register(MyConnector, description="My connector", supported_protocols=["https"])
    info = registry.get_connector_info("my-connector")
    assert info.connector_type == "my-connector"
    assert info.connector_class_name == "MyConnector"
    assert (info.version, info.description) == ("1.0.0", "My connector")
    assert info.supported_protocols == ["https"]
    assert info.config_schema is not None
    assert {"api_key", "base_url"} <= set(info.config_schema["required"])
    assert before <= info.registered_at <= datetime.now(UTC)
    assert registry.list_connectors()[-1] == info
    assert len(registry.list_connectors()) == 6


def test_description_and_protocols_may_be_left_out() -> None:
    registry = IntegrationRegistry()
    registry.register(ScriptedConnector)
    info = registry.get_connector_info("scripted")
    assert (info.version, info.description) == ("1.2.3", "")
    assert info.supported_protocols == []
    made = registry.create_connector("scripted", config_for())
    assert type(made) is ScriptedConnector


def test_an_unregistered_connector_is_gone_and_can_come_back() -> None:
    registry = IntegrationRegistry()
    registry.register(MyConnector)
    assert registry.unregister("my-connector") is True
    assert not registry.is_registered("my-connector")
    assert registry.unregister("my-connector") is False
    with pytest.raises(ValueError, match="my-connector"):
        registry.get_connector_class("my-connector")
    registry.register(MyConnector)
    assert registry.get_connector_class("my-connector") is MyConnector


def test_registries_are_independent_and_there_is_one_for_all() -> None:
    assert get_registry() is get_registry()
    with registered(get_registry(), MyConnector):
        assert get_registry().is_registered("my-connector")
        assert not IntegrationRegistry().is_registered("my-connector")
    assert not get_registry().is_registered("my-connector")
    assert [info.connector_type for info in get_registry().list_connectors()][:5] == list(BUILT_IN)


@pytest.mark.parametrize("method", ["get_connector_class", "get_connector_info", "get_version"])
def test_an_unknown_name_is_an_error_that_names_the_nearest(method: str) -> None:
    registry = IntegrationRegistry()
    assert not registry.is_registered("scada-conector")
    with pytest.raises(ValueError, match=r"scada-conector.*'scada-connector'"):
        getattr(registry, method)("scada-conector")


@pytest.mark.parametrize("method", ["create_connector", "validate_config"])
def test_an_unknown_name_is_an_error_with_a_config_too(method: str) -> None:
    with pytest.raises(ValueError, match=r"unheard-of.*erp-connector"):
        getattr(IntegrationRegistry(), method)("unheard-of", config_for())


@pytest.mark.parametrize("method", ["create_connector", "validate_config"])
def test_a_config_of_the_wrong_class_is_refused(method: str) -> None:
    registry = IntegrationRegistry()
    registry.register(MyConnector)
    for name, config in (
        ("erp-connector", connector("SCADA").config),
        ("my-connector", config_for()),
    ):
        with pytest.raises((TypeError, ValueError), match=name):
            getattr(registry, method)(name, config)
    mine = MyConfig(connector_id="m", connector_type="my", api_key="k", base_url="http://x")
    assert registry.validate_config("my-connector", mine) is True


@pytest.mark.parametrize("version", ["", "latest", "one.two", "1.0.0.", "1..0"])
def test_a_version_that_is_none_is_refused(version: str) -> None:
    wrong = type("Wrong", (ScriptedConnector,), {"connector_version": version})
    registry = IntegrationRegistry()
    with pytest.raises(ValueError, match="version"):
        registry.register(wrong)
    assert not registry.is_registered("scripted")
    with pytest.raises(ValidationError, match="version"):
        ConnectorRegistration(
            connector_type="scripted", connector_class_name="Wrong", version=version
        )


@pytest.mark.parametrize("version", ["0.1.0", "1.0.0", "10.20.30", "1.0.0-rc.1"])
def test_a_version_that_is_one_is_kept(version: str) -> None:
    info = ConnectorRegistration(
        connector_type="scripted", connector_class_name="Right", version=version
    )
    assert info.version == version
    assert (info.description, info.supported_protocols) == ("", [])
    assert info.config_schema is None
    assert abs(datetime.now(UTC) - info.registered_at) < timedelta(seconds=5)


def test_only_connectors_can_be_registered() -> None:
    registry = IntegrationRegistry()
    for wrong in (dict, SCADAConfig, object(), "scada-connector"):
        with pytest.raises((TypeError, ValueError), match="BaseConnector"):
            registry.register(wrong)  # type: ignore[arg-type]
    assert len(registry.list_connectors()) == 5


def test_a_name_that_another_class_has_is_refused() -> None:
    impostor = type("Impostor", (ScriptedConnector,), {"connector_id": "scada-connector"})
    registry = IntegrationRegistry()
    with pytest.raises(ValueError, match="scada-connector"):
        registry.register(impostor)
    assert registry.get_connector_class("scada-connector") is SCADAConnector


def test_the_same_class_may_be_registered_again() -> None:
    registry = IntegrationRegistry()
    registry.register(MyConnector, description="first")
    registry.register(MyConnector, description="second")
    assert registry.get_connector_info("my-connector").description == "second"
    assert len(registry.list_connectors()) == 6


def test_the_list_can_be_changed_without_changing_the_registry() -> None:
    registry = IntegrationRegistry()
    registry.list_connectors().clear()
    assert len(registry.list_connectors()) == 5


def test_a_config_must_be_a_config() -> None:
    with pytest.raises((TypeError, ValueError), match="scada-connector"):
        IntegrationRegistry().create_connector("scada-connector", {})  # type: ignore[arg-type]
    assert issubclass(SCADAConfig, ConnectorConfig)
