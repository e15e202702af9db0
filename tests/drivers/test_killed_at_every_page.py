"""Every read of an ERP system may be killed at any page: the next run asks for that page again alone.

Each read is killed with SIGKILL once after each of its pages, while the next is on its way, by a
frame's call and by a scan to a file. What both runs asked for together is no more than what one
alone needs, and one page more for each worker; and the result has the same hash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.drivers.common import content
from tests.drivers.netsuite.test_netsuite import TBA
from tests.drivers.odata.helpers import LOGIN
from tests.drivers.odata.killing import data_requests, kill_call_after, read_file, read_frame
from tests.drivers.odata.lying_service import start_lying_service
from tests.drivers.odata.tracking_service import start_tracking_service
from tests.drivers.oracle.many_lines import start_many_lines
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import start_dataverse, start_finance, start_netsuite, start_oracle

ENTRA = {
    "erp_system": "dynamics",
    "client_id": "historian-client",
    "client_secret": "s3cret-client",
}
Read = Callable[[dict[str, Any], str, dict[str, Any], str], pd.DataFrame]
PEERS: dict[str, Callable[[], HistorianPeer]] = {
    "lying": start_lying_service,
    "tracking": start_tracking_service,
    "finance": partial(start_finance, lines=70),
    "dataverse": partial(start_dataverse, lines=60),
    "oracle": partial(start_oracle, orders=40),
    "many lines": start_many_lines,
    "netsuite": partial(start_netsuite, lines=2_500),
}


@dataclass(frozen=True)
class Case:
    """A read of a peer; ``match`` are the addresses of its pages, of which there are ``pages``."""

    peer: str
    entity: str
    match: str
    pages: int
    keys: dict[str, Any]
    knobs: dict[str, Any] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    workers: int = 1

    def configuration(self, peer: HistorianPeer, folder: Path) -> dict[str, Any]:
        told: dict[str, Any] = {
            "connector_id": "s4",
            "connector_type": "erp",
            "base_url": peer.origin,
        }
        told |= {"max_retries": 0, "checkpoint_path": str(folder), **self.keys}
        if "client_id" in self.keys:
            told["token_url"] = f"{peer.origin}/contoso.onmicrosoft.com/oauth2/v2.0/token"
        return told

    def question(self, peer: HistorianPeer) -> dict[str, Any]:
        return {name: one.replace("ORIGIN", peer.origin) for name, one in self.query.items()}


def sap(version: int, **more: Any) -> dict[str, Any]:
    return {"erp_system": "sap", "services": {"S": f"/v{version}/S"}, **more}


PAGES = r"/Rows\?(?!.*[?&]\$top=1(&|$))"  # and not the keys of single records
ROWS = {"rows": 70, "cap": 20}
LINES = "msdyn_purchaseorderproducts"
CASES = {
    "V2 by key": Case("lying", "S/Rows", PAGES, 4, sap(2), ROWS),
    "V4 by key": Case("lying", "S/Rows", PAGES, 4, sap(4), ROWS),
    "V2 by links": Case("lying", "S/Rows", PAGES, 5, sap(2), {**ROWS, "keys": "refused"}),
    "V4 by links": Case("lying", "S/Rows", PAGES, 5, sap(4), {**ROWS, "keys": "refused"}),
    "V4 by skipping": Case(
        "lying", "S/Rows", PAGES, 6, sap(4), {**ROWS, "keys": "refused", "link": "none"}
    ),
    "V4 in ranges": Case(
        "lying", "S/Rows", PAGES, 10, sap(4, parallel_ranges=3), {"rows": 200, "cap": 25}, workers=3
    ),
    "ODP from the start": Case(
        "tracking", "S/Rows", PAGES, 4, sap(2), {"cap": 5}, {"since": "start"}
    ),
    "ODP's changes": Case(
        "tracking", "S/Rows", PAGES, 5, sap(2), {}, {"since": "delta:ORIGIN/v2/S/Rows?!deltatoken='1'"}
    ),
    "finance": Case(
        "finance", "purchase_order_item", r"LinesV2\?", 4, {**ENTRA, "dynamics_app": "finance"}, {"page": 20}
    ),
    "Dataverse": Case(
        "dataverse", LINES, rf"{LINES}\?", 4, {**ENTRA, "dynamics_app": "dataverse", "page_size": 16}
    ),
    "Dataverse from the start": Case(
        "dataverse", LINES, rf"{LINES}\?", 4, {**ENTRA, "dynamics_app": "dataverse", "page_size": 16},
        {"delta": 1}, {"since": "start"},
    ),
    "Oracle": Case(
        "oracle", "purchase_order", r"purchaseOrders\?limit=500", 4, {"erp_system": "oracle", **LOGIN}, {"cap": 15}
    ),
    "Oracle with children": Case(
        "many lines", "purchase_order_item", r"purchaseOrders(\?limit=500|/\d+/child)", 5,
        {"erp_system": "oracle"}, {"orders": 2, "at_once": 2, "lines": 30, "with_order": 5, "page": 20},
    ),
    "NetSuite's records": Case(
        "netsuite", "record/location", r"record/v1/location/", 3,
        {"erp_system": "netsuite", **TBA, "connection_pool_size": 2}, workers=2,
    ),
    "SuiteQL": Case(
        "netsuite", "gl_entry", r"suiteql\?limit=1000", 4, {"erp_system": "netsuite", **TBA}
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def peers() -> Iterator[dict[str, HistorianPeer]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(start()) for name, start in PEERS.items()}


@pytest.mark.parametrize("read", [read_frame, read_file])
@pytest.mark.parametrize("name", CASES)
def test_a_read_may_be_killed_at_any_page(
    peers: dict[str, HistorianPeer], tmp_path: Path, name: str, read: Read
) -> None:
    case = CASES[name]
    peer = peers[case.peer]
    peer.reset()
    peer.set(**case.knobs)

    def call(folder: str) -> partial[pd.DataFrame]:
        keys = case.configuration(peer, tmp_path / folder)
        return partial(read, keys, case.entity, case.question(peer), f"{tmp_path}/{folder}.parquet")

    whole = call("whole")()
    needed = len(data_requests(peer, case.match))
    assert needed == case.pages
    for answers in range(needed):
        peer.reset()
        peer.set(**case.knobs)
        peer.fault("hang", case.match, skip=answers)
        one = call(f"killed {answers}")
        sent = kill_call_after(peer, one, match=case.match, requests=answers + 1)
        peer.set(faults=[])
        frame = one()
        asked = len(data_requests(peer, case.match))
        assert content(frame) == content(whole), answers
        assert sent + asked <= needed + case.workers, answers
        assert not list(tmp_path.rglob("*.arrow"))
