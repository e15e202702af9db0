"""PI behind a server that wants a Kerberos ticket: a real KDC, and a GSS-API acceptor."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import greenlang_data as gd
from tests.drivers.odata.helpers import config as odata_config
from tests.drivers.odata.lying_service import start_lying_service
from tests.drivers.piwebapi.helpers import DAY
from tests.drivers.piwebapi.helpers import config as pi_config
from tests.peers.certificates import Certificates
from tests.peers.fixtures import start_or_skip
from tests.peers.historian_launch import HistorianPeer
from tests.peers.kerberos_launch import GatePeer, start_gate
from tests.peers.kerberos_realm import PASSWORD, REALM, Realm

HOUR = timedelta(hours=1)
USER = f"reader@{REALM}"
Kinit = Callable[..., None]


def config(gate: GatePeer, pi: HistorianPeer, host: str = "127.0.0.1", **more: Any) -> Any:
    address = gate.url(host) + pi.info["path"]
    more = {"max_retries": 0, **more}
    return pi_config(pi, server_url=address, login="kerberos", connector_id="pi", **more)


@pytest.fixture
def read(kerberos_gate: GatePeer, pi_peer: HistorianPeer) -> Callable[..., int]:
    """Read an hour of a tag; the number of its samples."""

    def samples(host: str = "127.0.0.1", **more: Any) -> int:
        with gd.Session([config(kerberos_gate, pi_peer, host, **more)]) as s:
            return len(s.historian(["Ramp"], DAY, DAY + HOUR))

    return samples


def outcomes(gate: GatePeer) -> list[str]:
    return [one["outcome"] for one in gate.seen()]


# --- logins that work --------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_ticket_of_kinit_is_used(
    kinit: Kinit, read: Callable[..., int], kerberos_gate: GatePeer, host: str
) -> None:
    kinit()
    assert read(host) == 60
    seen = kerberos_gate.seen()
    assert {one["user"] for one in seen if one["outcome"] == "served"} == {USER}
    assert {one["scheme"] for one in seen} == {"", "Negotiate"}


def test_a_connection_logs_in_once_where_the_server_keeps_it(
    kinit: Kinit, kerberos_gate: GatePeer, pi_peer: HistorianPeer
) -> None:
    kinit()
    with gd.Session([config(kerberos_gate, pi_peer)]) as s:
        for _ in range(5):
            assert len(s.historian(["Ramp"], DAY, DAY + HOUR)) == 60
    seen = kerberos_gate.seen()
    connections = {one["connection"] for one in seen}
    assert outcomes(kerberos_gate).count("asked") == len(connections)
    assert len([one for one in seen if one["scheme"]]) == len(connections)


@pytest.mark.parametrize("mode", ["request", "forgets", "large", "basic_too"])
def test_a_server_that_asks_again(
    kinit: Kinit, kerberos_gate: GatePeer, pi_peer: HistorianPeer, mode: str
) -> None:
    kinit()
    kerberos_gate.set(mode)
    with gd.Session([config(kerberos_gate, pi_peer)]) as s:
        for _ in range(5):
            assert len(s.historian(["Ramp"], DAY, DAY + HOUR)) == 60
    assert "served" in outcomes(kerberos_gate)
    assert {one["scheme"] for one in kerberos_gate.seen()} == {"", "Negotiate"}


def test_requests_with_a_body_and_many_connections(
    kinit: Kinit, kerberos_gate: GatePeer, pi_peer: HistorianPeer
) -> None:
    kinit()
    tags = [f"Bulk.{n:05d}" for n in range(300)]
    with gd.Session([config(kerberos_gate, pi_peer, timeout_seconds=60)]) as s:
        frame = s.historian(tags, DAY, DAY + timedelta(minutes=3))
    assert frame["Bulk.00299"].tolist() == [299.0, 299.25, 299.5]
    seen = kerberos_gate.seen()
    assert {one["method"] for one in seen} == {"GET", "POST"}
    assert 1 < len({one["connection"] for one in seen}) <= 6
    assert {one["outcome"] for one in seen} == {"asked", "served"}


def test_a_password_needs_no_ticket(
    no_ticket: Path, read: Callable[..., int], kerberos_gate: GatePeer
) -> None:
    assert read(username=USER, password=PASSWORD) == 60
    assert not no_ticket.exists()
    assert {one["user"] for one in kerberos_gate.seen()} == {None, USER}


def test_a_keytab_needs_no_kinit(
    kerberos_realm: Realm,
    no_ticket: Path,
    read: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", f"FILE:{kerberos_realm.user_keytab}")
    assert read() == 60
    assert no_ticket.exists()


def test_the_user_is_chosen_among_the_tickets(
    kerberos_realm: Realm,
    no_ticket: Path,
    read: Callable[..., int],
    kerberos_gate: GatePeer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = no_ticket.with_name("collection")
    folder.mkdir()
    for user in ("reader", "other"):
        kerberos_realm.kinit(folder / f"tkt{user}", user=user)
    (folder / "primary").write_text("tktreader\n")
    monkeypatch.setenv("KRB5CCNAME", f"DIR:{folder}")
    assert read(username=f"other@{REALM}") == 60
    assert {one["user"] for one in kerberos_gate.seen()} == {None, f"other@{REALM}"}


def test_over_tls_the_login_is_bound_to_the_certificate(
    kinit: Kinit, tls_gate: GatePeer, pi_peer: HistorianPeer, certificates: Certificates
) -> None:
    kinit()
    trust = {"ca_path": str(certificates.authority)}
    with gd.Session([config(tls_gate, pi_peer, **trust)]) as s:
        assert len(s.historian(["Ramp"], DAY, DAY + HOUR)) == 60
    served = [one for one in tls_gate.seen() if one["outcome"] == "served"]
    assert {(one["user"], one["bound"]) for one in served} == {(USER, True)}


# --- logins that do not, each told in a sentence ------------------------------------------


def test_no_ticket_is_told_with_what_to_do(no_ticket: Path, read: Callable[..., int]) -> None:
    with pytest.raises(gd.AuthenticationError) as caught:
        read()
    assert str(caught.value) == (
        "pi: there is no Kerberos ticket. Run kinit, or give username and password."
    )
    with pytest.raises(gd.AuthenticationError, match="there is no Kerberos ticket"):
        read(username=f"other@{REALM}")
    assert not no_ticket.exists()


def test_an_expired_ticket_is_told(
    kinit: Kinit, read: Callable[..., int], kerberos_gate: GatePeer
) -> None:
    kinit(life="1s")
    time.sleep(3.1)
    with pytest.raises(gd.AuthenticationError) as caught:
        read()
    assert str(caught.value) == (
        "pi: the Kerberos ticket has expired. Run kinit again, or give username and password."
    )
    assert outcomes(kerberos_gate) == ["asked"]
    kinit()
    assert read() == 60


def test_a_ticket_that_expires_in_between_is_told_and_then_renewed(
    kinit: Kinit, kerberos_gate: GatePeer, pi_peer: HistorianPeer
) -> None:
    kinit(life="8s")
    kerberos_gate.set("request")
    with gd.Session([config(kerberos_gate, pi_peer)]) as s:
        assert len(s.historian(["Ramp"], DAY, DAY + HOUR)) == 60
        time.sleep(9.1)
        with pytest.raises(gd.AuthenticationError, match="ticket has expired"):
            s.historian(["Ramp"], DAY, DAY + HOUR)
        kinit()
        assert len(s.historian(["Ramp"], DAY, DAY + HOUR)) == 60


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ({"username": USER, "password": "s3cret-guess"}, r"the password is wrong\. Check username"),
        ({"username": f"nobody@{REALM}", "password": "s3cret-guess"}, "does not know this user"),
    ],
)
def test_a_wrong_login_is_told(
    no_ticket: Path, read: Callable[..., int], login: dict[str, str], words: str
) -> None:
    with pytest.raises(gd.AuthenticationError, match=words) as caught:
        read(**login)
    assert "s3cret" not in f"{caught.value!r}{caught.value}"
    assert not no_ticket.exists()


@pytest.mark.usefixtures("no_ticket")
def test_a_password_of_nobody_is_told(read: Callable[..., int]) -> None:
    with pytest.raises(gd.ConfigurationError, match="needs username"):
        read(password=PASSWORD)


def test_a_service_that_the_realm_does_not_know_is_told(
    kinit: Kinit, read: Callable[..., int]
) -> None:
    kinit()
    with pytest.raises(
        gd.AuthenticationError, match=r"no service HTTP/127\.0\.0\.2\. Use the name"
    ):
        read("127.0.0.2")


def test_a_service_of_another_account_is_told(
    kinit: Kinit, read: Callable[..., int], kerberos_gate: GatePeer
) -> None:
    kinit()
    with pytest.raises(gd.AuthenticationError, match=r"ticket for HTTP/127\.0\.0\.3: HTTP 401"):
        read("127.0.0.3")
    assert [one[:7] for one in outcomes(kerberos_gate)] == ["asked", "refused"]


def test_a_realm_that_does_not_answer_is_told(
    kerberos_realm: Realm, kinit: Kinit, read: Callable[..., int]
) -> None:
    kinit()
    kerberos_realm.stop()
    try:
        with pytest.raises(
            gd.AuthenticationError, match=r"Check the realm in krb5\.conf"
        ) as caught:
            read()
    finally:
        kerberos_realm.start()
    assert "\n" not in str(caught.value)


# --- servers that do not prove themselves -------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("no_proof", "it took the login and did not prove that it is the server"),
        ("wrong_proof", "it sent a wrong proof"),
        ("anonymous", "it answered without asking for the login"),
    ],
)
def test_a_server_that_does_not_prove_itself_is_not_believed(
    kinit: Kinit, read: Callable[..., int], kerberos_gate: GatePeer, mode: str, words: str
) -> None:
    kinit()
    kerberos_gate.set(mode)
    with pytest.raises(gd.AuthenticationError, match=words):
        read()


def test_the_proof_of_another_login_is_none(
    kinit: Kinit, kerberos_gate: GatePeer, pi_peer: HistorianPeer
) -> None:
    kinit()
    kerberos_gate.set("old_proof")
    for turn in range(2):
        with gd.Session([config(kerberos_gate, pi_peer)]) as s:
            if turn == 0:  # the first has no other to show
                s.snapshot(["Ramp"], errors="report")
                continue
            with pytest.raises(gd.AuthenticationError, match="a wrong proof"):
                s.snapshot(["Ramp"], errors="report")


def test_a_proof_holds_for_its_connection_only(
    kinit: Kinit, kerberos_gate: GatePeer, pi_peer: HistorianPeer
) -> None:
    kinit()
    kerberos_gate.set("unasked")
    with gd.Session([config(kerberos_gate, pi_peer, connection_pool_size=1)]) as s:
        assert len(s.historian(["Ramp"], DAY, DAY + HOUR)) == 60
    with (
        gd.Session([config(kerberos_gate, pi_peer)]) as s,
        pytest.raises(gd.AuthenticationError, match="without asking for the login"),
    ):
        s.historian(["Ramp"], DAY, DAY + HOUR)


# --- where a ticket never goes ------------------------------------------------------------


@pytest.mark.parametrize("login", [{}, {"username": USER, "password": PASSWORD}])
def test_there_is_no_way_from_kerberos_to_a_password(
    kinit: Kinit, read: Callable[..., int], kerberos_gate: GatePeer, login: dict[str, str]
) -> None:
    kinit()
    kerberos_gate.set("basic")
    with pytest.raises(gd.AuthenticationError, match=r"offers Basic\).* Set username and password"):
        read(**login)
    assert {one["scheme"] for one in kerberos_gate.seen()} == {""}


def test_a_server_that_refuses_for_ever_is_asked_no_more(
    kinit: Kinit, read: Callable[..., int], kerberos_gate: GatePeer
) -> None:
    kinit()
    kerberos_gate.set("never")
    with pytest.raises(gd.AuthenticationError, match="does not take the ticket"):
        read(max_retries=2)
    assert len(outcomes(kerberos_gate)) == 2


def test_a_redirect_takes_no_ticket_elsewhere(
    kinit: Kinit, read: Callable[..., int], kerberos_gate: GatePeer, pi_peer: HistorianPeer
) -> None:
    kinit()
    pi_peer.clear_requests()
    kerberos_gate.set("elsewhere", elsewhere=f"{pi_peer.url}/system")
    with pytest.raises(gd.ProtocolError, match="leads on to another server"):
        read()
    assert not list(pi_peer.requests())


def test_a_next_link_takes_no_ticket_elsewhere(kinit: Kinit, kerberos_realm: Realm) -> None:
    kinit()
    with (
        start_lying_service() as service,
        start_or_skip(lambda: start_gate(kerberos_realm, service.origin)) as gate,
        gd.Session(
            [odata_config(gate.url(), login="kerberos", services={"S": "/v4/S"}, max_retries=0)]
        ) as s,
    ):
        service.set(link="relative", keys="refused")
        assert len(s.erp("S/Rows", limit=None)) == 250
        service.set(link="absolute", keys="refused")  # to the service itself, past the gate
        with pytest.raises(gd.ProtocolError, match="another server"):
            s.erp("S/Rows", limit=None)
        hosts = {one["headers"]["host"] for one in service.requests()}
        assert hosts == {f"127.0.0.1:{gate.port}"}


def test_no_message_of_a_login_is_told_or_logged(
    kinit: Kinit,
    read: Callable[..., int],
    kerberos_gate: GatePeer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    kinit()
    caplog.set_level(logging.DEBUG)
    assert read() == 60
    assert read(username=USER, password=PASSWORD) == 60
    kerberos_gate.set("denied")
    with pytest.raises(gd.SourceError, match="HTTP 403") as caught:
        read(database_name="MYPISERVER")
    told = f"{caught.value!r}{caught.value}{caplog.text}"
    assert PASSWORD not in told
    assert not re.search(r"[A-Za-z0-9+/]{200}", told)
    assert "urllib3" in caplog.text  # so that something was listened to


def test_a_script_reads_with_a_ticket_too(
    kerberos_realm: Realm, kinit: Kinit, kerberos_gate: GatePeer, pi_peer: HistorianPeer
) -> None:
    kinit()
    code = (
        "import sys, greenlang_data as gd\n"
        "with gd.Session([gd.HistorianConfig.model_validate_json(sys.argv[1])]) as s:\n"
        "    print(len(s.historian(['Ramp'], '2025-01-01T00:00Z', '2025-01-01T01:00Z')))"
    )
    written = config(kerberos_gate, pi_peer).model_dump_json(exclude_unset=True)
    done = subprocess.run(
        [sys.executable, "-c", code, written],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **kerberos_realm.environment},
    )
    assert (done.stdout, done.stderr) == ("60\n", "")
