"""Whom a client trusts over TLS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from greenlang_data.errors import ConfigurationError
from tests.drivers.http.conftest import Web, own_certificate, run


@pytest.fixture
def secure(tmp_path: Path, serve: Callable[..., Web]) -> Web:
    """A server for 127.0.0.1 whose certificate, its own authority, is ``tls.pem``."""
    certificate, key = own_certificate(tmp_path)
    return serve("--certificate", certificate, "--key", key, scheme="https")


def test_only_the_given_authority_is_trusted(secure: Web, tmp_path: Path) -> None:
    client = secure.client(ca_path=str(tmp_path / "tls.pem"), username="u", password="p")
    assert run(client, "hello").data == {"hello": "world"}


def test_a_stranger_is_not_trusted(secure: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"certificate of https://127.*ca_path"):
        run(secure.client(), "hello")


def test_the_name_counts(secure: Web, tmp_path: Path) -> None:
    secure.scheme = "https"
    client = secure.client(ca_path=str(tmp_path / "tls.pem"))
    client.base_url = client.base_url.replace("127.0.0.1", "localhost")
    with pytest.raises(ConfigurationError, match=r"is not trusted: .*localhost"):
        run(client, "hello")


@pytest.mark.parametrize(
    ("key", "words"), [("ca_path", "ca_path"), ("client_certificate_path", "client certificate")]
)
def test_a_file_that_is_not_there(web: Web, key: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{words}.*No such file"):
        web.client(**{key: "/nowhere/at/all.pem"})
