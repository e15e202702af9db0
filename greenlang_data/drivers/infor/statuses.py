"""What Infor EAM's system statuses mean. Users' own statuses are under each of them.

Source: the filters of CERN's user interfaces for Q, R and C of work orders, and I and D of
equipment; A is unverified. ``status_map`` overrides all, by a user's status or a system's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from greenlang_data.drivers.cmms.entities import UNKNOWN

MEANINGS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({
    "work_order": {"Q": "requested", "R": "released", "A": "awaiting", "C": "completed"},
    "asset": {"I": "operating", "D": "retired"},
})  # fmt: skip

# C is of all work that will not go on, so the name of the user's status has to tell cancelled work
# from finished work. Unverified: the words of other languages.
_ENDED: Final = "C"
_CANCELLED: Final = re.compile(
    r"cancel|reject|declin|void|annul|rejet|storn|abgelehnt|abgebrochen|rechaz",
    re.IGNORECASE,
)


class Meanings:
    """The statuses of one entity at one site; ``overrides`` are the site's own, and come first."""

    def __init__(self, entity: str, overrides: Mapping[str, str]) -> None:
        self._known = MEANINGS.get(entity, {})
        self._overrides = overrides
        self._is_work = entity == "work_order"

    @property
    def possible(self) -> set[str]:
        """All that a status may mean."""
        cancelled = {"cancelled"} if self._is_work else set()
        return {*self._known.values(), *self._overrides.values(), *cancelled}

    def of(self, raw: str | None, system: str | None, text: str | None) -> str | None:
        """The canonical status of a user's status, its system status and its name."""
        if raw is None and system is None:
            return None
        for name in (raw or "", system or ""):
            if name in self._overrides:
                return self._overrides[name]
        if self._is_work and system == _ENDED and _CANCELLED.search(text or ""):
            return "cancelled"
        return self._known.get(system or "", UNKNOWN)

    def system(self, wanted: Iterable[str]) -> str | None:
        """The one system status that has all there is of ``wanted``; None when there is no one."""
        wanted = set(wanted)
        if self._overrides or UNKNOWN in wanted:
            return None
        known = {meaning: code for code, meaning in self._known.items()}
        if self._is_work:
            known["cancelled"] = _ENDED
        codes = {known[status] for status in wanted if status in known}
        return codes.pop() if len(codes) == 1 else None
