"""What may leave the drivers of historians: questions and logins, whatever is called."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any, get_args

import pytest

import greenlang_data as gd
from greenlang_data.connectors.historian import HistorianAggregation
from tests.drivers.piwebapi.helpers import DAY, config
from tests.peers.historian_launch import HistorianPeer
from tests.peers.pi_assets import AF_SERVER, DATABASE

HOUR = timedelta(hours=1)
LOGIN = {"client_id": "historian-client", "client_secret": "s3cret-client"}
# Many enough that PI is asked in a batch, which is a POST.
TAGS = ["Ramp", "Pump", "Nope", *(f"Bulk.{index:05d}" for index in range(60))]


def use_everything(s: gd.Session) -> None:
    """Call whatever a session has for historians; what a source lacks is told."""
    s.snapshot(TAGS, errors="report")
    s.historian(TAGS, DAY, DAY + HOUR, errors="report")
    s.tags("source").find("*Bulk*")
    s.status()
    for aggregation in get_args(HistorianAggregation):
        for step in ("30min", "25min"):
            with suppress(gd.UnsupportedError):
                s.historian(["Ramp"], DAY, DAY + HOUR, step, aggregation)
    with suppress(gd.UnsupportedError):
        s.event_frames(rf"\\{AF_SERVER}\{DATABASE}", DAY, DAY + HOUR)


def asked(peer: HistorianPeer, **more: Any) -> list[dict[str, Any]]:
    with gd.Session([config(peer, connector_id="source", **more)]) as s:
        use_everything(s)
    return list(peer.requests())


def test_pi_is_asked_by_gets_and_batches_of_gets(pi_peer: HistorianPeer) -> None:
    requests = asked(pi_peer)
    assert {one["method"] for one in requests} == {"GET", "POST"}
    posts = [one for one in requests if one["method"] == "POST"]
    assert {one["path"] for one in posts} == {"/piwebapi/batch"}
    parts = [part for one in posts for part in json.loads(one["body"]).values()]
    assert {part["Method"] for part in parts} == {"GET"}
    assert all("Content" not in part for part in parts)


@pytest.mark.parametrize("login", [LOGIN, {"username": "operator", "password": "s3cret-Pässword",
                                           **LOGIN}], ids=["client", "person"])  # fmt: skip
def test_proficy_is_asked_by_gets_apart_from_the_login(
    proficy_peer: HistorianPeer, login: dict[str, str]
) -> None:
    requests = asked(proficy_peer, historian_type="ge", **login)
    posts = [one for one in requests if one["method"] != "GET"]
    assert {(one["method"], one["path"]) for one in posts} == {("POST", "/uaa/oauth/token")}
    assert not any("create" in one["path"] for one in requests)
