"""A read of maintenance records that is killed goes on with the records themselves."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.odata.killing import data_requests, kill_call_after
from tests.drivers.sappm.helpers import STRANGE, config
from tests.peers.launch_erp import CapPeer

ASKED = r"MaintenanceOrder\?"


def read_orders(keys: dict[str, Any]) -> pd.DataFrame:
    with gd.Session([gd.CMMSConfig(**keys)]) as s:
        return s.cmms("work_order")


def read(peer: CapPeer, folder: Path, **more: Any) -> pd.DataFrame:
    keys = {"checkpoint_path": str(folder), "page_size": 60, **more}
    with gd.Session([config(peer, **STRANGE, **keys)]) as s:
        return s.cmms("work_order")


@pytest.mark.parametrize(("match", "requests"), [(ASKED, 6), (r"MaintenanceOrderOperation\?", 2)])
def test_a_killed_read_goes_on(cap: CapPeer, tmp_path: Path, match: str, requests: int) -> None:
    whole = read(cap, tmp_path / "whole")
    cap.clear_requests()
    read(cap, tmp_path / "again")
    needed = len(data_requests(cap, ASKED))
    assert needed >= 10
    told = json.loads(config(cap, **STRANGE).model_dump_json(exclude_none=True))
    told |= {"checkpoint_path": str(tmp_path / "killed"), "page_size": 60}
    sent = kill_call_after(cap, partial(read_orders, told), match=match, requests=requests)
    before = sent if match == ASKED else needed
    frame = read(cap, tmp_path / "killed")
    pd.testing.assert_frame_equal(frame, whole)
    hashes = {one.attrs["provenance"]["response_hash"] for one in (frame, whole)}
    assert len(hashes) == 1
    assert before + len(data_requests(cap, ASKED)) <= needed + 1
    assert "of an earlier read" in " ".join(frame.attrs["provenance"].full["notes"])
    assert not list(tmp_path.rglob("*.arrow"))
