"""Secrets come from four places and are shown nowhere."""

import copy
import pickle

import pytest
from pydantic import SecretStr, ValidationError

from greenlang_data.errors import ConfigurationError
from greenlang_data.settings import ConnectorConfig, Secret

SECRET = "correct horse"


class KeyedConfig(ConnectorConfig):
    key: Secret


@pytest.mark.parametrize(
    "given", [SECRET, SecretStr(SECRET), lambda: SECRET, {"env": "GREENLANG_TEST_SECRET"}]
)
def test_a_secret_is_found_and_not_shown(given: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENLANG_TEST_SECRET", SECRET)
    config = KeyedConfig(connector_id="a", connector_type="b", key=given)
    assert config.key.get_secret_value() == SECRET
    shown = [repr(config), str(config), config.model_dump_json(), repr(config.model_dump())]
    assert not any(SECRET in text for text in [*shown, str(config.key), f"{config.key}"])


def test_the_environment_is_read_when_the_secret_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Secret({"env": "GREENLANG_TEST_SECRET"})
    monkeypatch.delenv("GREENLANG_TEST_SECRET", raising=False)
    with pytest.raises(ConfigurationError, match="GREENLANG_TEST_SECRET"):
        secret.get_secret_value()
    monkeypatch.setenv("GREENLANG_TEST_SECRET", "rotated")
    assert secret.get_secret_value() == "rotated"


def test_the_keyring_is_asked_or_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Secret({"keyring": "plant", "username": "reader"})
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    with pytest.raises(ConfigurationError, match=r"greenlang_data\[keyring\]"):
        secret.get_secret_value()

    class Ring:
        @staticmethod
        def get_password(service: str, user: str) -> str | None:
            return SECRET if (service, user) == ("plant", "reader") else None

    monkeypatch.setitem(__import__("sys").modules, "keyring", Ring)
    assert secret.get_secret_value() == SECRET
    with pytest.raises(ConfigurationError, match="plant/nobody"):
        Secret({"keyring": "plant", "username": "nobody"}).get_secret_value()


def test_a_wrong_form_is_refused_without_showing_it() -> None:
    for wrong in ({"enc": SECRET}, 5, None, ["x"]):
        with pytest.raises(ValidationError) as caught:
            KeyedConfig(connector_id="a", connector_type="b", key=wrong)  # type: ignore[arg-type]
        assert SECRET not in str(caught.value)


def test_a_misplaced_password_is_not_shown_by_the_refusal() -> None:
    with pytest.raises(ValidationError) as caught:
        KeyedConfig(connector_id="a", connector_type="b", key="k", pasword=SECRET)  # type: ignore[call-arg]
    assert "pasword" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_password_in_an_address_is_refused() -> None:
    with pytest.raises(ValidationError, match="must not hold a password") as caught:
        ConnectorConfig(connector_id=f"opc.tcp://me:{SECRET}@plant", connector_type="b")
    assert SECRET not in str(caught.value)


def test_copies_keep_the_secret_hidden() -> None:
    secret = Secret(SECRET)
    assert copy.deepcopy(secret).get_secret_value() == SECRET
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)
