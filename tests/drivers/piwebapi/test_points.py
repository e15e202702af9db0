"""Names, WebIDs, lists of points, AF attributes, current values."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from greenlang_data.drivers.base import ReadLog, Snapshot
from greenlang_data.drivers.piwebapi import PiWebApiDriver
from greenlang_data.drivers.piwebapi.points import Point, is_same
from greenlang_data.drivers.piwebapi.webid import attribute_id, data_server_id, point_id
from greenlang_data.drivers.piwebapi.wire import About
from greenlang_data.errors import ProtocolError
from greenlang_data.runtime import get_runtime
from tests.drivers.piwebapi.helpers import DAY, config, session, truth
from tests.peers.historian_launch import HistorianPeer
from tests.peers.historian_tags import catalogue


def test_web_ids_are_those_of_the_vendors_examples() -> None:
    assert point_id("MyPIServer", "PointName") == "P1DPTVlQSVNFUlZFUlxQT0lOVE5BTUU"
    assert data_server_id("mypiserver") == "P1DSTVlQSVNFUlZFUg"
    assert attribute_id(r"\\af\db\el|a") == attribute_id(r"\\AF\DB\EL|A")
    assert "=" not in point_id("S", "ÄÖ?>")
    assert point_id("S", "ÄÖ?>").isascii()


def test_web_ids_that_differ_in_case_alone_are_two_points(pi_peer: HistorianPeer) -> None:
    tags = ["FICE101", "FIC_101"]
    one, other = (point_id("MYPISERVER", tag) for tag in tags)
    assert one != other
    assert one.lower() == other.lower()
    window = (DAY, DAY + timedelta(minutes=2))
    with session(pi_peer) as s:
        now = s.snapshot(tags)
        frame = s.historian(tags, *window)
    assert now["tag_name"].tolist() == tags
    assert now["unit"].tolist() == ["kg/h", "bar"]
    assert frame.attrs["provenance"]["units"] == {"FICE101": "kg/h", "FIC_101": "bar"}
    assert [frame[tag].tolist() for tag in tags] == [
        [event.value for event in truth(tag, *window)] for tag in tags
    ]


@pytest.mark.parametrize("tags", [["Straße"], ["STRASSE", "Straße"], ["strasse"]])
def test_a_letter_that_becomes_two_in_capitals_is_no_other_point(
    pi_peer: HistorianPeer, tags: list[str]
) -> None:
    """PI has a capital for each letter, and Python has two for some."""
    window = (DAY, DAY + timedelta(minutes=2))
    first = {"Straße": 8.0, "STRASSE": 9.0, "strasse": 9.0}
    with session(pi_peer) as s:
        frame = s.historian(tags, *window)
        now = s.snapshot(tags)
    assert frame.iloc[0].to_dict() == {tag: first[tag] for tag in tags}
    assert now["unit"].tolist() == [{"Straße": "m"}.get(tag, "km") for tag in tags]


def test_a_point_of_another_name_than_asked_for_is_looked_up_by_its_path() -> None:
    """Whatever letters the server takes for the same in a WebID."""
    letter = "\u0131"  # it has the capital of another one
    path = f"\\\\srv\\{letter}"
    asked = Point(letter, path, point_id("srv", letter), is_attribute=False)
    assert not is_same(asked, About(name="I", path=r"\\srv\I"))
    assert not is_same(asked, About(name="I"))
    assert is_same(asked, About(name=letter, path=path.replace("srv", "SRV.example")))
    assert is_same(asked, About(name=letter))


def gather(peer: HistorianPeer, request: Snapshot | None) -> tuple[pa.Table, ReadLog]:
    async def all_of() -> tuple[pa.Table, ReadLog]:
        driver, log = PiWebApiDriver(config(peer)), ReadLog()
        await driver.connect()
        await driver.ping()
        batches = driver.read(request, log) if request else driver.list_tags(log)
        found = [batch async for batch in batches]
        await driver.close()
        return pa.Table.from_batches(found), log

    return get_runtime().run(all_of())


def test_all_points_are_listed_beyond_the_first_thousand(pi_peer: HistorianPeer) -> None:
    table, log = gather(pi_peer, None)
    assert sorted(table.column("tag_id").to_pylist()) == sorted(catalogue())
    rows = {row["tag_id"]: row for row in table.to_pylist()}
    assert rows["Ramp"]["unit"] == "degC"
    assert rows["Ramp"]["description"] == "A value each minute"
    assert rows["Pump"]["data_type"] == "Digital"
    assert log.requests >= 3


@pytest.mark.parametrize("body", [{}, {"Items": None}, {"Items": [{"Path": r"\\S\A"}]}])
def test_a_list_that_breaks_off_is_not_taken_for_a_shorter_one(
    pi_peer: HistorianPeer, body: dict[str, Any]
) -> None:
    pi_peer.fault("status", "/points", skip=1, status=200, body=body)
    with pytest.raises(ProtocolError, match="no items, too many, or some without a name"):
        gather(pi_peer, None)


@pytest.mark.parametrize("links", ["none", "right", "loop", "foreign"])
def test_links_to_the_next_page_are_not_relied_on(pi_peer: HistorianPeer, links: str) -> None:
    with pi_peer.knob(next_links=links):
        table, _ = gather(pi_peer, None)
    assert table.num_rows == len(catalogue())


def test_current_values(pi_peer: HistorianPeer) -> None:
    tags = ("Ramp", "Nope", "Timeouts", "Pump", "Empty", "Text")
    table, _ = gather(pi_peer, Snapshot(tags))
    rows = {row["tag_id"]: row for row in table.to_pylist()}
    assert tuple(rows) == tags
    assert rows["Ramp"]["value"] == catalogue()["Ramp"].slot(525_599)[0].value
    assert rows["Ramp"]["unit"] == "degC"
    assert rows["Nope"]["failure"].startswith("unknown tag")
    assert (rows["Timeouts"]["value"], rows["Timeouts"]["quality"]) == (None, "bad")
    assert rows["Timeouts"]["status"] == "Bad: I/O Timeout"
    assert rows["Pump"]["value"] is None
    assert rows["Text"]["text"].startswith("Zustand")


def test_one_point_under_two_names_is_told(pi_peer: HistorianPeer) -> None:
    with session(pi_peer) as s:
        frame = s.historian(["Ramp", "ramp"], DAY, DAY + timedelta(hours=1), errors="report")
    assert frame["Ramp"].notna().all()
    (failure,) = frame.attrs["provenance"]["failures"].items()
    assert failure == ("ramp", "it is the same point as 'Ramp'; ask for it once")


def test_points_of_a_named_server(pi_peer: HistorianPeer) -> None:
    table, _ = gather(pi_peer, None)
    path: Any = next(r["path"] for r in table.to_pylist() if r["tag_id"] == "Ramp")
    with session(pi_peer) as s:
        pi_peer.clear_requests()
        frame = s.historian([path], DAY, DAY + timedelta(hours=1))
    assert frame[path].tolist() == [
        event.value for event in truth("Ramp", DAY, DAY + timedelta(hours=1))
    ]
    assert not any(one["path"].endswith("dataservers") for one in pi_peer.requests())
