"""NTLM against a server that checks every step of it by the published protocol."""

from __future__ import annotations

import asyncio
import json
import logging
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.jsons import read_any
from greenlang_data.drivers.http.message import Ask
from greenlang_data.errors import AuthenticationError, ProtocolError
from greenlang_data.runtime import get_runtime
from tests.drivers.http import ntlm_server
from tests.drivers.http.conftest import Web, own_certificate, run, served

PASSWORD = "pä:ss wörd&1"
USER = r"PLANT\reader"


@pytest.fixture
def ntlm() -> Iterator[Web]:
    people = json.dumps({USER: PASSWORD})
    with served("--people", people, server="ntlm_server.py") as running:
        yield running


def seen(web: Web, path: str = "/data") -> list[dict[str, Any]]:
    return web.seen(path)


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (b"", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        (b"message digest", "d9130a8164549fe818874806e1c7014b"),
        (b"1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ],
)
def test_the_server_has_md4_as_rfc_1320_does(text: bytes, digest: str) -> None:
    assert ntlm_server.md4(text).hex() == digest


def test_the_server_computes_what_the_protocol_publishes() -> None:
    """[MS-NLMP] 4.2.1, 4.2.2.1.1, 4.2.4.1.1 and 4.2.4.2.2."""
    assert ntlm_server.md4("Password".encode("utf-16-le")).hex() == (
        "a4f49c406510bdcab6824ee7c30fd852"
    )
    key = ntlm_server.response_key("User", "Domain", "Password")
    assert key.hex() == "0c868a403bfd7a93a3001ef22ef02e3f"
    info = ntlm_server.pair(2, "Domain".encode("utf-16-le"))
    info += ntlm_server.pair(1, "Server".encode("utf-16-le")) + ntlm_server.pair(0, b"")
    temp = b"\1\1" + bytes(6) + bytes(8) + b"\xaa" * 8 + bytes(4) + info + bytes(4)
    challenge = bytes.fromhex("0123456789abcdef")
    assert ntlm_server.proof(key, challenge, temp).hex() == "68cd0ab851e51c96aabc927bebef6a1c"


@pytest.mark.parametrize("path", ["data", "negotiated"])
def test_one_handshake_on_one_connection_serves_them_all(ntlm: Web, path: str) -> None:
    client, log = ntlm.client(login="ntlm", username=USER, password=PASSWORD), ReadLog()
    for _ in range(3):
        assert run(client, path, log).data == {"value": 42}
    asked = seen(ntlm, f"/{path}")
    assert [one["outcome"] for one in asked] == ["asked", "asked", "served", "served", "served"]
    assert len({one["connection"] for one in asked}) == 1
    assert [one["status"] for one in log.exchanges] == [200, 200, 200]


def test_the_password_is_nowhere(ntlm: Web) -> None:
    client, log = ntlm.client(login="ntlm", username=USER, password=PASSWORD), ReadLog()
    run(client, "data", log)
    wrong = ntlm.client(login="ntlm", username=USER, password=PASSWORD + "!")
    with pytest.raises(AuthenticationError) as caught:
        run(wrong, "data", log)
    everything = f"{seen(ntlm)}{log}{client!r}{wrong!r}{caught.value!r}{vars(client)}"
    for spelled in (PASSWORD, PASSWORD.encode("utf-16-le").hex(), json.dumps(PASSWORD)[1:-1]):
        assert spelled not in everything


def test_no_message_of_a_login_is_logged(ntlm: Web, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    run(ntlm.client(login="ntlm", username=USER, password=PASSWORD), "data")
    assert "urllib3" in caplog.text  # so that something was listened to
    assert "TlRMTVNTU" not in caplog.text  # how each message begins


def test_a_wrong_password_is_refused_once(ntlm: Web) -> None:
    client, log = ntlm.client(login="ntlm", username=USER, password="guess"), ReadLog()
    with pytest.raises(AuthenticationError, match="401"):
        run(client, "data", log)
    assert [one["outcome"] for one in seen(ntlm)] == ["asked", "asked", "another password"]
    assert log.requests == 1


def test_requests_at_the_same_time_do_not_mix_their_handshakes(ntlm: Web) -> None:
    client = ntlm.client(login="ntlm", username=USER, password=PASSWORD)

    async def many() -> list[Any]:
        asks = [client.ask(Ask("slow"), ReadLog(), read_any) for _ in range(20)]
        return [one.data for one in await asyncio.gather(*asks)]

    assert get_runtime().run(many()) == [{"value": 42}] * 20
    asked = seen(ntlm, "/slow")
    assert {one["outcome"] for one in asked} == {"asked", "served"}
    # As many connections as are allowed at the same time, each of which proved itself once.
    assert len({one["connection"] for one in asked}) <= 5
    assert [one["outcome"] for one in asked].count("asked") <= 10


@pytest.mark.parametrize("path", ["garbled", "silent", "deaf", "basic"])
def test_a_handshake_that_goes_wrong_is_told(ntlm: Web, path: str) -> None:
    client = ntlm.client(login="ntlm", username=USER, password=PASSWORD)
    with pytest.raises(AuthenticationError) as caught:
        run(client, path)
    assert "web" in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert run(client, "data").data == {"value": 42}


def test_a_question_that_is_too_long_is_not_read(ntlm: Web) -> None:
    client = ntlm.client(login="ntlm", username=USER, password=PASSWORD)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ProtocolError, match=r"web: it asks for a login with more than 65536 bytes"):
        run(client, "much")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes
    assert run(client, "data").data == {"value": 42}


def test_over_tls_the_proof_is_bound_to_the_channel(tmp_path: Path) -> None:
    certificate, key = own_certificate(tmp_path)
    options = ("--people", json.dumps({USER: PASSWORD}), "--certificate", certificate, "--key", key)
    with served(*options, server="ntlm_server.py", scheme="https") as web:
        client = web.client(login="ntlm", username=USER, password=PASSWORD, ca_path=certificate)
        assert run(client, "data").data == {"value": 42}
        teller = web.client(ca_path=certificate)
        asked = run(teller, "seen").data
    assert [one["outcome"] for one in asked] == ["asked", "asked", "served"]
