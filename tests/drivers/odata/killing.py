"""Reads of a process that is killed on the way, and what the peer is asked for then."""

from __future__ import annotations

import multiprocessing
import re
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import pandas as pd

import greenlang_data as gd
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch import Peer

# What a process has to have before it can read, which takes longer than most of these reads.
_IMPORTED: Final = (
    "greenlang_data.calls.erp",
    "greenlang_data.drivers.netsuite.driver",
    "greenlang_data.drivers.odata.driver",
    "greenlang_data.drivers.oracle.driver",
    "greenlang_data.export.records",
    __name__,
)


@cache
def _processes() -> multiprocessing.context.ForkServerContext:
    """Makes processes out of one that has imported everything, and has done nothing else."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_IMPORTED))
    return context


def read_frame(keys: dict[str, Any], entity: str, query: dict[str, Any], path: str) -> pd.DataFrame:
    """Read all of ``entity`` of the source with ``keys``, with further arguments ``query``."""
    with gd.Session([gd.ERPConfig(**keys)]) as s:
        return s.erp(entity, limit=None, **query)


def read_file(keys: dict[str, Any], entity: str, query: dict[str, Any], path: str) -> pd.DataFrame:
    """The same by a scan to a file of its own at ``path``."""
    asked = gd.ERPQuery(entity_type=entity, limit=None, **query)
    with gd.Session([gd.ERPConfig(**keys)]) as s:
        return gd.read_parquet(gd.to_parquet(s.scan(asked), path))


def data_requests(peer: Peer, match: str) -> list[str]:
    """The addresses in which ``match`` is found that the peer was asked for."""
    return [one["target"] for one in peer.requests() if re.search(match, one["target"])]


def page_requests(peer: Peer, match: str) -> list[str]:
    """The same without those for the key of a single record."""
    return [one for one in data_requests(peer, match) if not re.search(r"[?&]\$top=1(&|$)", one)]


def kill_after(
    peer: Peer, entity: str, keys: dict[str, Any], *, match: str, requests: int, **query: Any
) -> int:
    """Kill a process that reads ``entity`` once it has asked ``requests`` times for ``match``.

    How often it has asked. ``query`` are further arguments of the read.
    """
    told = {"connector_id": "s4", "connector_type": "erp", "max_retries": 0, **keys}
    call = partial(read_frame, told, entity, query, "")
    return kill_call_after(peer, call, match=match, requests=requests)


def kill_call_after(peer: Peer, call: Callable[[], Any], *, match: str, requests: int) -> int:
    """The same for a process that makes a call, of a function that every process has."""
    peer.clear_requests()
    process = _processes().Process(target=call, daemon=True)
    process.start()
    try:
        deadline = time.monotonic() + 60
        while len(data_requests(peer, match)) < requests and process.is_alive():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert process.is_alive(), "it ended by itself"
    finally:
        process.kill()
        process.join()
    asked = len(data_requests(peer, match))
    peer.clear_requests()
    return asked


def kill_while_waiting(
    peer: HistorianPeer, entity: str, keys: dict[str, Any], *, match: str, pages: int, **query: Any
) -> int:
    """Kill a process that reads ``entity`` once it has ``pages`` answers to requests with ``match``.

    The next one is never answered. The number of pages that are left in ``checkpoint_path``.
    """
    peer.fault("hang", match, skip=pages)
    kill_after(peer, entity, keys, match=match, requests=pages + 1, **query)
    peer.set(faults=[])
    return len(list(Path(keys["checkpoint_path"]).rglob("page-*.arrow")))
