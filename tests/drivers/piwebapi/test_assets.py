"""AF attributes and event frames."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from greenlang_data.errors import ProtocolError, QueryError, UnknownTagError, UnsupportedError
from tests.drivers.piwebapi.helpers import DAY, session, truth
from tests.peers.historian_launch import HistorianPeer
from tests.peers.pi_assets import AF_SERVER, DATABASE, Frame, overlapping

HOUR = timedelta(hours=1)
ROOT = rf"\\{AF_SERVER}\{DATABASE}"


def test_attributes_are_read_like_points(pi_peer: HistorianPeer) -> None:
    temperature, nothing = rf"{ROOT}\Boiler1|Temperature", rf"{ROOT}\Boiler1|Nothing"
    tags = [temperature, nothing, "Ramp", rf"{ROOT}\Boiler2|Limit"]
    with session(pi_peer) as s:
        frame = s.historian(tags, DAY, DAY + HOUR, errors="report")
        with pytest.raises(UnknownTagError, match="Nothing"):
            s.historian(tags, DAY, DAY + HOUR)
        mean = s.historian([temperature], DAY, DAY + HOUR, "30min", "avg")
    expected = [event.value for event in truth("Ramp", DAY, DAY + HOUR)]
    assert frame[temperature].tolist() == frame["Ramp"].tolist() == expected
    assert list(frame.attrs["provenance"]["failures"]) == [nothing]
    units = frame.attrs["provenance"]["units"]
    assert units[temperature] == "°C"
    assert mean[temperature].tolist() == [7.25, 22.25]


def frames(peer: HistorianPeer, end: Any, **more: Any) -> pd.DataFrame:
    with session(peer) as s:
        return s.event_frames(ROOT, DAY, end, **more)


def test_event_frames_beyond_the_first_thousand(pi_peer: HistorianPeer) -> None:
    found = frames(pi_peer, DAY + 1300 * HOUR)
    start = Frame(0).start
    expected = overlapping(start, start + 1300 * 36_000_000_000)
    assert sorted(found["name"]) == [one.name for one in expected]
    still = found.loc[found["end_time"].isna(), "name"]
    assert sorted(still) == [one.name for one in expected if one.end is None]
    first = found.set_index("name").loc["Trip 0001"]
    assert first["start_time"] == pd.Timestamp(DAY + HOUR)
    assert first["end_time"] == pd.Timestamp(DAY + 1.5 * HOUR) + pd.Timedelta(100, "ns")
    assert (first["template"], first["severity"]) == ("Trip", "Information")
    assert found.attrs["provenance"]["requests"] == 3


def test_event_frames_are_filtered_by_the_server(pi_peer: HistorianPeer) -> None:
    found = frames(pi_peer, DAY + 50 * HOUR, template="Batch")
    assert set(found["template"]) == {"Batch"}
    assert frames(pi_peer, DAY + 5 * HOUR, name="Nothing*").empty


def test_a_list_that_breaks_off_is_not_taken_for_a_shorter_one(pi_peer: HistorianPeer) -> None:
    pi_peer.fault("status", "/eventframes", skip=1, status=200, body={})
    with pytest.raises(ProtocolError, match="event frames has no items"):
        frames(pi_peer, DAY + 1300 * HOUR)


def test_a_database_that_is_not_there(pi_peer: HistorianPeer) -> None:
    with session(pi_peer) as s:
        with pytest.raises(QueryError, match="AF database"):
            s.event_frames("Plant", DAY, DAY + HOUR)
        with pytest.raises(QueryError, match="cannot be had"):
            s.event_frames(r"\\NO\Where", DAY, DAY + HOUR)
        with pytest.raises(QueryError, match="start is missing"):
            s.event_frames(ROOT)


def test_a_historian_without_event_frames(proficy_peer: HistorianPeer) -> None:
    login = {"client_id": "historian-client", "client_secret": "s3cret-client"}
    with (
        session(proficy_peer, historian_type="ge", **login) as s,
        pytest.raises(UnsupportedError, match="no records"),
    ):
        s.event_frames(ROOT, DAY, DAY + HOUR)
