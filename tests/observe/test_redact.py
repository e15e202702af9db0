from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import SecretStr

from greenlang_data import ConnectorConfig, HealthMonitor, Secret, SourceUnreachable
from greenlang_data.observe.redact import error_text

from .fakes import Scripted, config


class OwnConfig(ConnectorConfig):
    api_key: str = ""
    client_secret: Secret | None = None
    pin: SecretStr | None = None
    username: str = "reader"


def own(**options: Any) -> OwnConfig:
    return OwnConfig(connector_id="plant1", connector_type="mock", **options)


def test_the_text_of_our_errors_is_as_it_is() -> None:
    error = SourceUnreachable("refused", source="plant1", remedy="Check the address.")
    assert error_text(error, config()) == "plant1: refused. Check the address."


def test_other_errors_say_their_kind() -> None:
    assert error_text(OSError("no route"), config()) == "OSError: no route"
    assert error_text(TimeoutError(), config()) == "TimeoutError"


def test_secrets_of_the_configuration_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANT1_SECRET", "from-the-environment")
    given = own(
        api_key="abc-key", client_secret={"env": "PLANT1_SECRET"}, pin=SecretStr("abc-key-long")
    )
    text = error_text(OSError("abc-key abc-key-long from-the-environment reader"), given)
    assert text == "OSError: ********** ********** ********** reader"


def test_a_login_in_a_url_is_masked() -> None:
    text = error_text(OSError("GET https://joe:hunter2@sap.example/api: 500"), config())
    assert text == "OSError: GET https://**********@sap.example/api: 500"


def test_a_function_is_not_asked_for_its_secret_and_a_missing_one_is_no_error() -> None:
    def ask() -> str:
        raise AssertionError("asked a person from a background check")

    assert error_text(OSError("no"), own(client_secret=ask)) == "OSError: no"
    missing = own(client_secret={"env": "GREENLANG_NOT_SET"})
    assert error_text(OSError("no"), missing) == "OSError: no"


def test_no_secret_in_results_or_in_the_exposition() -> None:
    registry, secret = CollectorRegistry(), "hunter2-do-not-show"
    connector = Scripted(own(api_key=secret, client_secret=secret))
    connector.error = ConnectionError(f"refused https://x:{secret}@sap?key={secret}")
    monitor = HealthMonitor(registry=registry)
    monitor.register_connector(connector)
    result = asyncio.run(monitor.check_connector_health("plant1"))
    assert result.error_message is not None
    assert "refused" in result.error_message
    shown = result.model_dump_json() + repr(monitor.get_health_history("plant1"))
    exposition = generate_latest(registry).decode()
    assert 'connector_id="plant1"' in exposition
    assert secret not in shown + exposition
    assert "refused" not in exposition
