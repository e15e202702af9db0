"""Sessions with the Maximo emulator, and what is true of its work orders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import greenlang_data as gd
from tests.drivers.common import QUICK
from tests.peers import maintained_plant as plant
from tests.peers.historian_launch import HistorianPeer

KEY = "s3cret-apikey-0123456789"
USER, PASSWORD = "wilson", "s3cret-Pässword"
ORDERS = 400
STRANGE = {"status_map": {"work_order": {"ZQUAL": "approved"}}}
"""Says what the plant's own status means, so that nothing is unknown."""


def config(peer: HistorianPeer, **more: Any) -> gd.CMMSConfig:
    return gd.CMMSConfig(
        **{
            "connector_id": "maximo",
            "connector_type": "cmms",
            "cmms_system": "maximo",
            "api_url": peer.url,
            "api_key": None if "username" in more else KEY,
            "timeout_seconds": 20,
            **QUICK,
            **more,
        }
    )


@contextmanager
def session(peer: HistorianPeer, **more: Any) -> Iterator[gd.Session]:
    with gd.Session([config(peer, **more)]) as opened:
        yield opened


def orders(count: int = ORDERS) -> list[plant.WorkOrder]:
    """The work orders that are no tasks, in the order of the frame."""
    found = [one for one in map(plant.work_order, range(count)) if not one.is_task]
    return sorted(found, key=lambda one: (one.site.name, one.number))
