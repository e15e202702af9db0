"""Ranges of keys that every server sorts in its own way: as it sorts them, or not in ranges."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.common import notes
from tests.drivers.odata.helpers import config
from tests.drivers.odata.ordered_service import keys_of, start_ordered_service
from tests.peers.fixtures import renewed
from tests.peers.historian_launch import HistorianPeer

ROWS = 600


peer_session, peer = renewed("peer", start_ordered_service, scope="module")


def read(peer: HistorianPeer, at_once: int, **more: Any) -> pd.DataFrame:
    keys = {"services": {"S": "/v4/S"}, "parallel_ranges": at_once, "max_retries": 0, **more}
    with gd.Session([config(peer.origin, **keys)]) as s:
        return s.erp("S/Rows", limit=None, fields=["Client", "ID"])


@pytest.mark.parametrize(
    ("kind", "order"),
    [("guid", "bytes"), ("guid", "last bytes"), ("letters", "bytes"), ("letters", "letters"),
     ("digits", "bytes")],
)  # fmt: skip
def test_keys_are_read_in_ranges_of_the_servers_own_order(
    peer: HistorianPeer, kind: str, order: str
) -> None:
    peer.set(kind=kind, order=order, compared=order)
    one = read(peer, 1)
    peer.clear_requests()
    four = read(peer, 4)
    pd.testing.assert_frame_equal(one, four)
    assert one.attrs["provenance"]["response_hash"] == four.attrs["provenance"]["response_hash"]
    assert sorted(four["ID"]) == sorted(keys_of(kind, ROWS))
    assert "read in 8 ranges of the key, 4 at once" in notes(four)
    assert "one page after the other" not in notes(four)
    # Seven bounds, one wish for the last of digits, and pages no more than in one line by much.
    asked = [one for one in peer.requests() if one["path"].endswith("/Rows")]
    assert len(asked) <= ROWS // 25 + 8 * 2 + 8


@pytest.mark.parametrize(
    ("kind", "order", "compared"),
    [("guid", "last bytes", "bytes"), ("guid", "bytes", "last bytes")],
)
def test_a_server_that_sorts_otherwise_than_it_compares_is_not_read_in_ranges(
    peer: HistorianPeer, kind: str, order: str, compared: str
) -> None:
    peer.set(kind=kind, order=order, compared=compared)
    frame = read(peer, 4)
    assert sorted(frame["ID"]) == sorted(keys_of(kind, ROWS))
    told = frame.attrs["provenance"].full["metadata"]["completeness"]
    assert told["paged_by"] == "the server"
    assert "and then one page after the other, since it does not compare keys" in notes(frame)


@pytest.mark.parametrize("at_once", [1, 4])
def test_records_that_such_a_server_would_leave_out_are_read_otherwise(
    peer: HistorianPeer, at_once: int
) -> None:
    peer.set(kind="letters", order="letters", compared="bytes")
    frame = read(peer, at_once, max_retries=1)
    assert sorted(frame["ID"]) == sorted(keys_of("letters", ROWS))
    assert "its own pages were followed" in notes(frame)


def test_where_rows_cannot_be_skipped_the_order_is_not_known(peer: HistorianPeer) -> None:
    peer.set(skips=False)
    frame = read(peer, 4)
    assert sorted(frame["ID"]) == sorted(keys_of("guid", ROWS))
    assert "not read in ranges, since it does not tell the key of a row by its place" in notes(
        frame
    )
