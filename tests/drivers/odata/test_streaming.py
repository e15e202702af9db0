"""Records to a Parquet file, page by page: the same as the frame, or no file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import greenlang_data as gd
from greenlang_data.drivers.odata.gathered import distinct_rows
from greenlang_data.drivers.spool import Spool
from tests.drivers.odata.helpers import EVERY_TYPE, ITEMS, ITEMS_V4, LOGIN, config
from tests.peers.historian_launch import HistorianPeer

ROWS = 1_500


@pytest.fixture
def peer(gateway: HistorianPeer) -> HistorianPeer:
    gateway.set(page=400)
    return gateway


def session(peer: HistorianPeer, **more: Any) -> gd.Session:
    keys = {**LOGIN, "max_retries": 0}
    return gd.Session([config(peer.origin, **{**keys, **more})])


@pytest.mark.parametrize("entity", [ITEMS, ITEMS_V4, EVERY_TYPE])
def test_the_file_is_the_frame(peer: HistorianPeer, tmp_path: Path, entity: str) -> None:
    with session(peer) as s:
        frame = s.erp(entity, limit=None)
        path = gd.to_parquet(s.scan(gd.ERPQuery(entity_type=entity)), tmp_path / "all.parquet")
    back = gd.read_parquet(path)
    assert gd.verify(back) == "intact"
    pd.testing.assert_frame_equal(back, frame)
    told, known = back.attrs["provenance"], frame.attrs["provenance"]
    assert told["response_hash"] == known["response_hash"]
    assert told["frame_hash"] == known["frame_hash"]
    assert told.full["metadata"]["completeness"] == known.full["metadata"]["completeness"]


@pytest.mark.parametrize("fault", ["reset", "cut"])
def test_a_read_that_breaks_off_leaves_no_file(
    peer: HistorianPeer, tmp_path: Path, fault: str
) -> None:
    peer.fault(fault, "A_PurchaseOrderItem", skip=2)
    query = gd.ERPQuery(entity_type=ITEMS)
    with session(peer) as s, pytest.raises(gd.SourceError):
        gd.to_parquet(s.scan(query), tmp_path / "all.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_read_that_lacks_records_leaves_no_file(peer: HistorianPeer, tmp_path: Path) -> None:
    peer.set(count_lie=5)
    query = gd.ERPQuery(entity_type=ITEMS)
    with session(peer) as s, pytest.raises(gd.SourceError, match="missing"):
        gd.to_parquet(s.scan(query), tmp_path / "all.parquet")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_read_for_a_file_that_may_not_be_written(
    peer: HistorianPeer, tmp_path: Path
) -> None:
    path = tmp_path / "all.parquet"
    path.write_bytes(b"mine")
    peer.clear_requests()
    with session(peer) as s, pytest.raises(gd.ExportError, match="exists"):
        gd.to_parquet(s.scan(gd.ERPQuery(entity_type=ITEMS)), path)
    assert not list(peer.requests())


def test_a_limit_that_was_given_holds_and_is_told(peer: HistorianPeer, tmp_path: Path) -> None:
    query = gd.ERPQuery(entity_type=ITEMS, limit=70)
    with session(peer) as s, pytest.warns(gd.GreenLangWarning, match="limit"):
        path = gd.to_parquet(s.scan(query), tmp_path / "some.parquet")
    assert pq.read_metadata(path).num_rows == 70
    assert "the source has more" in " ".join(
        gd.read_parquet(path).attrs["provenance"].full["notes"]
    )


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_killed_read_goes_on(peer: HistorianPeer, tmp_path: Path, at_once: int) -> None:
    folder, query = tmp_path / "kept", gd.ERPQuery(entity_type=ITEMS)
    peer.set(page=100)
    with session(peer) as s:
        whole = s.erp(ITEMS, limit=None)
    peer.fault("reset", "A_PurchaseOrderItem", skip=9)
    keys = {"checkpoint_path": str(folder), "parallel_ranges": at_once}
    with session(peer, **keys) as s, pytest.raises(gd.SourceError):
        gd.to_parquet(s.scan(query), tmp_path / "all.parquet")
    peer.set(faults=[])
    with session(peer, **keys) as s:
        back = gd.read_parquet(gd.to_parquet(s.scan(query), tmp_path / "all.parquet"))
    pd.testing.assert_frame_equal(back, whole)
    assert "of an earlier read" in " ".join(back.attrs["provenance"].full["notes"])


def test_maintenance_records_are_streamed_too(peer: HistorianPeer, tmp_path: Path) -> None:
    source = gd.CMMSConfig(
        connector_id="pm", connector_type="cmms", cmms_system="sap", api_url=peer.origin,
        username="operator", password="s3cret-Pässword", page_size=400, time_zone="UTC",
    )  # fmt: skip
    with gd.Session([source]) as s:
        frame = s.cmms("notification")
        query = gd.CMMSQuery(query_type="notification")
        back = gd.read_parquet(gd.to_parquet(s.scan(query), tmp_path / "all.parquet"))
    assert len(back) == 600
    pd.testing.assert_frame_equal(back, frame)


def test_the_simulated_plant_is_streamed_too() -> None:
    with gd.Session(mock=True) as s:
        frame = s.erp("material", limit=None)
        table = s.scan(gd.ERPQuery(entity_type="material")).reader().read_all()
    assert table.num_rows == len(frame)


def test_what_is_kept_on_disk_is_what_was_given() -> None:
    spool = Spool()
    batches = [
        pa.record_batch({"n": pa.array(range(size)), "t": [f"{size}" * 40] * size})
        for size in (1, 0, 70_000, 3, 900_000, 2)
    ]
    kept = [spool.kept(one) for one in batches]
    spool.release()
    assert all(one.equals(other) for one, other in zip(kept, batches, strict=True))
    before = pa.total_allocated_bytes()
    assert before < sum(one.nbytes for one in batches) * 1.5  # of the originals alone
    spool.close()
    assert kept[2].equals(batches[2])


@pytest.mark.parametrize(
    ("rows", "distinct"),
    [
        ([("a", 1), ("a", 2), ("b", 1)], 3),
        ([("a", 1), ("a", 1), ("b", 1)], 2),
        ([("b", 1), ("a", 2), ("a", 1)], 3),
        ([("b", 1), ("a", 2), ("b", 1)], 2),
        ([("a", None), ("a", None), ("b", 1)], 2),
        ([(None, 1)], 1),
        ([("a", 1)], 1),
        ([], 0),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_distinct_rows(rows: list[Any], distinct: int, size: int) -> None:
    schema = pa.schema([("t", pa.string()), ("n", pa.int64())])
    table = pa.Table.from_pylist([dict(zip("tn", one, strict=True)) for one in rows], schema)
    pages = pa.Table.from_batches(table.to_batches(size), schema)
    assert distinct_rows(pages, ["t", "n"], lambda: None) == distinct
