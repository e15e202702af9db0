"""Secrets take plain strings and are shown nowhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from greenlang_data import (
    BaseConnector,
    CMMSConfig,
    ConnectorConfig,
    ERPConfig,
    HealthMonitor,
    HistorianConfig,
    SCADAConfig,
    SCADAConnector,
    SCADAQuery,
    Session,
)

SECRET = "correct horse battery staple"
FIELDS = [
    (SCADAConfig, "password"),
    (ERPConfig, "api_key"),
    (ERPConfig, "password"),
    (ERPConfig, "client_secret"),
    (HistorianConfig, "password"),
    (CMMSConfig, "api_key"),
]


def make(kind: type[ConnectorConfig], **fields: Any) -> Any:
    return kind(connector_id="plant1", connector_type="any", **{"mock_mode": True, **fields})


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_a_plain_string_is_kept_and_given_back_on_request_only(
    kind: type[ConnectorConfig], field: str
) -> None:
    config = make(kind, **{field: SECRET})
    assert getattr(config, field).get_secret_value() == SECRET
    setattr(config, field, SECRET + " 2")
    assert getattr(config, field).get_secret_value() == SECRET + " 2"
    shown: list[Callable[[], object]] = [
        lambda: repr(config),
        lambda: str(config),
        config.model_dump_json,
        config.model_dump,
        lambda: config.model_dump(mode="json"),
        lambda: getattr(config, field),
        lambda: f"{getattr(config, field)}",
        lambda: repr(config.model_copy()),
    ]
    for show in shown:
        assert SECRET not in str(show())
    assert field in config.model_dump()


@pytest.mark.parametrize(("kind", "field"), FIELDS)
@pytest.mark.parametrize(
    "mistake",
    [
        {"connector_type": None},
        {"timeout_seconds": 0},
        {"no_such_field": 1},
        {"no_such_field": SECRET},
    ],
)
def test_the_error_of_a_wrong_config_does_not_show_them(
    kind: type[ConnectorConfig], field: str, mistake: dict[str, Any]
) -> None:
    fields: dict[str, Any]
    fields = {"connector_id": "plant1", "connector_type": "any", "mock_mode": True}
    fields |= {field: SECRET, **mistake}
    with pytest.raises(ValueError, match=next(iter(mistake))) as caught:
        kind(**fields)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_the_error_of_a_missing_field_does_not_show_them(
    kind: type[ConnectorConfig], field: str
) -> None:
    with pytest.raises(ValueError, match="connector_id") as caught:
        kind(connector_type="any", **{field: SECRET})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("wrong", [[SECRET], (SECRET,), {"password": SECRET}, SECRET.encode()])
def test_the_error_of_a_wrongly_typed_secret_does_not_show_it(wrong: object) -> None:
    config = make(SCADAConfig, password="before")
    with pytest.raises(ValueError, match="password") as made:
        make(SCADAConfig, password=wrong)
    with pytest.raises(ValueError, match="password") as assigned:
        config.password = wrong
    for caught in (made, assigned):
        assert SECRET not in str(caught.value)
    assert config.password.get_secret_value() == "before"


def test_a_live_failure_shows_them_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    config = make(
        SCADAConfig,
        mock_mode=False,
        protocol="opcua",
        endpoint="opc.tcp://127.0.0.1:1",
        username="reader",
        password=SECRET,
        security_mode="None",
        security_policy="None",
        allow_clear_text_credentials=True,
        max_retries=0,
    )
    connector = SCADAConnector(config)
    monitor = HealthMonitor(enable_prometheus=False)
    monitor.register_connector(connector)

    async def use() -> list[object]:
        with pytest.raises(ConnectionError) as caught:
            await connector.fetch_data(SCADAQuery(tag_ids=["Temperature"]))
        result = await monitor.check_connector_health("plant1")
        assert result.error_message is not None
        return [caught.value, caught.value.__cause__, result, result.model_dump_json()]

    with caplog.at_level(logging.DEBUG):
        shown = asyncio.run(use())
    shown += [connector, connector.get_metrics(), vars(connector), caplog.text]
    for thing in shown:
        assert SECRET not in str(thing)
        assert SECRET not in repr(thing)


def test_a_session_shows_them_nowhere() -> None:
    config = make(SCADAConfig, password=SECRET)
    with Session(sources=[config]) as session:
        frame = session.scada(["Temperature"])
        shown = [session, session.sources, session.status().to_string(), frame.attrs]
        shown += [session.sources["plant1"], session.connector("plant1")]
    for thing in shown:
        assert SECRET not in str(thing)
        assert SECRET not in repr(thing)


def test_a_connector_of_ones_own_shows_its_config_without_them() -> None:
    class Connector(BaseConnector[SCADAQuery, SCADAQuery, SCADAConfig]):
        """Says what it was asked."""

        connector_id = "echo"
        connector_version = "1.0.0"

        async def connect(self) -> bool:
            return True

        async def disconnect(self) -> bool:
            return True

        async def _health_check_impl(self) -> bool:
            return True

        async def _fetch_data_impl(self, query: SCADAQuery) -> SCADAQuery:
            return query

    connector = Connector(make(SCADAConfig, password=SECRET))
    assert connector.config.password is not None
    _, provenance = asyncio.run(connector.fetch_data(SCADAQuery(tag_ids=["a"])))
    for thing in (connector, connector.config, provenance.model_dump_json()):
        assert SECRET not in repr(thing)
