"""Configurations of CAMPD sources."""

from __future__ import annotations

from typing import Any

import greenlang_data as gd
from tests.drivers.common import QUICK
from tests.peers.campd_server import KEY
from tests.peers.historian_launch import HistorianPeer


def campd_config(peer: HistorianPeer, **more: Any) -> gd.CEMSConfig:
    """Unit 1 of the emulator's facility, streamed."""
    return gd.CEMSConfig(
        **{
            "connector_id": "epa",
            "connector_type": "cems",
            "protocol": "campd",
            "server_url": peer.url,
            "api_key": KEY,
            "facility_id": 3,
            "facility_unit": "1",
            "time_zone": "America/Chicago",
            "timeout_seconds": 10,
            **QUICK,
            **more,
        }
    )
