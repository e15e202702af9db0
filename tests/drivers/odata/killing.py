"""Reads of a process that is killed while it waits for a page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.peers.historian_launch import TOP, HistorianPeer

READ = """
import json, sys
import greenlang_data as gd
with gd.Session([gd.ERPConfig(**json.loads(sys.argv[1]))]) as s:
    s.erp(sys.argv[2], limit=None)
"""


def data_requests(peer: HistorianPeer, match: str) -> list[str]:
    """The addresses in which ``match`` is found that the peer was asked for."""
    return [one["target"] for one in peer.requests() if re.search(match, one["target"])]


def kill_while_waiting(
    peer: HistorianPeer, entity: str, keys: dict[str, Any], *, match: str, pages: int
) -> int:
    """Kill a process that reads ``entity`` once it has ``pages`` answers to requests with ``match``.

    The next one is never answered. The number of pages that are left in ``checkpoint_path``.
    """
    peer.clear_requests()
    peer.fault("hang", match, skip=pages)
    told = {"connector_id": "s4", "connector_type": "erp", "max_retries": 0, **keys}
    arguments = [sys.executable, "-c", READ, json.dumps(told), entity]
    with subprocess.Popen(arguments, cwd=TOP) as process:
        try:
            deadline = time.monotonic() + 60
            while len(data_requests(peer, match)) <= pages and process.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert process.poll() is None, "it ended by itself"
        finally:
            process.kill()
    peer.set(faults=[])
    peer.clear_requests()
    return len(list(Path(keys["checkpoint_path"]).rglob("page-*.arrow")))
