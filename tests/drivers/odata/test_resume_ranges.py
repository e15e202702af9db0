"""A read in ranges of the key, or in the parts of a long filter, that is killed and goes on.

Each range keeps its own place, so that no more is asked for twice than what each worker waited for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.common import content, notes
from tests.drivers.odata.helpers import EVERY_TYPE, ITEMS, ITEMS_V4, LOGIN, cap_config, config
from tests.drivers.odata.killing import data_requests, kill_after, kill_while_waiting
from tests.drivers.odata.lying_service import start_lying_service
from tests.peers.fixtures import renewed, running
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import CapPeer, start_cap

ROWS = 2_400
ASKED = r"PurchaseOrderItem\?"


@pytest.fixture
def peer(gateway: HistorianPeer) -> HistorianPeer:
    gateway.set(page=100)
    return gateway


@pytest.fixture(scope="module")
def cap() -> Iterator[CapPeer]:
    yield from running(lambda: start_cap(items=ROWS, page=100))


lies_session, lies = renewed("lies", start_lying_service, scope="module")


def keys(peer: HistorianPeer, folder: Path, at_once: int, **more: Any) -> dict[str, Any]:
    told = {"erp_system": "sap", "base_url": peer.origin, "checkpoint_path": str(folder)}
    return {**told, **LOGIN, "parallel_ranges": at_once, **more}


def read(
    peer: HistorianPeer, entity: str, folder: Path, at_once: int, **query: Any
) -> pd.DataFrame:
    told = keys(peer, folder, at_once)
    with gd.Session([config(told.pop("base_url"), **told)]) as s:
        return s.erp(entity, limit=None, **query)


def told(frame: pd.DataFrame) -> Any:
    return frame.attrs["provenance"].full["metadata"]["completeness"]


@pytest.mark.parametrize(
    ("entity", "answers", "then"),
    [
        (ITEMS, 1, 4),
        (ITEMS, 2, 4),
        (ITEMS, 7, 2),
        (ITEMS_V4, 15, 4),
        (ITEMS, 24, 1),
        (ITEMS, 28, 6),
    ],
)
def test_a_killed_read_in_ranges_goes_on_with_any_number_of_workers(
    peer: HistorianPeer, tmp_path: Path, entity: str, answers: int, then: int
) -> None:
    one_line = read(peer, entity, tmp_path / "one", 1)
    peer.clear_requests()
    whole = read(peer, entity, tmp_path / "four", 4)
    needed = len(data_requests(peer, ASKED))
    asked = keys(peer, tmp_path / "killed", 4)
    kill_while_waiting(peer, entity, asked, match=ASKED, pages=answers)
    frame = read(peer, entity, tmp_path / "killed", then)
    pd.testing.assert_frame_equal(frame, one_line)
    assert content(frame) == content(one_line) == content(whole)
    # All but what was answered before, and what was on the way to the other workers.
    assert len(data_requests(peer, ASKED)) <= needed - answers + 4
    assert told(frame)["distinct_keys"] == told(frame)["counted_after"] == ROWS
    assert "of an earlier read" in notes(frame)
    assert not list(tmp_path.rglob("*.arrow"))


def test_a_read_in_one_line_goes_on_in_ranges(peer: HistorianPeer, tmp_path: Path) -> None:
    whole = read(peer, ITEMS, tmp_path / "whole", 1)
    asked = keys(peer, tmp_path / "killed", 1)
    assert kill_while_waiting(peer, ITEMS, asked, match=ASKED, pages=5) == 5
    frame = read(peer, ITEMS, tmp_path / "killed", 4)
    assert content(frame) == content(whole)
    assert "ranges of the key, 4 at once" in notes(frame)
    assert all("$skip" not in one for one in data_requests(peer, ASKED))


def test_a_read_in_ranges_can_be_killed_again_and_again(
    peer: HistorianPeer, tmp_path: Path
) -> None:
    whole = read(peer, ITEMS, tmp_path / "whole", 1)
    peer.clear_requests()
    read(peer, ITEMS, tmp_path / "four", 4)
    needed, sent = len(data_requests(peer, ASKED)), 0
    for at_once in (4, 2, 3):
        asked = keys(peer, tmp_path / "killed", at_once)
        peer.set(delay=0.03)
        sent += kill_after(peer, ITEMS, asked, match=ASKED, requests=6)
    frame = read(peer, ITEMS, tmp_path / "killed", 4)
    assert content(frame) == content(whole)
    assert sent + len(data_requests(peer, ASKED)) <= needed + 4 + 2 + 3


def test_identifiers_in_ranges_go_on_too(peer: HistorianPeer, tmp_path: Path) -> None:
    whole = read(peer, EVERY_TYPE, tmp_path / "whole", 1)
    asked = keys(peer, tmp_path / "killed", 3)
    kill_while_waiting(peer, EVERY_TYPE, asked, match=r"EveryTypeSet\?", pages=9)
    frame = read(peer, EVERY_TYPE, tmp_path / "killed", 3)
    assert content(frame) == content(whole)
    assert "ranges of the key" in notes(frame)
    assert all("$skip" not in one for one in data_requests(peer, "EveryTypeSet"))


@pytest.mark.parametrize(
    ("entity", "requests"),
    [(ITEMS, 3), (ITEMS, 17), (ITEMS_V4, 9), (EVERY_TYPE, 9), ("Z_V4/EveryTypeSet", 7)],
)
def test_a_killed_read_of_saps_own_framework_goes_on(
    cap: CapPeer, tmp_path: Path, entity: str, requests: int
) -> None:
    more = {"erp_system": "sap", "page_size": 100, "parallel_ranges": 3}
    more["services"] = {"Z_V4": "/sap/opu/odata4/sap/Z_EVERY_TYPE_SRV"}
    match = rf"{'Every' if 'Every' in entity else 'PurchaseOrder'}(TypeSet|Item)\?"

    def whole(folder: str, **keys: Any) -> pd.DataFrame:
        asked = {**more, **keys, "checkpoint_path": str(tmp_path / folder)}
        with gd.Session([cap_config(cap, **asked)]) as s:
            return s.erp(entity, limit=None)

    one_line = whole("one", parallel_ranges=1)
    cap.clear_requests()
    whole("three")
    needed = len(data_requests(cap, match))
    told = {**more, "base_url": cap.origin, "checkpoint_path": str(tmp_path / "killed")}
    told["server_names"] = [f"http://localhost:{cap.port}"]
    sent = kill_after(cap, entity, told, match=match, requests=requests)
    frame = whole("killed")
    pd.testing.assert_frame_equal(frame, one_line)
    assert "ranges of the key, 3 at once" in notes(frame)
    assert content(frame) == content(one_line)
    assert sent + len(data_requests(cap, match)) <= needed + 3
    assert not list(tmp_path.rglob("*.arrow"))


def test_ranges_that_the_server_does_not_tell_apart_now_are_given_up(
    lies: HistorianPeer, tmp_path: Path
) -> None:
    lies.set(cap=20)
    asked = {"erp_system": "sap", "services": {"S": "/v4/S"}, "parallel_ranges": 4}
    asked |= {"base_url": lies.origin, "checkpoint_path": str(tmp_path)}
    kill_while_waiting(lies, "S/Rows", asked, match=r"Rows\?", pages=7)
    lies.set(keys="refused")
    with gd.Session([config(asked.pop("base_url"), **asked)]) as s:
        frame = s.erp("S/Rows", limit=None)
    assert list(frame["ID"]) == [f"{one:04d}" for one in range(250)]


@pytest.mark.parametrize(("at_once", "answers"), [(1, 3), (3, 7)])
def test_a_filter_in_parts_goes_on(
    peer: HistorianPeer, tmp_path: Path, at_once: int, answers: int
) -> None:
    every = read(peer, ITEMS, tmp_path / "every", 1)
    found = list(dict.fromkeys(every["purchase_order"]))
    wanted = [*found[::2], *(f"{one}{letter}" for one in found for letter in "AB")]
    filters = {"purchase_order": wanted}
    peer.set(page=50)
    peer.clear_requests()
    whole = read(peer, ITEMS, tmp_path / "whole", at_once, filters=filters)
    needed = len(data_requests(peer, ASKED))
    asked = keys(peer, tmp_path / "killed", at_once)
    kill_while_waiting(peer, ITEMS, asked, match=ASKED, pages=answers, filters=filters)
    frame = read(peer, ITEMS, tmp_path / "killed", at_once, filters=filters)
    pd.testing.assert_frame_equal(frame, whole)
    assert content(frame) == content(whole)
    assert len(data_requests(peer, ASKED)) <= needed - answers + at_once
    assert "of the records are those of an earlier read" in notes(frame)
    assert not list(tmp_path.rglob("*.arrow"))


def test_a_question_that_is_another_one_is_told(peer: HistorianPeer, tmp_path: Path) -> None:
    asked = keys(peer, tmp_path, 4)
    kill_while_waiting(peer, ITEMS, asked, match=ASKED, pages=9)
    some = read(peer, ITEMS, tmp_path, 4, filters={"plant_code": "1010"})
    assert set(some["plant_code"]) == {"1010"}
    assert "an earlier read of purchase_order_item did not end" in notes(some)
    assert "it differs in filters; its pages are in" in notes(some)
    frame = read(peer, ITEMS, tmp_path, 2)
    assert len(frame) == ROWS
    assert "of the records are those of an earlier read" in notes(frame)
    assert "did not end, and this one" not in notes(frame)
