"""Reads of a process that is killed on the way, and what the peer is asked for then."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.peers.historian_launch import TOP, HistorianPeer
from tests.peers.launch import Peer

READ = """
import json, sys
import greenlang_data as gd
with gd.Session([gd.ERPConfig(**json.loads(sys.argv[1]))]) as s:
    s.erp(sys.argv[2], limit=None, **json.loads(sys.argv[3]))
"""


def data_requests(peer: Peer, match: str) -> list[str]:
    """The addresses in which ``match`` is found that the peer was asked for."""
    return [one["target"] for one in peer.requests() if re.search(match, one["target"])]


def kill_after(
    peer: Peer, entity: str, keys: dict[str, Any], *, match: str, requests: int, **query: Any
) -> int:
    """Kill a process that reads ``entity`` once it has asked ``requests`` times for ``match``.

    How often it has asked. ``query`` are further arguments of the read.
    """
    told = {"connector_id": "s4", "connector_type": "erp", "max_retries": 0, **keys}
    texts = [READ, json.dumps(told), entity, json.dumps(query)]
    return kill_script_after(peer, texts, match=match, requests=requests)


def kill_script_after(peer: Peer, script: list[str], *, match: str, requests: int) -> int:
    """The same for a process that runs a script, given with its arguments."""
    peer.clear_requests()
    with subprocess.Popen([sys.executable, "-c", *script], cwd=TOP) as process:
        try:
            deadline = time.monotonic() + 60
            while len(data_requests(peer, match)) < requests and process.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            assert process.poll() is None, "it ended by itself"
        finally:
            process.kill()
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
