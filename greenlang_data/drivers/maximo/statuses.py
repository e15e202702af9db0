"""What Maximo's internal statuses mean. Sites rename and multiply them, the internal ones stay.

Source: the synonym domains WOSTATUS, LOCASSETSTATUS, PMSTATUS and SRSTATUS; IBM's support page on
allowable status changes lists WSCH, WPCOND and WMATL as synonyms of APPR. Those of service
requests are unverified. All can be overridden with ``status_map``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from greenlang_data.drivers.cmms.entities import UNKNOWN

MEANINGS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({
    "work_order": {
        "WAPPR": "requested", "APPR": "approved", "WSCH": "approved", "WMATL": "approved",
        "WPCOND": "approved", "INPRG": "in_progress", "COMP": "completed", "CLOSE": "closed",
        "HISTEDIT": "closed", "CAN": "cancelled",
    },
    "asset": {
        "OPERATING": "operating", "ACTIVE": "operating", "NOT READY": "not_ready",
        "BROKEN": "failed", "INACTIVE": "inactive", "DECOMMISSIONED": "retired",
    },
    "pm": {"DRAFT": "draft", "ACTIVE": "active", "INACTIVE": "inactive"},
    "notification": {
        "NEW": "requested", "QUEUED": "awaiting", "PENDING": "awaiting",
        "INPROG": "in_progress", "RESOLVED": "completed", "CLOSED": "closed",
    },
})  # fmt: skip

HOLDS: Final = frozenset({"WMATL", "WPCOND"})
"""Internal statuses that also say why the work waits."""


class Meanings:
    """The statuses of one entity at one site; ``overrides`` are the site's own, and come first."""

    def __init__(self, entity: str, overrides: Mapping[str, str]) -> None:
        self._known = MEANINGS.get(entity, {})
        self._overrides = overrides

    @property
    def possible(self) -> set[str]:
        """All that a status may mean."""
        return {*self._known.values(), *self._overrides.values()}

    def of(self, raw: str | None, internal: str | None) -> str | None:
        """The canonical status of a status with this internal value; None for no status.

        Without an internal value it is unknown: what a site calls COMP may mean anything.
        """
        if raw is None and internal is None:
            return None
        for name in (raw or "", internal or ""):
            if name in self._overrides:
                return self._overrides[name]
        return self._known.get(internal or "", UNKNOWN)

    def internal(self, wanted: Iterable[str]) -> list[str] | None:
        """The internal values that mean ``wanted``; None when Maximo cannot tell them apart."""
        wanted = set(wanted)
        if self._overrides or UNKNOWN in wanted:
            return None
        return sorted(name for name, meaning in self._known.items() if meaning in wanted)
