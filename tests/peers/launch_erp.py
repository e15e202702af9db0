"""Start the servers that stand for business systems."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .cap_database import CAP_FOLDER, make_database
from .fe_services import write_services
from .historian_launch import HistorianPeer, _start
from .launch import FOLDER, Peer, PeerUnavailable, _flags, _scratch_file


class ODataPeer(Peer):
    """A running server of SAP's with services over OData V2 and V4."""

    @property
    def origin(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://{self.host}:{self.port}"

    def v2(self, service: str) -> str:
        """The address of a service over OData V2."""
        return f"{self.origin}/sap/opu/odata/sap/{service}"

    def v4(self, service: str) -> str:
        """The address of a service over OData V4."""
        return f"{self.origin}/sap/opu/odata4/sap/{service}"


class CapPeer(ODataPeer):
    """A running SAP CAP server."""


def _node() -> Path:
    """Node.js 22 as npm brings it, whatever the machine has."""
    found = sorted(CAP_FOLDER.glob("node_modules/node-*/bin/node"))
    if not found:
        raise PeerUnavailable("SAP CAP is not installed: run npm ci --prefix tests/peers/cap")
    return found[0]


def start_cap(
    *,
    port: int = 0,
    items: int = 120_000,
    orders: int = 3_000,
    numbers: bool = False,
    keyset: bool = False,
    page: int = 1_000,
    max_page: int = 10_000,
    bare_dates: bool = False,
    user: str | None = None,
    password: str | None = None,
) -> CapPeer:
    """Start an SAP CAP server with ``items`` purchase order items and ``orders`` maintenance orders.

    Decimal and Int64 are JSON strings over V4, or JSON numbers with ``numbers``; they are strings
    over V2 either way.  Skip tokens are offsets, or the last key with ``keyset``.  A page has
    ``page`` rows, with ``$top`` up to ``max_page``.  With ``bare_dates`` instants come without
    their offset over V2.
    """
    node, audit = _node(), _scratch_file("requests.jsonl")
    database = audit.with_name("business.sqlite")
    make_database(node, items, orders, database)
    options = {
        "numbers": numbers,
        "keyset": keyset,
        "page": page,
        "max_page": max_page,
        "bare_dates": bare_dates,
    }
    flags = _flags(
        {"database": database, "audit": audit, "user": user, "password": password, **options}
    )

    def command(chosen: int) -> Sequence[str]:
        return [str(node), str(CAP_FOLDER / "server.js"), "--port", str(chosen), *flags]

    return CapPeer("SAP CAP server", command, port=port, audit=audit)


def start_fe_mockserver(*, port: int = 0, items: int = 1_000) -> ODataPeer:
    """Start SAP's mock server for Fiori elements with ``items`` purchase order items."""
    if not (FOLDER / "node_modules" / "@sap-ux" / "fe-mockserver-core").is_dir():
        raise PeerUnavailable(
            "fe-mockserver-core is not installed: run npm ci --prefix tests/peers"
        )
    audit = _scratch_file("requests.jsonl")
    flags = _flags({"audit": audit, "services": write_services(audit.parent, items)})

    def command(chosen: int) -> Sequence[str]:
        return ["node", str(FOLDER / "fe_mockserver.mjs"), "--port", str(chosen), *flags]

    return ODataPeer("SAP mock server", command, port=port, audit=audit)


def start_gateway(
    *, port: int = 0, items: int = 120_000, orders: int = 3_000, **options: object
) -> HistorianPeer:
    """Start the SAP Gateway emulator with the business and the maintenance services."""
    sizes = {"items": items, "orders": orders}
    return _start("SAP Gateway emulator", "gateway_server", port, {**sizes, **options})


def start_oracle(*, port: int = 0, orders: int = 2_000, **options: object) -> HistorianPeer:
    """Start the Oracle Fusion emulator with ``orders`` purchase orders of five lines each."""
    return _start("Oracle Fusion emulator", "oracle_server", port, {"orders": orders, **options})


def start_netsuite(*, port: int = 0, lines: int = 10_000, **options: object) -> HistorianPeer:
    """Start the NetSuite emulator with ``lines`` transaction lines, five to a transaction."""
    return _start("NetSuite emulator", "netsuite_server", port, {"lines": lines, **options})


def start_finance(*, port: int = 0, lines: int = 30_000, **options: object) -> HistorianPeer:
    """Start the Dynamics 365 finance and operations emulator with ``lines`` order lines."""
    return _start(
        "Finance and operations emulator", "finance_server", port, {"lines": lines, **options}
    )


def start_dataverse(*, port: int = 0, lines: int = 30_000, **options: object) -> HistorianPeer:
    """Start the Dataverse emulator with ``lines`` products of purchase orders."""
    return _start("Dataverse emulator", "dataverse_server", port, {"lines": lines, **options})
