"""Sessions with an OIBus agent, and what was asked of it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import greenlang_data as gd
from tests.drivers.phd.gateway import config as gateway_config
from tests.peers.historian_launch import HistorianPeer


def config(peer: HistorianPeer, **more: Any) -> gd.HistorianConfig:
    return gateway_config(peer, server_url=peer.url, gateway_dialect="oibus", **more)


def asked(peer: HistorianPeer, action: str) -> list[dict[str, Any]]:
    """The requests for connect, read or disconnect, each with the connection's ``name``."""
    found = []
    for one in peer.requests():
        *_, name, last = one["path"].split("/")
        if last == action:
            found.append({**one, "name": name, "said": json.loads(one["body"] or "{}")})
    return found


def left_open(peer: HistorianPeer) -> Counter[str]:
    """How often each connection was opened more than it was closed."""
    opened = Counter(one["name"] for one in asked(peer, "connect"))
    opened.subtract(one["name"] for one in asked(peer, "disconnect"))
    return +opened
