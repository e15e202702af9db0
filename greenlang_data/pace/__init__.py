"""How much a source may be asked at once and per second, which calls and single requests keep to."""

from __future__ import annotations

from greenlang_data.pace.rate import RateLimit
from greenlang_data.pace.slots import ConcurrencySlots

__all__ = ["ConcurrencySlots", "RateLimit"]
