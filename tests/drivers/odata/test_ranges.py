"""A large set in ranges of its key that are read at once: the same rows, order and hash."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.common import notes
from tests.drivers.odata.helpers import EVERY_TYPE, ITEMS, ITEMS_V4, LOGIN, config
from tests.drivers.odata.lying_service import start_lying_service
from tests.peers.erp_live import is_steady
from tests.peers.fixtures import renewed
from tests.peers.historian_launch import HistorianPeer

ROWS = 2_400


@pytest.fixture
def peer(gateway: HistorianPeer) -> HistorianPeer:
    gateway.set(page=100)
    return gateway


lies_session, lies = renewed("lies", start_lying_service, scope="module")


@pytest.fixture
def liar(lies: HistorianPeer) -> HistorianPeer:
    lies.set(cap=20)
    return lies


def read(peer: HistorianPeer, entity: str, at_once: int, **more: Any) -> pd.DataFrame:
    keys: dict[str, Any] = {**LOGIN}
    if entity == "S/Rows":
        keys = {"services": {"S": "/v4/S"}}
    with gd.Session([config(peer.origin, parallel_ranges=at_once, **keys, **more)]) as s:
        return s.erp(entity, limit=None)


def told(frame: pd.DataFrame) -> Any:
    return frame.attrs["provenance"].full["metadata"]["completeness"]


@pytest.mark.parametrize("entity", [ITEMS, ITEMS_V4])
def test_ranges_give_the_same_as_one_page_after_the_other(peer: HistorianPeer, entity: str) -> None:
    peer.set(delay=0.02)
    one, four = read(peer, entity, 1), read(peer, entity, 4)
    pd.testing.assert_frame_equal(one, four)
    assert one.attrs["provenance"]["response_hash"] == four.attrs["provenance"]["response_hash"]
    assert told(four)["distinct_keys"] == told(four)["counted_after"] == ROWS
    assert told(four)["drift"] is False
    assert "ranges of the key, 4 at once" in notes(four)
    assert "ranges" not in notes(one)


@pytest.mark.parametrize("entity", [ITEMS, ITEMS_V4])
@pytest.mark.parametrize("kind", ["reset", "status"])
def test_a_range_that_fails_is_read_again(peer: HistorianPeer, entity: str, kind: str) -> None:
    whole = read(peer, entity, 1)
    peer.fault(kind, "PurchaseOrderItem", skip=9, times=3)
    frame = read(peer, entity, 4)
    pd.testing.assert_frame_equal(frame, whole)
    assert frame.attrs["provenance"]["retries"] >= 1


def test_rows_that_come_and_go_meanwhile_lose_and_repeat_none(peer: HistorianPeer) -> None:
    peer.set(inserts=1, deletes=1)
    frame = read(peer, ITEMS, 4, trust_counts=False)
    key = list(zip(frame["purchase_order"], frame["purchase_order_item"], strict=True))
    assert len(set(key)) == len(key)
    peer.reset()
    every = read(peer, ITEMS, 1)
    keys = list(zip(every["purchase_order"], every["purchase_order_item"], strict=True))
    assert {one for place, one in enumerate(keys) if is_steady(place)} <= set(key)
    assert told(frame)["drift"] is True


def test_a_limit_and_a_small_set_are_not_read_in_ranges(peer: HistorianPeer) -> None:
    keys = {**LOGIN, "parallel_ranges": 4}
    with gd.Session([config(peer.origin, **keys)]) as s:
        some = s.erp(ITEMS, limit=ROWS)
        peer.set(page=400)
        few = s.erp(EVERY_TYPE, limit=None)
    assert len(some) == ROWS
    assert "ranges" not in notes(some) + notes(few)


@pytest.mark.parametrize("keys", ["compared", "refused", "ignored"])
def test_a_server_that_does_not_compare_keys_is_read_page_after_page(
    liar: HistorianPeer, keys: str
) -> None:
    liar.set(keys=keys)
    frame = read(liar, "S/Rows", 4)
    assert list(frame["ID"]) == [f"{one:04d}" for one in range(250)]
    assert ("and then one page after the other" in notes(frame)) == (keys != "compared")


def test_rows_that_are_missing_are_an_error_in_ranges_too(liar: HistorianPeer) -> None:
    liar.set(count_shift=7)
    with pytest.raises(gd.SourceError, match=r"counts 257.*gave 250"):
        read(liar, "S/Rows", 4)


@pytest.mark.parametrize("then", ["inserted", "deleted"])
def test_drift_is_told(liar: HistorianPeer, then: str) -> None:
    liar.set(then=then, after=3)
    frame = read(liar, "S/Rows", 4)
    assert [one for one in frame["ID"] if one >= "0005"] == [f"{n:04d}" for n in range(5, 250)]
    assert told(frame)["drift"] is True
