"""What every driver of a business system must do, through the public API, on the wire."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import greenlang_data as gd
from greenlang_data.runtime import get_runtime
from tests.contract.subjects import RecordSubject, record_subject
from tests.peers.fixtures import start_or_skip
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import (
    start_dataverse,
    start_finance,
    start_gateway,
    start_netsuite,
    start_oracle,
)
from tests.peers.proxy import Fault, FaultProxy

SECRET = "s3cret-Pässword"
BASIC = {"username": "operator", "password": SECRET}
V4 = "api_purchaseorder_2/srvd_a2x/sap/purchaseorder/0001/PurchaseOrder"
CLIENT = {"client_id": "historian-client", "client_secret": "s3cret-client"}
CERTIFICATE = {
    "account": "1234567_SB1", "client_id": "historian-client", "private_key_id": "certificate-1",
    "jwt_algorithm": "ES256",
}  # fmt: skip


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _private(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    none = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, none).decode()


def _public(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def _gateway() -> HistorianPeer:
    return start_gateway(items=6_000)


def _oracle() -> HistorianPeer:
    return start_oracle(orders=600)


# name -> peer, entity, key column, rows, keys of the config
SUBJECTS: dict[str, tuple[Callable[[], HistorianPeer], str, str, int, dict[str, Any]]] = {
    "sap-v2": (_gateway, "purchase_order", "purchase_order", 600, {"erp_system": "sap", **BASIC}),
    "sap-v4": (_gateway, V4, "PurchaseOrder", 600, {"erp_system": "sap", **BASIC}),
    "oracle": (_oracle, "purchase_order", "purchase_order", 600, {"erp_system": "oracle", **BASIC}),
    "netsuite": (start_netsuite, "material", "material", 2_000,
                 {"erp_system": "netsuite", **CERTIFICATE}),
    "finance": (
        start_finance, "supplier", "name", 1_500, {"erp_system": "dynamics", **CLIENT},
    ),
    "dataverse": (
        start_dataverse, "accounts", "accountid", 0,
        {"erp_system": "dynamics", "dynamics_app": "dataverse", **CLIENT},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def started() -> Iterator[Callable[[Callable[[], HistorianPeer]], HistorianPeer]]:
    """Starts each emulator once; all are stopped at the end."""
    with ExitStack() as stack:
        yield cache(lambda start: stack.enter_context(start_or_skip(start)))


@pytest.fixture(params=SUBJECTS)
def subject(
    request: pytest.FixtureRequest,
    started: Callable[[Callable[[], HistorianPeer]], HistorianPeer],
    proxy_factory: Callable[[int], FaultProxy],
) -> RecordSubject:
    start, entity, key, rows, keys = SUBJECTS[request.param]
    peer = started(start)
    peer.reset()
    if request.param == "netsuite":
        # The assertion names the server that it is for, which is not the proxy.
        pair = _key()
        peer.set(auth="oauth2", public_key=_public(pair))
        token_url = f"{peer.origin}/services/rest/auth/oauth2/v1/token"
        keys = {**keys, "private_key": _private(pair), "token_url": token_url}
    elif "client_id" in keys:
        keys = {**keys, "token_url": f"{peer.origin}/tenant/oauth2/v2.0/token"}
    proxy = proxy_factory(peer.port)
    return record_subject(f"{request.param}-subject", entity, key, rows, peer, proxy, **keys)


@pytest.fixture
def session(subject: RecordSubject) -> Iterator[gd.Session]:
    with gd.Session([subject.config]) as opened:
        yield opened


def assert_whole(frame: pd.DataFrame, subject: RecordSubject) -> None:
    assert frame[subject.key].is_unique
    assert len(frame) == (subject.rows or len(frame))
    assert len(frame) > 100
    assert gd.verify(frame) == "intact"


def read(session: gd.Session, subject: RecordSubject, **more: Any) -> pd.DataFrame:
    return session.erp(subject.entity, limit=None, **more)


def test_all_records_with_proof_and_the_same_each_time(
    session: gd.Session, subject: RecordSubject
) -> None:
    one, other = read(session, subject), read(session, subject)
    assert_whole(one, subject)
    first, second = one.attrs["provenance"], other.attrs["provenance"]
    assert first["response_hash"] == second["response_hash"]
    assert first["request_id"] != second["request_id"]
    assert first["metadata"]["completeness"]["distinct_keys"] == len(one)


def test_a_sign_of_life_takes_one_request_and_a_right_login(
    session: gd.Session, subject: RecordSubject
) -> None:
    get_runtime().run(session.connector(subject.name).ping())
    asked = [one for one in subject.peer.requests() if not one["path"].endswith("/token")]
    assert len(asked) == 1
    with gd.Session([_with_wrong_login(subject.config)]) as wrong:
        connector = wrong.connector(subject.name)
        with pytest.raises(gd.AuthenticationError, match=subject.name):
            get_runtime().run(connector.ping())
    subject.proxy.set_fault(Fault.REFUSE)
    subject.proxy.reset_connections()
    with pytest.raises(ConnectionError):
        get_runtime().run(session.connector(subject.name).ping())


def test_an_empty_answer_has_the_columns_and_types_of_a_full_one(
    session: gd.Session, subject: RecordSubject
) -> None:
    full = read(session, subject)
    empty = read(session, subject, filters={subject.key: _nobody(full[subject.key].iloc[0])})
    assert len(empty) == 0
    assert list(empty) == list(full)
    texts = [name for name in full if str(full[name].dtype) in ("str", "string")]
    assert {str(empty[name].dtype) for name in texts} == {str(full[name].dtype) for name in texts}


def _nobody(value: str) -> str:
    return "00000000-0000-4000-8000-000000000000" if value.count("-") == 4 else "no such thing"


def test_a_name_that_is_none_is_told_with_the_nearest(
    session: gd.Session, subject: RecordSubject
) -> None:
    with pytest.raises(gd.QueryError, match=subject.name) as caught:
        read(session, subject, filters={f"{subject.key}s": "x"})
    assert subject.key in str(caught.value)
    with pytest.raises(gd.UnknownTagError):
        session.erp("nothing_of_the_kind")


def test_wrong_credentials_are_told_once_and_shown_nowhere(subject: RecordSubject) -> None:
    config = _with_wrong_login(subject.config)
    with (
        gd.Session([config]) as session,
        pytest.raises(gd.AuthenticationError, match=subject.name) as caught,
    ):
        read(session, subject)
    assert "wr0ng" not in f"{caught.value} {config!r}"
    assert len(subject.peer.requests()) == 1


def _with_wrong_login(config: gd.ERPConfig) -> gd.ERPConfig:
    wrong = {"password": "wr0ng"} if config.password else {"client_secret": "wr0ng"}
    if config.private_key:
        wrong = {"private_key": _private(_key())}
    return type(config)(**{**_given(config), **wrong})


def _given(config: gd.ERPConfig) -> dict[str, Any]:
    return {name: getattr(config, name) for name in config.model_fields_set}


@pytest.mark.parametrize("fault", [Fault.REFUSE, Fault.RESET, Fault.CUT, Fault.HALF, Fault.GARBAGE])
def test_a_broken_wire_is_an_error_and_the_next_call_works(
    session: gd.Session, subject: RecordSubject, fault: Fault
) -> None:
    assert_whole(read(session, subject), subject)
    subject.proxy.set_fault(fault, after_bytes=20)
    if fault is Fault.REFUSE:
        subject.proxy.reset_connections()  # else what is open goes on
    with pytest.raises((gd.SourceError, gd.DeadlineExceeded), match=subject.name) as caught:
        read(session, subject)
    assert "s3cret" not in str(caught.value)
    subject.proxy.set_fault(Fault.PASS)
    assert_whole(read(session, subject), subject)


def test_a_single_reset_is_overcome_by_the_retry(
    session: gd.Session, subject: RecordSubject
) -> None:
    assert_whole(read(session, subject), subject)
    subject.proxy.reset_connections()
    assert_whole(read(session, subject), subject)


def test_a_silent_source_times_out_in_the_time_given_and_recovers(
    session: gd.Session, subject: RecordSubject
) -> None:
    assert_whole(read(session, subject), subject)
    subject.proxy.set_fault(Fault.STALL)
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=subject.name):
        read(session, subject, timeout=1)
    assert time.monotonic() - started < 5
    subject.proxy.set_fault(Fault.PASS)
    assert_whole(read(session, subject), subject)


def test_threads_read_the_same_source_at_once(session: gd.Session, subject: RecordSubject) -> None:
    frames: list[pd.DataFrame] = []
    threads = [
        threading.Thread(target=lambda: frames.append(read(session, subject))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({one.attrs["provenance"]["response_hash"] for one in frames}) == 1
    assert len(frames) == 4


def test_nothing_is_sent_that_could_change_anything(
    session: gd.Session, subject: RecordSubject
) -> None:
    read(session, subject)
    session.erp.entities()
    session.erp.fields(subject.entity)
    for one in subject.peer.requests():
        query = one["method"] == "POST" and (
            one["path"].endswith("/token")
            or json.loads(one["body"]).get("q", "").startswith("SELECT ")
        )
        assert one["method"] == "GET" or query


def test_a_read_that_failed_goes_on_where_it_was(subject: RecordSubject, tmp_path: Path) -> None:
    small = {"page_size": 100, "max_retries": 0, "checkpoint_path": str(tmp_path)}
    config = type(subject.config)(**{**_given(subject.config), **small})
    with gd.Session([subject.config]) as session:
        whole = read(session, subject)
    if subject.name == "finance-subject":
        subject.peer.set(page=100)  # it heeds no other wish
    last = subject.entity.rpartition("/")[2]
    where = {"sap-v2": "A_PurchaseOrder\\?", "oracle": "purchaseOrders\\?", "netsuite": "suiteql",
             "finance": "Vendors", "sap-v4": last, "dataverse": last}  # fmt: skip
    match = where[subject.name.removesuffix("-subject")]
    subject.peer.fault("reset", match, skip=2)
    with gd.Session([config]) as session:
        with pytest.raises(gd.SourceUnreachable):
            read(session, subject)
        subject.peer.set(faults=[])
        frame = read(session, subject)
    told = frame.attrs["provenance"].full
    assert told["response_hash"] == whole.attrs["provenance"]["response_hash"]
    assert "are those of an earlier read" in " ".join(told["notes"])
    assert not list(tmp_path.rglob("*.arrow"))


def test_closing_ends_the_connections(session: gd.Session, subject: RecordSubject) -> None:
    read(session, subject)
    session.close()
    session.close()
    until = time.monotonic() + 5
    while subject.proxy.open_connections and time.monotonic() < until:
        time.sleep(0.01)
    assert not subject.proxy.open_connections
    with pytest.raises(gd.SessionClosedError):
        read(session, subject)
