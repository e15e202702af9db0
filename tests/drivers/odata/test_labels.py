"""Labels are in the language of who asks, whoever asked before."""

from __future__ import annotations

from typing import Any

import greenlang_data as gd
from tests.drivers.odata.helpers import config
from tests.drivers.odata.labelled_service import start_labelled_service
from tests.peers.fixtures import renewed
from tests.peers.historian_launch import HistorianPeer

ANNA: dict[str, Any] = {"username": "anna", "password": "s3cret"}
BOB: dict[str, Any] = {"username": "bob", "password": "s3cret"}


peer_session, peer = renewed("peer", start_labelled_service, scope="module")


def label(peer: HistorianPeer, **more: Any) -> str:
    with gd.Session([config(peer.origin, v2_path="/v2", **more)]) as s:
        return str(s.erp.fields("S/Rows")["description"][0])


def test_another_language_is_asked_for_anew(peer: HistorianPeer) -> None:
    for language, text in (("EN", "Number"), ("DE", "Nummer"), ("en", "Number"), ("DE", "Nummer")):
        assert label(peer, sap_language=language) == text


def test_another_user_is_asked_for_anew(peer: HistorianPeer) -> None:
    assert [label(peer, **who) for who in (BOB, ANNA, BOB)] == ["Number", "Nummer", "Number"]
    tokens = ("token-of-bob", "token-of-anna", "token-of-bob")
    assert [label(peer, token=one) for one in tokens] == ["Number", "Nummer", "Number"]


def test_the_same_metadata_are_read_once(peer: HistorianPeer) -> None:
    for _ in range(3):
        label(peer, sap_client="123", sap_language="DE", **ANNA)
    asked = [one for one in peer.requests() if one["path"].endswith("$metadata")]
    assert [one["headers"].get("if-none-match") for one in asked] == [None, 'W/"1"', 'W/"1"']
