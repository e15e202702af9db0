"""Sessions with SAP's maintenance services on CAP, and what is true of their orders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import greenlang_data as gd
from tests.drivers.common import QUICK
from tests.peers import maintained_plant as plant
from tests.peers import sap_pm_rows
from tests.peers.launch_erp import CapPeer

ORDERS = 600
ZONES = {site.plant: site.zone for site in plant.SITES}
STRANGE = {"status_map": {"work_order": {"ZQUA": "approved"}}}


def config(peer: CapPeer, **more: Any) -> gd.CMMSConfig:
    return gd.CMMSConfig(
        **{
            "connector_id": "sap",
            "connector_type": "cmms",
            "cmms_system": "sap",
            "api_url": peer.origin,
            "server_names": (f"http://localhost:{peer.port}",),
            "site_zones": ZONES,
            "work_units": {sap_pm_rows.OWN_UNIT: "0.1"},
            "timeout_seconds": 30,
            **QUICK,
            **more,
        }
    )


@contextmanager
def session(peer: CapPeer, **more: Any) -> Iterator[gd.Session]:
    with gd.Session([config(peer, **more)]) as opened:
        yield opened


def orders() -> list[plant.WorkOrder]:
    return [plant.work_order(index) for index in range(ORDERS)]
