"""Orders with more lines than come along with them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import greenlang_data as gd
from tests.drivers.odata.helpers import config
from tests.drivers.oracle.many_lines import start_many_lines
from tests.peers.historian_launch import HistorianPeer


@pytest.fixture
def peer() -> Iterator[HistorianPeer]:
    with start_many_lines() as started:
        yield started


@pytest.mark.parametrize("honest", [True, False])
@pytest.mark.parametrize("page", [500, 7])
def test_lines_that_did_not_come_with_their_order_are_fetched(
    peer: HistorianPeer, page: int, honest: bool
) -> None:
    peer.set(page=page, honest=honest)
    peer.fault("reset", "child/lines", skip=1, times=1)
    with gd.Session([config(peer.origin, erp_system="oracle")]) as s:
        frame = s.erp("purchase_order_item", limit=None)
    found = list(zip(frame["purchase_order"], frame["POLineId"], frame["quantity"], strict=True))
    wanted = [
        (f"{order:05d}", order * 1000 + one, one)
        for order in range(4)
        for one in range(60 if order % 2 else 3)
    ]
    assert sorted(found) == wanted
    told = frame.attrs["provenance"].full["metadata"]["completeness"]
    assert told["distinct_keys"] == len(wanted) == 126
    assert told["parents"] == told["parents_counted_before"] == told["parents_counted_after"] == 4


def test_orders_that_are_counted_and_do_not_come_are_missed_with_their_lines(
    peer: HistorianPeer,
) -> None:
    peer.set(total_lie=1, at_once=2)
    with (
        gd.Session([config(peer.origin, erp_system="oracle", max_retries=0)]) as s,
        pytest.raises(gd.SourceError, match=r"counts 5 of purchaseOrders .* gave 4.*trust"),
    ):
        s.erp("purchase_order_item", limit=None)
    peer.set(total_lie=-1)
    with gd.Session([config(peer.origin, erp_system="oracle", max_retries=0)]) as s:
        frame = s.erp("purchase_order_item", limit=None)
    assert len(frame) == 126
    assert "counts 3 of purchaseOrders" in " ".join(frame.attrs["provenance"].full["notes"])


def test_an_order_without_its_key_is_refused(peer: HistorianPeer) -> None:
    peer.set(keyless=1)
    with (
        gd.Session([config(peer.origin, erp_system="oracle")]) as s,
        pytest.raises(gd.ProtocolError, match="no POHeaderId, which is its key"),
    ):
        s.erp("purchase_order", fields=["purchase_order"], limit=None)


def test_a_pod_that_knows_no_offsets_is_not_asked_for_ever(peer: HistorianPeer) -> None:
    peer.set(page=7, offsets=False)
    with (
        gd.Session([config(peer.origin, erp_system="oracle")]) as s,
        pytest.raises(gd.ProtocolError, match="same children again"),
    ):
        s.erp("purchase_order_item", limit=None)
