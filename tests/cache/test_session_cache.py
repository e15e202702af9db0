"""The cache through the public API, against the emulators."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from greenlang_data.connectors.asked import login_name
from greenlang_data.errors import AuthenticationError
from tests.connectors.tokens import token
from tests.drivers.piwebapi.helpers import DAY, config
from tests.peers.historian_launch import HistorianPeer

HOUR = timedelta(hours=1)
TAGS = ["Ramp", "Mixed", "Pump", "Ticks", "Text", "Flags", "Empty"]
DATA = ("/streamsets/recorded", "/datapoints/raw")
LOGIN = {"client_id": "historian-client", "client_secret": "s3cret-client"}


def opened(peer: HistorianPeer, folder: Path | None, **more: Any) -> gd.Session:
    path = None if folder is None else str(folder)
    return gd.Session([config(peer, cache_path=path, **more)])


def reads(peer: HistorianPeer) -> int:
    return sum(one["path"].endswith(DATA) for one in peer.requests())


@pytest.mark.parametrize("shape", ["wide", "long"])
def test_the_frame_is_the_same_and_says_where_it_is_from(
    pi_peer: HistorianPeer, tmp_path: Path, shape: Any
) -> None:
    window = (DAY, DAY + 2 * HOUR)
    with opened(pi_peer, None) as s:
        plain = s.historian(TAGS, *window, shape=shape)
    with opened(pi_peer, tmp_path) as s:
        first = s.historian(TAGS, *window, shape=shape)
    once = reads(pi_peer)
    with opened(pi_peer, tmp_path) as s:
        second = s.historian(TAGS, *window, shape=shape)
        assert reads(pi_peer) == once
        longer = s.historian(TAGS, DAY, DAY + 3 * HOUR, shape=shape)
    for frame in (first, second):
        pd.testing.assert_frame_equal(frame, plain)
        for key in ("response_hash", "frame_hash", "units", "quality"):
            assert frame.attrs["provenance"][key] == plain.attrs["provenance"][key]
    assert second.attrs["provenance"]["requests"] == 0
    assert "from the cache" in second.attrs["provenance"]["notes"][-1]
    assert "from the cache" in longer.attrs["provenance"]["notes"][-1]
    asked = [dict(one["query"]) for one in pi_peer.requests() if one["path"].endswith(DATA)]
    assert len(asked) > once
    assert all(one["startTime"] >= "2025-01-01T02:00" for one in asked[once:])
    with opened(pi_peer, None) as s:
        pd.testing.assert_frame_equal(longer, s.historian(TAGS, DAY, DAY + 3 * HOUR, shape=shape))


def test_proficy_and_long_scans(proficy_peer: HistorianPeer, tmp_path: Path) -> None:
    query = gd.HistorianQuery(
        tag_names=["Million", "Ramp", "Text"],
        start_time=DAY,
        end_time=DAY + 2 * HOUR,
        interval=None,
    )
    with opened(proficy_peer, tmp_path / "cache", historian_type="ge", **LOGIN) as s:
        gd.to_parquet(s.scan(query), tmp_path / "one.parquet")
        once = reads(proficy_peer)
        gd.to_parquet(s.scan(query), tmp_path / "two.parquet")
    assert reads(proficy_peer) == once
    one, two = (gd.read_parquet(tmp_path / f"{name}.parquet") for name in ("one", "two"))
    pd.testing.assert_frame_equal(one, two)
    assert len(one) == 7200 + 120 + 120


def test_a_fault_in_the_middle_keeps_nothing_half(pi_peer: HistorianPeer, tmp_path: Path) -> None:
    pi_peer.set(max_returned=1000)
    pi_peer.fault("web_exception", "streamsets/recorded", skip=2)
    with opened(pi_peer, tmp_path, max_retries=0) as s, pytest.raises(gd.TransientError):
        s.historian(["Million"], DAY, DAY + HOUR)
    pi_peer.reset()
    assert not [one for one in tmp_path.rglob("*") if one.is_file()]
    with opened(pi_peer, tmp_path) as s:
        assert len(s.historian(["Million"], DAY, DAY + HOUR)) == 3600


def test_aggregates_current_values_and_other_servers_are_not_mixed_in(
    pi_peer: HistorianPeer, proficy_peer: HistorianPeer, tmp_path: Path
) -> None:
    with opened(pi_peer, tmp_path) as s:
        s.historian(["Ramp"], DAY, DAY + HOUR, "10min", "avg")
        s.snapshot(["Ramp"])
    assert not list(tmp_path.iterdir())
    with opened(pi_peer, tmp_path) as s:
        s.historian(["Ramp"], DAY, DAY + HOUR)
    with opened(proficy_peer, tmp_path, historian_type="ge", **LOGIN) as s:
        s.historian(["Ramp"], DAY, DAY + HOUR)
    assert reads(proficy_peer) == 1
    assert len(list(tmp_path.iterdir())) == 2


def test_what_one_login_may_read_is_not_given_to_another(
    pi_peer: HistorianPeer, tmp_path: Path
) -> None:
    known = {"username": "operator", "password": "s3cret-Pässword"}
    pi_peer.set(auth="basic")
    for _ in range(2):
        with opened(pi_peer, tmp_path, **known) as s:
            s.historian(["Ramp"], DAY, DAY + HOUR)
    assert reads(pi_peer) == 1
    with (
        opened(pi_peer, tmp_path, username="guest", password="none") as s,
        pytest.raises(AuthenticationError),
    ):
        s.historian(["Ramp"], DAY, DAY + HOUR)


def test_what_one_token_was_given_is_not_given_to_another(
    pi_peer: HistorianPeer, tmp_path: Path
) -> None:
    jwt = (token("me", 1), token("me", 2), token("you", 1))
    asked = [("s3cret-of-one", 1), ("s3cret-of-one", 1), ("s3cret-of-two", 2),
             (jwt[0], 3), (jwt[1], 3), (jwt[2], 4)]  # fmt: skip
    for text, times in asked:
        with opened(pi_peer, tmp_path, token=text) as s:
            s.historian(["Ramp"], DAY, DAY + HOUR)
        assert reads(pi_peer) == times
    files = [one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()]
    assert len(files) == 4
    assert not any(b"s3cret" in one or jwt[0].encode() in one for one in files)


def test_a_ticket_that_may_be_anybodys_is_given_nothing_that_was_kept(
    pi_peer: HistorianPeer, tmp_path: Path
) -> None:
    pytest.importorskip("spnego")
    with opened(pi_peer, tmp_path) as s:
        s.historian(["Ramp"], DAY, DAY + HOUR)
    # The peer speaks no Kerberos, so nothing but the cache could answer.
    with (
        opened(pi_peer, tmp_path, login="kerberos") as s,
        pytest.raises(AuthenticationError, match="did not prove"),
    ):
        s.historian(["Ramp"], DAY, DAY + HOUR)
    assert login_name(config(pi_peer, login="kerberos")) is None
    assert login_name(config(pi_peer, login="kerberos", username="me@PLANT")) == "me@PLANT"


def test_what_is_simulated_is_never_kept(tmp_path: Path) -> None:
    more = {"connector_type": "historian", "mock_mode": True, "cache_path": str(tmp_path)}
    with gd.Session([gd.HistorianConfig(connector_id="mock", **more)]) as s:
        assert len(s.historian(["ProcessTemp"], DAY, DAY + HOUR)) > 0
    assert not list(tmp_path.iterdir())


def test_no_folder_unless_asked(
    pi_peer: HistorianPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with opened(pi_peer, None) as s:
        s.historian(["Ramp"], DAY, DAY + HOUR)
        s.sources["pi"].cache_path = "cache"  # type: ignore[attr-defined]  # a historian's
        s.historian(["Ramp"], DAY, DAY + HOUR)
    assert [one.name for one in tmp_path.iterdir()] == ["cache"]
