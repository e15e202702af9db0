"""Filters by more values than an address has room for: every record once, or an error."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.common import notes
from tests.drivers.odata.helpers import ITEMS, ITEMS_V4, LOGIN, config
from tests.peers.erp_live import is_steady
from tests.peers.historian_launch import HistorianPeer

ROWS = 600


@pytest.fixture
def peer(gateway: HistorianPeer) -> HistorianPeer:
    return gateway


def read(peer: HistorianPeer, entity: str, limit: int | None = None, **more: Any) -> pd.DataFrame:
    filters = more.pop("filters", {})
    keys = {**LOGIN, **more}
    with gd.Session([config(peer.origin, **keys)]) as s:
        return s.erp(entity, filters=filters, limit=limit)


@pytest.fixture(scope="module")
def every(running_gateway: HistorianPeer) -> pd.DataFrame:
    running_gateway.reset()
    return read(running_gateway, ITEMS)


def orders(every: pd.DataFrame) -> list[str]:
    """All orders but each third, and between them many that there are not."""
    found = list(dict.fromkeys(every["purchase_order"]))
    some = [one for place, one in enumerate(found) if place % 3]
    return sorted([*some, *(f"{one}{letter}" for one in found for letter in "ABCDEF")])


def told(frame: pd.DataFrame) -> Any:
    return frame.attrs["provenance"].full["metadata"]["completeness"]


@pytest.mark.parametrize(
    ("entity", "order", "item", "at_once"),
    [
        (ITEMS, "purchase_order", "purchase_order_item", 1),
        (ITEMS, "purchase_order", "purchase_order_item", 3),
        (ITEMS_V4, "PurchaseOrder", "PurchaseOrderItem", 1),
    ],
)
def test_all_records_of_many_keys_come_once_and_in_order(
    peer: HistorianPeer, every: pd.DataFrame, entity: str, order: str, item: str, at_once: int
) -> None:
    wanted = orders(every)
    frame = read(peer, entity, filters={order: wanted[::-1]}, parallel_ranges=at_once)
    right = every[every["purchase_order"].isin(wanted)]
    key = ["purchase_order", "purchase_order_item"]
    assert frame[[order, item]].to_numpy().tolist() == right[key].to_numpy().tolist()
    assert told(frame)["counted_before"] == told(frame)["distinct_keys"] == len(right)
    assert f"parts, by some values of {order} each" in notes(frame)
    assert max(len(one["path"]) for one in peer.requests()) < 8_000


def test_pages_within_parts(peer: HistorianPeer, every: pd.DataFrame) -> None:
    peer.set(page=40)
    wanted = orders(every)
    frame = read(peer, ITEMS, filters={"purchase_order": wanted})
    assert len(frame) == every["purchase_order"].isin(wanted).sum()
    assert told(frame)["counted_after"] == len(frame)
    peer.set(count_lie=2)
    with pytest.raises(gd.SourceError, match="missing"):
        read(peer, ITEMS, filters={"purchase_order": wanted}, max_retries=0)


def test_a_limit_ends_the_parts(peer: HistorianPeer, every: pd.DataFrame) -> None:
    wanted = orders(every)
    with pytest.warns(gd.GreenLangWarning, match="limit"):
        frame = read(peer, ITEMS, limit=30, filters={"purchase_order": wanted})
    right = every[every["purchase_order"].isin(wanted)].head(30)
    assert list(frame["purchase_order_item"]) == list(right["purchase_order_item"])
    assert sum("$filter" in str(one) for one in peer.requests()) == 1


def test_records_that_come_and_go_lose_and_repeat_none(
    peer: HistorianPeer, every: pd.DataFrame
) -> None:
    peer.set(page=50, inserts=1, deletes=1)
    wanted = orders(every)
    frame = read(peer, ITEMS, filters={"purchase_order": wanted}, trust_counts=False)
    keys = list(zip(frame["purchase_order"], frame["purchase_order_item"], strict=True))
    assert len(set(keys)) == len(keys)
    whole = zip(every["purchase_order"], every["purchase_order_item"], strict=True)
    steady = {one for place, one in enumerate(whole) if is_steady(place) and one[0] in set(wanted)}
    assert steady <= set(keys)


def test_another_column_than_the_key_tells_its_order(
    peer: HistorianPeer, every: pd.DataFrame
) -> None:
    wanted = list(dict.fromkeys(every["material"].dropna()))[:60]
    many = [*wanted, *(f"no such material {one:030d}" for one in range(120)), None]
    frame = read(peer, ITEMS, filters={"material": many})
    right = every[every["material"].isin(wanted) | every["material"].isna()]
    assert len(frame) == len(right) > 0
    assert "in the order of material" in notes(frame)


def test_what_is_too_long_for_another_reason_is_an_error(peer: HistorianPeer) -> None:
    long = "x" * 7_000
    with pytest.raises(gd.QueryError, match="too long"):
        read(peer, ITEMS, filters={"purchase_order": [long]})
    both = {name: [f"{n:010d}" for n in range(600)] for name in ("purchase_order", "material")}
    with pytest.raises(gd.QueryError, match="too long"):
        read(peer, ITEMS, filters=both)
