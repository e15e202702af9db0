"""A service that does a part of the protocol and says nothing: its rows are all there, or an error."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.common import notes
from tests.drivers.odata.careless_service import start_careless_service
from tests.drivers.odata.helpers import config
from tests.peers.fixtures import renewed
from tests.peers.historian_launch import HistorianPeer

peer_session, peer = renewed("peer", start_careless_service, scope="module")


@pytest.fixture(params=[2, 4], ids=["v2", "v4"])
def version(request: pytest.FixtureRequest) -> Any:
    return request.param


def read(
    peer: HistorianPeer, version: int, settings: dict[str, Any] | None = None, **asked: Any
) -> pd.DataFrame:
    services = {"S": f"/v{version}/S"}
    with gd.Session([config(peer.origin, services=services, **(settings or {}))]) as s:
        return s.erp("S/Rows", **{"limit": None, **asked})


def assert_whole(frame: pd.DataFrame, rows: int = 250) -> None:
    assert list(frame["ID"]) == [f"{one:04d}" for one in range(rows)]
    assert list(frame["Amount"]) == [Decimal(one) + Decimal("0.5") for one in range(rows)]


def told(frame: pd.DataFrame) -> dict[str, Any]:
    found: dict[str, Any] = frame.attrs["provenance"].full["metadata"]["completeness"]
    return found


def pages(peer: HistorianPeer) -> int:
    return len([one for one in peer.requests() if one["path"].endswith("/Rows")])


@pytest.mark.parametrize("page_size", [50, 5000])
@pytest.mark.parametrize("ignores", [[], ["$filter"]])
def test_a_count_of_the_page_alone_is_not_that_of_the_set(
    peer: HistorianPeer, version: int, page_size: int, ignores: list[str]
) -> None:
    peer.set(counts="page", ignores=ignores)
    frame = read(peer, version, {"page_size": page_size})
    assert_whole(frame)
    assert "and gave 250" in notes(frame)


def test_a_single_page_is_looked_behind_once_and_one_record_not_at_all(
    peer: HistorianPeer, version: int
) -> None:
    peer.set(rows=30)
    frame = read(peer, version)
    assert_whole(frame, 30)
    assert (pages(peer), notes(frame)) == (2, "")
    peer.clear_requests()
    assert list(read(peer, version, filters={"ID": "0007"})["ID"]) == ["0007"]
    assert pages(peer) == 1


@pytest.mark.parametrize(
    ("knobs", "word"),
    [
        ({"refuses": ["$skip"], "ignores": ["$filter"]}, "told by its count alone"),
        ({"ignores": ["$skip", "$filter", "$top"]}, "the same 30 records for every page"),
    ],
)
def test_a_page_behind_which_nothing_can_be_asked_for_is_what_its_count_says(
    peer: HistorianPeer, version: int, knobs: dict[str, Any], word: str
) -> None:
    peer.set(rows=30, **knobs)
    frame = read(peer, version)
    assert_whole(frame, 30)
    assert word in notes(frame)


@pytest.mark.parametrize("counts", ["", "page"])
def test_links_that_end_with_what_was_asked_for_do_not_end_the_read(
    peer: HistorianPeer, version: int, counts: str
) -> None:
    peer.set(links=True, counts=counts, ignores=["$filter"])
    assert_whole(read(peer, version, {"page_size": 100}))


def test_the_same_page_again_under_a_limit_is_no_shorter_frame(
    peer: HistorianPeer, version: int
) -> None:
    peer.set(ignores=["$filter", "$skip"])
    with pytest.raises(gd.SourceError, match=r"whatever is to be skipped"):
        read(peer, version, {"page_size": 50, "trust_counts": False}, limit=70)


def test_rows_that_were_not_filtered_are_told_by_columns_that_nobody_asked_for(
    peer: HistorianPeer, version: int
) -> None:
    peer.set(ignores=["$filter"], cap=500)
    with pytest.warns(gd.GreenLangWarning, match=r"166 records that hold something else in Kind"):
        frame = read(peer, version, filters={"Kind": "A"}, fields=["ID"])
    # Its letters would be alike for a server that compares.
    assert list(frame["ID"]) == [f"{one:04d}" for one in range(0, 250, 3)]
    assert list(frame) == ["ID"]


def test_a_column_is_not_added_to_what_a_service_sums_up(peer: HistorianPeer) -> None:
    for semantics, selected in (("", "ID,Kind"), ("aggregate", "ID")):
        peer.reset()
        peer.set(semantics=semantics)
        sums = pytest.warns(gd.GreenLangWarning, match=r"a row of Rows is a total")
        with sums if semantics else nullcontext():
            read(peer, 2, filters={"Kind": "A"}, fields=["ID"])
        asked = [dict(one["query"]) for one in peer.requests() if one["path"].endswith("/Rows")]
        assert {one["$select"] for one in asked} == {selected}


def test_rows_that_are_written_as_fast_as_they_are_read_do_not_keep_the_read_from_ending(
    peer: HistorianPeer, version: int
) -> None:
    peer.set(written=1)
    with pytest.warns(gd.GreenLangWarning, match=r"written as fast as they are read"):
        frame = read(peer, version)
    assert_whole(frame, len(frame))
    assert told(frame)["drift"] is True
    assert 250 < len(frame) < 350


@pytest.mark.parametrize("ranges", [1, 4])
def test_rows_that_were_deleted_ahead_and_added_behind_are_no_missing_ones(
    peer: HistorianPeer, version: int, ranges: int
) -> None:
    peer.set(rows=600, replaced=2)
    frame = read(peer, version, {"max_retries": 0, "parallel_ranges": ranges})
    assert frame["ID"].is_unique
    assert told(frame)["drift"] is True
    asked = [one for one in peer.requests() if one["path"].endswith("/Rows")]
    gone = 2 * len(asked)  # at most, since pages were read again
    assert {f"{one:04d}" for one in range(600 - gone)} <= set(frame["ID"])
    assert len(frame) < 650


def test_rows_that_a_server_loses_are_missing_in_their_section_too(
    peer: HistorianPeer, version: int
) -> None:
    peer.set(rows=600, lost=[120, 121, 300])
    with pytest.raises(gd.SourceError, match=r"the server counts 600 records before and 600 after"):
        read(peer, version, {"max_retries": 0})


def test_what_was_counted_once_is_missing_when_nothing_comes_any_more(
    peer: HistorianPeer, version: int
) -> None:
    peer.set(pages=2)
    with pytest.raises(gd.SourceError, match=r"the server counts 250 records, and gave 0"):
        read(peer, version, {"max_retries": 1})


def test_a_key_that_does_not_tell_records_apart_is_named(peer: HistorianPeer, version: int) -> None:
    peer.set(doubled=True, rows=30, ignores=["$filter"])
    with pytest.raises(
        gd.SourceError, match=r"1 records of one page have the key \(ID\).*Tell whoever"
    ):
        read(peer, version, {"max_retries": 0})


def test_a_time_of_change_to_come_does_not_hide_the_changes_until_then(peer: HistorianPeer) -> None:
    end_of_9999 = 253_402_300_799_000
    entity = {"service": "S", "name": "Rows", "columns": {"changed_at": "Changed"}}
    before = datetime.now(UTC)
    for changed, bound in ((end_of_9999, before), (1_750_000_000_000, None)):
        peer.set(changed=changed)
        services = {"S": "/v2/S"}
        with gd.Session([config(peer.origin, services=services, entities={"row": entity})]) as s:
            mark = datetime.fromisoformat(told(s.erp("row", limit=None))["mark"])
        if bound is None:
            assert mark == datetime.fromtimestamp(changed / 1000, UTC)
        else:
            assert bound <= mark <= datetime.now(UTC)


def test_signs_are_no_missing_text(peer: HistorianPeer, version: int) -> None:
    peer.set(ignores=["$filter"], rows=2, kinds="-")
    with pytest.warns(gd.GreenLangWarning, match=r"2 records that hold something else in Kind"):
        assert read(peer, version, filters={"Kind": None}).empty
