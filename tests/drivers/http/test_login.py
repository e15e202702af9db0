"""Logging in over HTTP, and where a login never goes."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.jsons import read_any
from greenlang_data.drivers.http.masked import masked
from greenlang_data.drivers.http.message import Ask
from greenlang_data.errors import AuthenticationError, ConfigurationError, GreenLangError
from greenlang_data.runtime import get_runtime
from tests.drivers.http.conftest import Web, config, run

SECRET = "pa:ss/wörd&1"


def granted(web: Web, **more: Any) -> HttpClient:
    token_url = more.pop("token_url", f"{web.url}/token")
    return web.client(**{"token_url": token_url, "client_id": "me", **more})


def test_basic_with_any_letters(web: Web) -> None:
    run(web.client(username="jürgen", password=SECRET), "hello")
    sent = web.seen("/hello")[-1]["headers"]["Authorization"]
    assert base64.b64decode(sent.removeprefix("Basic ")).decode() == f"jürgen:{SECRET}"


def test_a_given_token_is_sent_as_it_is(web: Web) -> None:
    run(web.client(token="abc"), "hello")
    assert web.seen("/hello")[-1]["headers"]["Authorization"] == "Bearer abc"


def test_nothing_is_sent_unless_asked_for(
    web: Web, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    run(web.client(), "hello")
    assert "Authorization" not in web.seen("/hello")[-1]["headers"]


def test_client_credentials_are_fetched_once_and_renewed_after_a_401(
    serve: Callable[..., Web],
) -> None:
    web, log = serve(), ReadLog()
    client = granted(web, login="client_credentials", client_secret=SECRET, scope="system")
    for _ in range(3):
        assert run(client, "token-needed", log).data == {"by": "Bearer token-1"}
    (asked,) = web.seen("/token")
    assert parse_qs(asked["body"]) == {"grant_type": ["client_credentials"], "scope": ["system"]}
    pair = base64.b64decode(asked["headers"]["Authorization"].removeprefix("Basic ")).decode()
    assert pair == "me:pa%3Ass%2Fw%C3%B6rd%261"  # quoted as RFC 6749 2.3.1 has it
    run(web.client(), "expire")
    assert run(client, "token-needed", log).data == {"by": "Bearer token-3"}
    assert [one["status"] for one in log.exchanges] == [200] * 4 + [401, 200, 200]


def test_a_token_is_renewed_before_it_ends(serve: Callable[..., Web]) -> None:
    web = serve("--token-life", "0")
    client = granted(web, login="client_credentials", client_secret="x")
    for number in (1, 2):
        assert run(client, "token-needed").data == {"by": f"Bearer token-{number}"}


def test_password_grant(serve: Callable[..., Web]) -> None:
    web = serve()
    client = granted(web, login="password_grant", username="u", password=SECRET)
    run(client, "token-needed")
    assert parse_qs(web.seen("/token")[-1]["body"]) == {
        "grant_type": ["password"],
        "username": ["u"],
        "password": [SECRET],
        "client_id": ["me"],
    }


def pem(key: Any) -> str:
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return str(key.private_bytes(serialization.Encoding.PEM, form, plain).decode())


KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
}
KEYS["PS256"] = KEYS["RS256"]


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
def test_another_library_believes_the_assertion(serve: Callable[..., Web], algorithm: str) -> None:
    web, key = serve(), KEYS[algorithm]
    client = granted(
        web,
        login="jwt_assertion",
        private_key=pem(key),
        private_key_id="key-7",
        jwt_algorithm=algorithm,
    )
    run(client, "token-needed")
    form = parse_qs(web.seen("/token")[-1]["body"])
    (assertion,) = form["client_assertion"]
    claims = jwt.decode(
        assertion, key.public_key(), algorithms=[algorithm], audience=f"{web.url}/token"
    )
    assert claims["iss"] == claims["sub"] == "me"
    assert 0 < claims["exp"] - claims["iat"] <= 300
    assert jwt.get_unverified_header(assertion)["kid"] == "key-7"


@pytest.mark.parametrize(
    ("key", "algorithm", "words"),
    [
        ("no key", "RS256", "no unencrypted PEM"),
        (pem(KEYS["ES256"]), "RS256", "not one for RS256"),
        (pem(KEYS["RS256"]), "ES256", "not one for ES256"),
    ],
)
def test_a_wrong_key_is_told(web: Web, key: str, algorithm: str, words: str) -> None:
    client = granted(web, login="jwt_assertion", private_key=key, jwt_algorithm=algorithm)
    with pytest.raises(ConfigurationError, match=words):
        run(client, "hello")


def test_a_refused_login_is_told_once_and_without_the_secret(web: Web) -> None:
    log = ReadLog()
    client = web.client(username="u", password=SECRET)
    with pytest.raises(AuthenticationError, match="Negotiate, NTLM, Basic") as caught:
        run(client, "never", log)
    assert log.requests == 1
    assert SECRET not in f"{caught.value!r}{caught.value}{log}{client!r}"


@pytest.mark.parametrize(
    "login", [{"token": SECRET}, {"username": "u", "password": SECRET}], ids=["bearer", "basic"]
)
def test_a_server_that_repeats_the_login_does_not_get_it_told(
    web: Web, login: dict[str, str]
) -> None:
    client = HttpClient(web.url, config(**login), "web", explain=lambda body: body.decode())
    with pytest.raises(AuthenticationError, match=r"no such login: \*{10}") as caught:
        run(client, "repeats")
    told = str(caught.value)
    pair = base64.b64encode(f"u:{SECRET}".encode()).decode()
    assert not [part for part in (SECRET, quote(SECRET), pair) if part in told]
    expected = client.ask(Ask("repeats", expected=frozenset({403})), ReadLog(), read_any)
    assert SECRET.encode() not in get_runtime().run(expected).body


@pytest.mark.parametrize("how", ["title", "scheme", "data", "place"])
def test_nor_where_else_it_repeats_it(web: Web, how: str) -> None:
    client = web.client(username="u", password="longsecret")
    with pytest.raises(GreenLangError, match="web: ") as caught:
        run(client, f"repeats-as-{how}")
    pair = base64.b64encode(b"u:longsecret").decode()
    told = f"{caught.value}{caught.value!r}{vars(caught.value)}"
    assert not [part for part in ("longsecret", pair) if part in told]


def test_nor_as_the_name_of_the_request(web: Web) -> None:
    log = ReadLog()
    run(web.client(username="u", password="longsecret"), "repeats-as-id", log)
    assert [one["request_id"] for one in log.exchanges] == ["*" * 10]


@pytest.mark.parametrize("token", ["long-sec\u20acret", "long-secret\n"])
def test_a_secret_that_no_header_can_hold_is_told_without_it(web: Web, token: str) -> None:
    with pytest.raises(ConfigurationError, match="stray characters") as caught:
        run(web.client(token=token), "hello")
    assert "long-sec" not in f"{caught.value!r}{caught.value}"


def test_a_token_server_that_repeats_the_login_does_not_get_it_told(web: Web) -> None:
    client = granted(
        web,
        login="password_grant",
        username="u",
        password="long-secret",
        token_url=f"{web.url}/repeats",
    )
    with pytest.raises(AuthenticationError, match=r"password=\*{10}"):
        run(client, "hello")


@pytest.mark.parametrize(
    ("path", "secret", "words"),
    [("token", "wrong", "invalid_grant"), ("no-token", "x", "without a usable access_token")],
)
def test_a_refused_token_is_told(web: Web, path: str, secret: str, words: str) -> None:
    client = granted(
        web, login="client_credentials", client_secret=secret, token_url=f"{web.url}/{path}"
    )
    with pytest.raises(AuthenticationError, match=words) as caught:
        run(client, "hello")
    assert "secret wrong" not in str(caught.value)


def test_no_login_over_http_to_another_machine() -> None:
    for url in ("http://plant.example.com", "http://10.0.0.1:8080/x"):
        with pytest.raises(ConfigurationError, match="in clear text"):
            HttpClient(url, config(username="u", password="p"), "web")
        allowed = config(username="u", password="p", allow_clear_text_credentials=True)
        HttpClient(url, allowed, "web")
        HttpClient(url, config(), "web")  # there is nothing to be read along
    HttpClient("http://[::1]:80", config(username="u", password="p"), "web")


def test_no_secret_over_http_to_a_token_server(web: Web) -> None:
    client = granted(
        web,
        login="client_credentials",
        client_secret="x",
        token_url="http://login.example.com/token",
    )
    with pytest.raises(ConfigurationError, match=r"login\.example\.com in clear text"):
        run(client, "hello")


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"login": "basic", "username": "u"}, "password"),
        ({"login": "bearer"}, "token"),
        ({"login": "client_credentials", "token_url": "https://x", "client_id": "m"}, "client_sec"),
        ({"login": "password_grant"}, "token_url"),
        ({"login": "jwt_assertion", "token_url": "https://x", "client_id": "m"}, "private_key"),
        ({"login": "ntlm", "username": "u"}, "password"),
    ],
)
def test_what_a_login_lacks_is_named(web: Web, settings: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigurationError, match=f"needs {key}"):
        web.client(**settings)


@pytest.mark.parametrize("login", ["kerberos", "ntlm"])
def test_a_login_that_needs_an_extra_says_so(
    web: Web, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = {"kerberos": "gssapi", "ntlm": "requests_ntlm"}[login]
    monkeypatch.setitem(sys.modules, needed, None)
    with pytest.raises(ConfigurationError, match=rf"pip install 'greenlang_data\[{login}\]'"):
        web.client(login=login, username="u", password="p")


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ({}, r"it asks for a login \(it offers Negotiate, NTLM\): HTTP 401"),
        (
            {"username": "u", "password": SECRET},
            r"the login was refused \(it offers Negotiate, NTLM",
        ),
    ],
)
def test_a_server_that_only_negotiates_says_which_login_to_set(
    web: Web, login: dict[str, str], words: str
) -> None:
    with pytest.raises(AuthenticationError, match=words) as caught:
        run(web.client(**login), "negotiate")
    assert str(caught.value).endswith(
        "Set login = 'kerberos' (pip install 'greenlang_data[kerberos]') "
        "or login = 'ntlm' (pip install 'greenlang_data[ntlm]') for this source."
    )
    assert SECRET not in str(caught.value)


def test_a_wrong_password_is_not_another_login(web: Web) -> None:
    with pytest.raises(AuthenticationError, match="Check the login, its rights and its expiry"):
        run(web.client(username="u", password=SECRET), "never")


@pytest.mark.parametrize(
    "url", ["", "plant", "ftp://x", "https://", "https://u:p@x", "https://x/?a=1", "https://x:y"]
)
def test_an_address_that_cannot_be_one(url: str) -> None:
    with pytest.raises(ConfigurationError, match="the address cannot be used") as caught:
        HttpClient(url, config(), "web")
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["Negotiate", "NTLM"])
def test_messages_of_a_login_that_a_server_repeats_are_masked(scheme: str) -> None:
    message = base64.b64encode(bytes(range(64))).decode()
    told = masked(f"no: {scheme} {message}; {scheme} was offered".encode(), [])
    assert told == f"no: {scheme} **********; {scheme} was offered".encode()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_proxy_reads_what_goes_to_this_machine(
    web: Web, serve: Callable[..., Web], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    proxy = serve()
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    client = HttpClient(web.url.replace("127.0.0.1", host), config(username="u", password="p"), "w")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    assert run(client, "hello").data == {"hello": "world"}
    monkeypatch.undo()
    assert not proxy.seen("/hello")
    assert not proxy.seen(f"{web.url}/hello")
