"""Pytest fixtures for Kerberos: a realm, a server that wants its tickets, and tickets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .certificates import Certificates
from .fixtures import start_or_skip
from .historian_launch import HistorianPeer
from .kerberos_launch import GatePeer, start_gate
from .kerberos_realm import Realm


@pytest.fixture(scope="session")
def kerberos_realm() -> Iterator[Realm]:
    """The realm PLANT.TEST with its KDC."""
    with start_or_skip(Realm) as realm:
        yield realm


@pytest.fixture(scope="session")
def gate_session(kerberos_realm: Realm, pi_session: HistorianPeer) -> Iterator[GatePeer]:
    """The gate before the PI Web API emulator; tests take ``kerberos_gate``."""
    with start_or_skip(lambda: start_gate(kerberos_realm, pi_session.origin)) as gate:
        yield gate


@pytest.fixture
def kerberos_gate(gate_session: GatePeer, pi_peer: HistorianPeer) -> GatePeer:
    """The gate in its usual mode, with nothing seen yet, before a PI Web API set back."""
    assert pi_peer.alive
    gate_session.set("connection")
    return gate_session


@pytest.fixture
def tls_gate(
    kerberos_realm: Realm, pi_peer: HistorianPeer, certificates: Certificates
) -> Iterator[GatePeer]:
    """A gate over TLS."""
    server = certificates.server
    with start_or_skip(
        lambda: start_gate(kerberos_realm, pi_peer.origin, server.certificate, server.key)
    ) as gate:
        yield gate


@pytest.fixture
def no_ticket(kerberos_realm: Realm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """This process in the realm, without a ticket; where its tickets would be."""
    cache = tmp_path / "tickets"
    for name, value in kerberos_realm.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{cache}")
    monkeypatch.delenv("KRB5_CLIENT_KTNAME", raising=False)
    return cache


@pytest.fixture
def kinit(kerberos_realm: Realm, no_ticket: Path) -> Callable[..., None]:
    """Get this process a ticket: ``kinit()``, ``kinit(life="1s", user="other")``."""

    def get(*, life: str = "1h", user: str = "reader") -> None:
        kerberos_realm.kinit(no_ticket, life=life, user=user)

    return get
