"""The canonical frames of maintenance, which are the same whichever system answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

import pyarrow as pa

from greenlang_data.drivers.schema import RECORD_ID

UNKNOWN: Final = "unknown"


class Kind(Enum):
    """What a column holds; the value is its Arrow type.

    Numbers have six decimals: what a source tells more finely is rounded, and the provenance says
    so. Instants are UTC. A calendar date among instants is its midnight UTC, and the column
    ``..._is_date`` beside it is true there.
    """

    TEXT = pa.string()
    TEXTS = pa.list_(pa.string())
    NUMBER = pa.decimal128(28, 6)
    INSTANT = pa.timestamp("us", tz="UTC")
    DAY = pa.date32()
    FLAG = pa.bool_()


_T, _N, _I, _D = Kind.TEXT, Kind.NUMBER, Kind.INSTANT, Kind.DAY
# As it is meant everywhere, in the site's word, and all of several that hold at once.
_STATUS: Final = {"status": _T, "status_raw": _T, "status_all": Kind.TEXTS}
_HOURS: Final = frozenset({"downtime_hours", "labor_hours"})


@dataclass(frozen=True)
class Entity:
    """One kind of record: its columns in order, its statuses, and the date that bounds it."""

    name: str
    columns: Mapping[str, Kind]
    statuses: frozenset[str] = frozenset()
    date_column: str | None = None

    @property
    def record_id(self) -> str:
        """The column with each record's own number, which is unique at its site."""
        return next(iter(self.columns))

    @property
    def dates(self) -> list[str]:
        """The columns that can bound a request in time."""
        return [name for name, kind in self.columns.items() if kind in (_I, _D)]

    def schema(self, native: Mapping[str, Kind]) -> pa.Schema:
        """The canonical columns, which instants are dates, and the system's own columns."""
        fields = [_field(name, kind) for name, kind in self.columns.items()]
        fields += [pa.field(f"{name}_is_date", pa.bool_()) for name in self.instants]
        fields += [_field(name, kind) for name, kind in native.items()]
        return pa.schema(fields, metadata={RECORD_ID: self.record_id})

    @property
    def instants(self) -> list[str]:
        """The columns that have another beside them, which is true for calendar dates."""
        return [name for name, kind in self.columns.items() if kind is _I]


def _field(name: str, kind: Kind) -> pa.Field:
    return pa.field(name, kind.value, metadata={"unit": "h"} if name in _HOURS else None)


WORK_ORDER: Final = Entity(
    "work_order",
    MappingProxyType({
        "work_order_id": _T, "site": _T, "asset_id": _T, "location_id": _T, "description": _T,
        **_STATUS, "type": _T, "priority": _T,
        "created_at": _I, "scheduled_start": _I, "scheduled_finish": _I, "actual_start": _I,
        "actual_finish": _I, "due_at": _I, "failure_code": _T, "downtime_hours": _N,
        "labor_hours": _N, "cost_total": _N, "parent_id": _T, "pm_id": _T, "changed_at": _I,
        "source_system": _T,
    }),
    frozenset({
        "requested", "approved", "created", "released", "in_progress", "awaiting", "work_done",
        "completed", "closed", "cancelled", "deleted", UNKNOWN,
    }),
    "created_at",
)  # fmt: skip
ASSET: Final = Entity(
    "asset",
    MappingProxyType({
        "asset_id": _T, "site": _T, "description": _T, **_STATUS, "type": _T, "location_id": _T,
        "parent_id": _T,
        "serial_number": _T, "manufacturer": _T, "priority": _T, "install_date": _D,
        "downtime_hours": _N, "changed_at": _I, "source_system": _T,
    }),
    frozenset({"operating", "not_ready", "failed", "inactive", "retired", "deleted", UNKNOWN}),
    "install_date",
)  # fmt: skip
PM: Final = Entity(
    "pm",
    MappingProxyType({
        "pm_id": _T, "site": _T, "asset_id": _T, "location_id": _T, "description": _T,
        **_STATUS, "type": _T, "frequency": _N,
        "frequency_unit": _T, "next_date": _D, "last_start_date": _D, "last_completed_date": _D,
        "changed_at": _I, "source_system": _T,
    }),
    frozenset({"draft", "active", "inactive", "deleted", UNKNOWN}),
    "next_date",
)  # fmt: skip
NOTIFICATION: Final = Entity(
    "notification",
    MappingProxyType({
        "notification_id": _T, "site": _T, "asset_id": _T, "location_id": _T, "description": _T,
        **_STATUS, "type": _T, "priority": _T,
        "created_at": _I, "malfunction_start": _I, "malfunction_finish": _I, "due_at": _I,
        "failure_code": _T, "downtime_hours": _N, "work_order_id": _T, "changed_at": _I,
        "source_system": _T,
    }),
    frozenset({
        "requested", "awaiting", "in_progress", "completed", "closed", "cancelled", "deleted",
        UNKNOWN,
    }),
    "created_at",
)  # fmt: skip
METER: Final = Entity(
    "meter",
    MappingProxyType({
        "meter_id": _T, "site": _T, "asset_id": _T, "type": _T, "unit": _T, "reading": _N,
        "reading_at": _I, "source_system": _T,
    }),
    date_column="reading_at",
)  # fmt: skip
FAILURE: Final = Entity(
    "failure",
    MappingProxyType({
        "failure_id": _T, "failure_code": _T, "description": _T, "type": _T, "parent_id": _T,
        "source_system": _T,
    }),
)  # fmt: skip

ENTITIES: Final[Mapping[str, Entity]] = MappingProxyType(
    {one.name: one for one in (WORK_ORDER, ASSET, PM, NOTIFICATION, METER, FAILURE)}
)

FINISHED: Final = ("completed", "closed")
"""What ``status="completed"`` asks for: some systems close what was completed, others do not."""
