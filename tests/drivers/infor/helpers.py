"""Sessions with the Infor EAM emulator, and what is true of its work orders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import greenlang_data as gd
from tests.drivers.common import QUICK
from tests.peers import maintained_plant as plant
from tests.peers.historian_launch import HistorianPeer

ORDERS = 400
USER, PASSWORD = "operator", "s3cret-Pässword"
STRANGE = {"status_map": {"work_order": {"ZQ": "approved"}}}
ALL = dict.fromkeys(("work_order", "asset", "meter", "notification", "pm"), "101")
COLLECTION = {"objects": {"work_order": "/workorders", "asset": "/assets"}}


def config(peer: HistorianPeer, **more: Any) -> gd.CMMSConfig:
    return gd.CMMSConfig(
        **{
            "connector_id": "infor",
            "connector_type": "cmms",
            "cmms_system": "infor",
            "api_url": peer.url,
            "username": USER,
            "password": PASSWORD,
            "tenant": "GREENLANG_TST",
            "organization": "*",
            "decimal_mark": ".",
            "dataspies": ALL,
            "time_zone": "Europe/Berlin",
            "timeout_seconds": 20,
            **QUICK,
            **more,
        }
    )


@contextmanager
def session(peer: HistorianPeer, **more: Any) -> Iterator[gd.Session]:
    with gd.Session([config(peer, **more)]) as opened:
        yield opened


def orders() -> list[plant.WorkOrder]:
    """The work orders, by number and then in the order of the plant."""
    return sorted(map(plant.work_order, range(ORDERS)), key=lambda one: one.number)
