"""What somebody reported of the equipment: each repair that was asked for began with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from greenlang_data.drivers.cmms.entities import NOTIFICATION as CANONICAL
from greenlang_data.drivers.mock.clock import NOW
from greenlang_data.drivers.mock.entities.assets import EQUIPMENT, SITE, asset_id
from greenlang_data.drivers.mock.entities.common import SOURCE, maintained
from greenlang_data.drivers.mock.entities.work_orders import WORK_ORDER
from greenlang_data.drivers.mock.noise import pick
from greenlang_data.drivers.mock.records import Entity, Row

_REPAIRS: Final = frozenset({"CM", "EM"})
_WITHOUT_ORDER: Final = 90  # reports of which nothing came
_SPACING: Final = timedelta(days=12)
_OPEN: Final = timedelta(days=20)

# Status of the order -> status of the notification, and Maximo's word for it.
_STATUSES: Final = {
    "requested": ("requested", "NEW"),
    "approved": ("awaiting", "QUEUED"),
    "in_progress": ("in_progress", "INPROG"),
    "completed": ("completed", "RESOLVED"),
    "closed": ("closed", "CLOSED"),
    "cancelled": ("cancelled", "CANCELLED"),
}


def _of_order(order: Row) -> Row:
    """The report that led to an order, in the hours before that was made."""
    key = int(order["work_order_id"].removeprefix("WO-"))
    reported = order["created_at"] - timedelta(minutes=5 + pick("notice.wait", key, 600))
    status, raw = _STATUSES[order["status"]]
    return {
        "notification_id": f"SR-{key}",
        **{name: order[name] for name in ("site", "asset_id", "location_id", "failure_code")},
        "description": f"Reported for {order['work_order_id']}: {order['description']}",
        "status": status,
        "status_raw": raw,
        "status_all": [raw],
        "type": "SR",
        "priority": str(order["priority"]),
        "created_at": reported,
        "malfunction_start": reported - timedelta(minutes=pick("notice.start", key, 240)),
        "malfunction_finish": order["actual_finish"],
        "due_at": order["due_at"],
        "downtime_hours": order["downtime_hours"],
        "work_order_id": order["work_order_id"],
        "changed_at": order["changed_at"],
        "source_system": SOURCE,
    }


def _alone(number: int) -> Row:
    """A report without an order: a recent one is still open, an old one was turned down."""
    reported = NOW - timedelta(hours=7) - number * _SPACING
    asset = 1 + pick("notice.asset", number, len(EQUIPMENT))
    status, raw = _STATUSES["requested" if NOW - reported < _OPEN else "cancelled"]
    answered = reported if status == "requested" else reported + timedelta(days=2)
    started: datetime = reported - timedelta(minutes=pick("notice.alone", number, 240))
    return {
        "notification_id": f"SR-{20_001 + number}",
        "site": SITE,
        "asset_id": asset_id(asset),
        "location_id": EQUIPMENT[asset - 1].location,
        "description": f"Unusual sound: {EQUIPMENT[asset - 1].text}",
        "status": status,
        "status_raw": raw,
        "status_all": [raw],
        "type": "SR",
        "priority": "4",
        "created_at": reported,
        "malfunction_start": started,
        "changed_at": answered,
        "source_system": SOURCE,
    }


def _rows() -> Iterator[Row]:
    for order in WORK_ORDER.rows():
        if order["type"] in _REPAIRS:
            yield _of_order(order)
    for number in range(_WITHOUT_ORDER):
        yield _alone(number)


NOTIFICATION: Final = Entity(
    CANONICAL.name, ("notification_id",), CANONICAL.date_column, maintained(CANONICAL), _rows
)
