"""Sources that are SAP CAP servers, and frames beside the rows that they must be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

import greenlang_data as gd
from tests.drivers.common import QUICK
from tests.peers.erp_rows import Row
from tests.peers.launch_erp import CapPeer

ITEMS = "purchase_order_item"
ITEMS_V4 = "api_purchaseorder_2/srvd_a2x/sap/purchaseorder/0001/PurchaseOrderItem"
EVERY_TYPE = "Z_EVERY_TYPE_SRV/EveryTypeSet"
LOGIN = {"username": "operator", "password": "s3cret-Pässword"}
"""Of the Gateway emulator."""


def config(origin: str, **more: Any) -> gd.ERPConfig:
    return gd.ERPConfig(
        **{
            "connector_id": "s4",
            "connector_type": "erp",
            "erp_system": "sap",
            "base_url": origin,
            "timeout_seconds": 30,
            **QUICK,
            **more,
        }
    )


def cap_config(peer: CapPeer, **more: Any) -> gd.ERPConfig:
    """A CAP server calls itself ``localhost`` in the links of V2."""
    return config(peer.origin, **{"server_names": (f"http://localhost:{peer.port}",), **more})


def cell(value: Any) -> Any:
    """A cell of a frame as a plain Python value."""
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return value.item() if hasattr(value, "item") else value


def assert_rows(
    frame: pd.DataFrame,
    names: Callable[[str], str],
    rows: Sequence[Row],
    *,
    key: Sequence[str],
) -> None:
    """Every cell of ``frame`` is that of the row with its key; none is missing or there twice."""
    truth = {tuple(row[one] for one in key): row for row in rows}
    assert len(truth) == len(rows) == len(frame)
    columns = list(rows[0])  # those of the frame that are to be compared
    cells = {one: [cell(value) for value in frame[names(one)]] for one in columns}
    seen = set()
    for place in range(len(frame)):
        which = tuple(cells[one][place] for one in key)
        seen.add(which)
        found = {one: cells[one][place] for one in columns}
        assert found == truth[which], which
    assert len(seen) == len(rows)


def native_names(frame: pd.DataFrame) -> Callable[[str], str]:
    """From a column of the system to its name in the frame."""
    told = frame.attrs["provenance"].full["metadata"]["completeness"]["native_names"]
    names = {own: name for name, own in told.items()}
    return lambda own: names.get(own, own)
