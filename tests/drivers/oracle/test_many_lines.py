"""Orders with more lines than come along with them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import pytest

import greenlang_data as gd
from tests.drivers.odata.helpers import config
from tests.peers.historian_launch import TOP, HistorianPeer
from tests.peers.launch import _scratch_file


@pytest.fixture
def peer() -> Iterator[HistorianPeer]:
    audit = _scratch_file("requests.jsonl")

    def command(port: int) -> Sequence[str]:
        module = "tests.drivers.oracle.many_lines"
        return [sys.executable, "-m", module, "--port", str(port), "--audit", str(audit)]

    with HistorianPeer("orders of many lines", command, audit=audit, folder=TOP) as started:
        yield started


@pytest.mark.parametrize("page", [500, 7])
def test_lines_that_did_not_come_with_their_order_are_fetched(
    peer: HistorianPeer, page: int
) -> None:
    peer.set(page=page)
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
