"""How few requests a read takes, and what they look like."""

from __future__ import annotations

from datetime import timedelta

import pytest

from greenlang_data.errors import UnknownTagError
from tests.drivers.piwebapi.helpers import DAY, session
from tests.peers.historian_launch import HistorianPeer

TAGS = [f"Bulk.{index:05d}" for index in range(200)]
MINUTES = timedelta(minutes=5)


def test_two_hundred_tags_in_a_dozen_requests(pi_peer: HistorianPeer) -> None:
    with session(pi_peer) as s:
        cold = s.historian(TAGS, DAY, DAY + MINUTES)
        assert cold.attrs["provenance"]["requests"] == len(pi_peer.requests()) <= 13
        pi_peer.clear_requests()
        warm = s.historian(TAGS, DAY, DAY + MINUTES)
        assert {one["path"].rpartition("/")[2] for one in pi_peer.requests()} == {"recorded"}
    assert warm.equals(cold)
    assert warm["Bulk.00199"].tolist() == [199 + index * 0.25 for index in range(5)]


def test_names_are_looked_up_by_nobody_when_known(pi_peer: HistorianPeer) -> None:
    with session(pi_peer) as s:
        s.historian(TAGS[:5], DAY, DAY + MINUTES)
        pi_peer.clear_requests()
        s.historian(TAGS[:5], DAY, DAY + MINUTES, interval="1min", aggregation="time_avg")
    (only,) = pi_peer.requests()
    assert only["path"] == "/piwebapi/streamsets/summary"


def test_no_address_is_longer_than_servers_take(pi_peer: HistorianPeer) -> None:
    with session(pi_peer) as s:
        s.historian(TAGS, DAY, DAY + MINUTES)
    assert max(len(one["target"]) for one in pi_peer.requests()) <= 2048


def test_intervals_are_in_utc_whatever_the_servers_zone(pi_peer: HistorianPeer) -> None:
    with session(pi_peer) as s:
        s.historian(["Ramp"], DAY, DAY + MINUTES, interval="1min", aggregation="interpolated")
        s.historian(["Ramp"], DAY, DAY + MINUTES)
    asked = [dict(one["query"]) for one in pi_peer.requests() if "streamsets" in one["path"]]
    assert {one["timeZone"] for one in asked} == {"UTC"}
    assert {one["startTime"] for one in asked} == {"2025-01-01T00:00:00.0000000Z"}


def test_without_batches(pi_peer: HistorianPeer) -> None:
    pi_peer.fault("status", "POST", status=403)
    with session(pi_peer) as s:
        frame = s.historian(TAGS, DAY, DAY + MINUTES)
    assert frame["Bulk.00000"].tolist() == [index * 0.25 for index in range(5)]


def test_the_data_server_is_asked_for_once_unless_named(pi_peer: HistorianPeer) -> None:
    with session(pi_peer) as s:
        s.historian(["Ramp"], DAY, DAY + MINUTES)
        s.historian(["Step"], DAY, DAY + MINUTES)
    asked = [one for one in pi_peer.requests() if one["path"].endswith("dataservers")]
    assert len(asked) == 1
    with (
        session(pi_peer, database_name="No-such-server") as s,
        pytest.raises(UnknownTagError, match="Ramp"),
    ):
        s.historian(["Ramp"], DAY, DAY + MINUTES)
