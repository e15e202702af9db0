"""The base of the emulators of ERP systems: tables that change while they are read."""

from __future__ import annotations

from typing import Any, ClassVar

from .business_emulator import BusinessEmulator
from .erp_live import Live


class ErpEmulator(BusinessEmulator):
    """An emulator whose rows may come and go."""

    defaults: ClassVar[dict[str, Any]] = {
        **BusinessEmulator.defaults,
        "inserts": 0,  # so many rows come after each page
        "deletes": 0,  # so many rows go after each page
    }

    def __init__(self) -> None:
        super().__init__()
        self.live = Live()

    def reset(self) -> None:
        super().reset()
        self.live.clear()

    def turn_page(self) -> None:
        """A page was read: rows come and go."""
        self.live.turn(self.knob("inserts"), self.knob("deletes"))
