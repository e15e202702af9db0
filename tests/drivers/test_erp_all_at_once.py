"""Refusals, resets, tokens that end and pages that shrink, all in one read of each ERP system."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import pandas as pd
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import greenlang_data as gd
from tests.drivers.odata.helpers import ITEMS, ITEMS_V4, cell, config, native_names
from tests.peers import dynamics_rows, netsuite_rows, oracle_tables
from tests.peers.erp_rows import purchase_order_item
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import (
    start_dataverse,
    start_finance,
    start_gateway,
    start_netsuite,
    start_oracle,
)

ROWS = 1_500
# A twentieth of all requests is refused, a fiftieth is cut off, and a token is good for nine. With
# this seed that is nine and two of the first 125.
FAULTS = {
    "seed": 7, "share_429": 0.05, "share_reset": 0.02, "retry_after_seconds": 0, "token_uses": 9,
    "lowered_after": 20,
}  # fmt: skip
CLIENT = {"client_id": "historian-client", "client_secret": "s3cret-client"}
ENTRA = "/contoso.onmicrosoft.com/oauth2/v2.0/token"


class System(NamedTuple):
    """A server with its knobs, how it is read, and the columns of which each row is known."""

    start: Callable[[], HistorianPeer]
    knobs: dict[str, Any]
    keys: Callable[[HistorianPeer], dict[str, Any]]
    entity: str
    columns: tuple[str, ...]
    row: Callable[[int], dict[str, Any]]


def of_sap(peer: HistorianPeer) -> dict[str, Any]:
    return {"page_size": 30}


def of_oracle(peer: HistorianPeer) -> dict[str, Any]:
    where = {"token_url": f"{peer.origin}/oauth2/v1/token", "scope": "urn:opc:resource:fa:instance"}
    return {"erp_system": "oracle", **where}


def of_dynamics(app: str) -> Callable[[HistorianPeer], dict[str, Any]]:
    about = {"erp_system": "dynamics", "dynamics_app": app, "page_size": 30}
    return lambda peer: {**about, "token_url": f"{peer.origin}{ENTRA}"}


def of_netsuite(peer: HistorianPeer) -> dict[str, Any]:
    """By certificate, because the other login has no tokens that end."""
    key = ec.generate_private_key(ec.SECP256R1())
    form, pem = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.Encoding.PEM
    peer.set(public_key=key.public_key().public_bytes(pem, form).decode())
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    about = {"erp_system": "netsuite", "private_key": private.decode(), "client_secret": None}
    return {**about, "private_key_id": "certificate-1", "jwt_algorithm": "ES256"}


SAP = {"auth": "oauth", "page": 30, "lowered_page": 10}
ITEM = ("PurchaseOrder", "PurchaseOrderItem", "OrderQuantity", "DownPaymentDueDate")
SYSTEMS = {
    "SAP over V2": System(lambda: start_gateway(items=ROWS), SAP, of_sap, ITEMS, ITEM,
                          purchase_order_item),
    "SAP over V4": System(lambda: start_gateway(items=ROWS), SAP, of_sap, ITEMS_V4, ITEM,
                          purchase_order_item),
    "Oracle": System(lambda: start_oracle(orders=ROWS), {"auth": "oauth", "cap": 30,
                     "lowered_page": 10}, of_oracle, "purchase_order",
                     ("POHeaderId", "OrderNumber", "LastUpdateDate"), oracle_tables.purchase_order),
    "Oracle's children": System(
        lambda: start_oracle(orders=ROWS // 5), {"auth": "oauth", "cap": 6, "lowered_page": 2},
        of_oracle, "purchase_order_item", ("POLineId", "Quantity"), oracle_tables.order_line),
    "Finance and Operations": System(
        lambda: start_finance(lines=ROWS), {"page": 30, "lowered_page": 10},
        of_dynamics("finance"), "PurchaseOrderLinesV2", ("dataAreaId", "RecordId"),
        dynamics_rows.order_line),
    "Dataverse": System(
        lambda: start_dataverse(lines=ROWS), {"lowered_page": 10}, of_dynamics("dataverse"),
        "msdyn_purchaseorderproducts", ("msdyn_lineorder", "versionnumber", "msdyn_totalcost"),
        dynamics_rows.dataverse_order_product),
    "NetSuite": System(
        lambda: start_netsuite(lines=ROWS), {"auth": "oauth2", "lowered_page": 5,
        "lowered_after": 2}, of_netsuite, "gl_entry",
        ("a.transaction", "a.amount"),
        lambda one: {f"a.{k}": v for k, v in netsuite_rows.accounting_line(one).items()}),
}  # fmt: skip


def told(frame: pd.DataFrame, columns: tuple[str, ...]) -> Counter[tuple[Any, ...]]:
    names = native_names(frame)
    cells = [[cell(value) for value in frame[names(one)]] for one in columns]
    return Counter(zip(*cells, strict=True))


@pytest.mark.parametrize("name", SYSTEMS)
def test_no_row_is_lost_or_there_twice(name: str) -> None:
    system = SYSTEMS[name]
    with system.start() as peer:
        peer.set(**{**FAULTS, **system.knobs})
        keys = {**CLIENT, "max_retries": 6, "connector_id": "all-at-once", **system.keys(peer)}
        with gd.Session([config(peer.origin, **keys)]) as s:
            s.erp.fields(system.entity)
            frame = s.erp(system.entity, limit=None)
        requests = peer.requests()
    rows = [system.row(index) for index in range(ROWS)]
    wanted = Counter(tuple(row[one] for one in system.columns) for row in rows)
    assert told(frame, system.columns) == wanted
    full = frame.attrs["provenance"].full["metadata"]["completeness"]
    assert full["distinct_keys"] == len(frame) == ROWS
    tokens = [one for one in requests if "token" in one["path"]]
    assert full["pages"] > 60
    assert len(tokens) > 6
    assert frame.attrs["provenance"]["retries"] >= 8
