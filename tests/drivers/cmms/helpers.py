"""The same plant in three systems, and what each calls the things of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from tests.peers import maintained_plant as plant
from tests.peers.fixtures import start_or_skip
from tests.peers.launch_cmms import start_infor, start_maximo
from tests.peers.launch_erp import start_cap

ORDERS = 400
SITES = {site.plant: site.name for site in plant.SITES}
PLACES = {site.name: place for place, site in enumerate(plant.SITES)}

# What the site says its statuses mean, so that each system can tell the same of them.
MAXIMO = {"ZQUAL": "approved"}
INFOR = {
    "R": "approved", "APPR": "approved", "WM": "approved", "A": "approved", "PLAN": "approved",
    "IP": "in_progress", "STARTED": "in_progress", "CLOS": "closed", "ARCH": "closed",
    "ZQ": "approved",
}  # fmt: skip
SAP = {
    "CRTD": "requested", "EROF": "requested", "REL": "approved", "FREI": "approved",
    "DLFL": "cancelled", "ZQUA": "approved",
}  # fmt: skip


def start_cap_small(orders: int) -> Any:
    return start_cap(items=100, orders=orders)


@contextmanager
def three_systems() -> Iterator[dict[str, Any]]:
    """Maximo, Infor and SAP, each with the same plant."""
    with ExitStack() as stack:

        def started(start: Callable[..., Any]) -> Any:
            return stack.enter_context(start_or_skip(lambda: start(orders=ORDERS)))

        yield {
            "maximo": started(start_maximo),
            "infor": started(start_infor),
            "sap": started(start_cap_small),
        }


def _order(number: str) -> str:
    return plant.work_order(int(number) - 4_000_000).number


TRANSLATED: dict[str, Callable[[str], str]] = {
    "work_order_id": _order,
    "parent_id": _order,
    "site": SITES.__getitem__,
    "asset_id": lambda number: plant.asset(int(number) - 10_000_000).number,
    "location_id": lambda name: name.removeprefix("PLANT-"),
    "pm_id": lambda number: plant.plan(int(number) - 7_000).number,
}
