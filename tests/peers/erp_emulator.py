"""The base of the emulators of ERP systems: tables and pages that change while they are read."""

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
        "lowered_page": 0,  # the largest page after so many as the next knob says; 0 is never
        "lowered_after": 3,
    }

    def __init__(self) -> None:
        super().__init__()
        self.live = Live()
        self.pages = 0

    def reset(self) -> None:
        super().reset()
        self.live.clear()
        self.pages = 0

    def largest_page(self, usual: int) -> int:
        """How many rows a page has at most by now."""
        lowered = int(self.knob("lowered_page"))
        return lowered if lowered and self.pages >= self.knob("lowered_after") else usual

    def turn_page(self) -> None:
        """A page was read: rows come and go."""
        self.pages += 1
        self.live.turn(self.knob("inserts"), self.knob("deletes"))
