"""Start the emulators of maintenance systems; knobs and faults as with the historians."""

from __future__ import annotations

from .historian_launch import HistorianPeer, _start


def start_maximo(*, port: int = 0, orders: int = 2_000, **options: object) -> HistorianPeer:
    """Start the IBM Maximo emulator with ``orders`` work orders."""
    return _start("Maximo emulator", "maximo_server", port, {"orders": orders, **options})


def start_infor(*, port: int = 0, orders: int = 2_000, **options: object) -> HistorianPeer:
    """Start the Infor EAM emulator with ``orders`` work orders."""
    return _start("Infor EAM emulator", "infor_server", port, {"orders": orders, **options})
