"""What a historian has to read, found through the session."""

from __future__ import annotations

import pytest

import greenlang_data as gd
from tests.drivers.piwebapi.helpers import config
from tests.peers.historian_launch import HistorianPeer
from tests.peers.historian_tags import catalogue
from tests.peers.pi_assets import AF_SERVER, DATABASE

LOGIN = {"client_id": "historian-client", "client_secret": "s3cret-client"}


def test_points_are_found_beyond_the_first_thousand(pi_peer: HistorianPeer) -> None:
    with gd.Session([config(pi_peer)]) as s:
        found = s.tags("pi").find("bulk.*")
        once = len(pi_peer.requests())
        ramp = s.tags("pi").find("r?mp").iloc[0]
        assert s.tags("pi")["Bulk.02499"] == "Bulk.02499"
        assert len(pi_peer.requests()) == once
    assert len(found) == 2_500
    assert set(found["unit"].fillna("")) == {"degC", "bar", "kg/h", ""}
    assert (ramp["unit"], ramp["description"]) == ("degC", "A value each minute")
    assert gd.verify(found) == "intact"


def test_attributes_are_found_beside_the_points(pi_peer: HistorianPeer) -> None:
    root = rf"\\{AF_SERVER}\{DATABASE}"
    with gd.Session([config(pi_peer, asset_database=root)]) as s:
        found = s.tags("pi").find("*Boiler1|T*")
        tag = found["tag_id"].iloc[0]
        frame = s.historian([tag], "2025-01-01", "2025-01-01T01:00")
        assert s.tags("pi")["Ramp"] == "Ramp"
    assert found["tag_id"].tolist() == [rf"{root}\Boiler1|Temperature"]
    assert found["unit"].tolist() == ["°C"]
    assert len(frame) == 60


@pytest.mark.parametrize("database", ["Plant", r"\\AF", r"\\AF\Plant\Boiler", r"\\AF\Plant|x"])
def test_a_database_that_is_none_is_refused(pi_peer: HistorianPeer, database: str) -> None:
    with pytest.raises(ValueError, match="asset_database"):
        config(pi_peer, asset_database=database)


def test_proficy_tags_are_found_with_their_units(proficy_peer: HistorianPeer) -> None:
    with gd.Session([config(proficy_peer, historian_type="ge", **LOGIN)]) as s:
        found = s.tags("pi").find()
    assert set(catalogue()) <= set(found["tag_id"])
    rows = found.set_index("tag_id")
    assert rows.loc["Ramp", "unit"] == "degC"
    assert rows.loc["Ramp", "description"] == "A value each minute"
    assert gd.verify(found) == "intact"


def test_proficy_units_are_asked_for_once(proficy_peer: HistorianPeer) -> None:
    window = ("2025-01-01", "2025-01-01T01:00")
    with gd.Session([config(proficy_peer, historian_type="ge", **LOGIN)]) as s:
        raw = s.historian(["Ramp", "Mixed", "Text"], *window)
        now = s.snapshot(["Ramp"])
        mean = s.historian(["Ramp"], *window, "30min", "avg")
    units = raw.attrs["provenance"]["units"]
    assert {tag: units[tag] for tag in ("Ramp", "Mixed")} == {"Ramp": "degC", "Mixed": "bar"}
    assert now["unit"].tolist() == ["degC"]
    assert mean.attrs["provenance"]["units"]["Ramp"] == "degC"
    assert sum(one["path"].endswith("tagslist") for one in proficy_peer.requests()) == 1


def test_a_proficy_that_tells_no_units_is_read_all_the_same(proficy_peer: HistorianPeer) -> None:
    proficy_peer.fault("status", "tagslist", status=404)
    with gd.Session([config(proficy_peer, historian_type="ge", **LOGIN)]) as s:
        frame = s.historian(["Ramp"], "2025-01-01", "2025-01-01T01:00")
    assert len(frame) == 60
    assert "not their units" in frame.attrs["provenance"]["notes"][0]
