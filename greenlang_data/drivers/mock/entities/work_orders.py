"""Work orders, among them those of each yearly shut-down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Final

import pyarrow as pa

from greenlang_data.drivers.mock.clock import NOW, Span, seconds
from greenlang_data.drivers.mock.entities.assets import (
    ANALYSERS,
    EQUIPMENT,
    SITE,
    asset_id,
    plan_id,
)
from greenlang_data.drivers.mock.entities.common import (
    MONEY,
    SOURCE,
    TEXT,
    cents,
    hundredths,
    none_in,
)
from greenlang_data.drivers.mock.noise import pick
from greenlang_data.drivers.mock.records import INSTANT, Entity, Row, column

ORDERS: Final = 1_500
_FIRST: Final = datetime(2022, 1, 3, 6, tzinfo=UTC)
_HOURLY_RATE: Final = Decimal("78.50")  # EUR
_SETTLED: Final = timedelta(days=60)
_HOURS: Final = pa.decimal128(9, 2)

# Canonical status and the raw statuses of Maximo that mean it; COMPBILL is a synonym of the site.
_RAW: Final = {
    "requested": ("WAPPR",),
    "approved": ("APPR", "WMATL", "WSCH"),
    "in_progress": ("INPRG",),
    "completed": ("COMP", "COMP", "COMPBILL"),
    "closed": ("CLOSE",),
    "cancelled": ("CAN",),
}
FINISHED: Final = ("completed", "closed")
"""Statuses with an actual finish; no other work order has one."""

_OLD: Final = ("closed",) * 13 + ("completed",) * 6 + ("cancelled",)
_RECENT: Final = ("completed",) * 6 + ("in_progress",) * 6 + ("approved",) * 5 + ("requested",) * 3
_TYPES: Final = ("CM", "CM", "PM", "PM", "EM")
_JOBS: Final = {"CM": "Repair", "PM": "Service", "EM": "Emergency repair", "CAL": "Calibrate"}
FAILURES: Final = ("LEAK", "NOISE", "DRIFT", "OVERHEAT", "NOSTART")


@dataclass(frozen=True)
class _Plan:
    """When and on what; the rest follows. ``start`` is the scheduled one."""

    key: int
    asset: int
    type: str
    text: str
    status: str
    created: datetime
    start: datetime
    duration: timedelta
    parent: str | None = None
    pm: str | None = None


def _number(key: int) -> str:
    return f"WO-{10_001 + key}"


def _everyday() -> Iterator[_Plan]:
    spacing = (NOW - _FIRST) / ORDERS
    for n in range(ORDERS):
        created = _FIRST + timedelta(seconds=(n * int(spacing.total_seconds())))
        asset = 1 + pick("work.asset", n, len(EQUIPMENT))
        kind = _TYPES[pick("work.type", n, len(_TYPES))]
        states = _OLD if NOW - created > _SETTLED else _RECENT
        status = states[pick("work.status", n, len(states))]
        start = created + timedelta(hours=2 + pick("work.wait", n, 120))
        duration = timedelta(minutes=30 * (1 + pick("work.duration", n, 48)))
        if status in FINISHED and start + duration > NOW:
            status = "approved"
        elif status == "in_progress" and start > NOW:
            status = "requested"
        pm = plan_id(asset, pick("work.plan", n, 2)) if kind == "PM" else None
        text = f"{_JOBS[kind]}: {EQUIPMENT[asset - 1].text}"
        yield _Plan(n, asset, kind, text, status, created, start, duration, None, pm)


def _shutdowns() -> Iterator[_Plan]:
    """One order for each shut-down, and under it one for each stack's analysers."""
    for place, year in enumerate((2022, 2023, 2024)):
        key = ORDERS + 10 * place
        begin = datetime.fromtimestamp(seconds(year, 8, 1), UTC)
        made = begin - timedelta(days=90)
        week, two_days = timedelta(days=7), timedelta(days=2)
        text = f"Yearly shut-down {year}"
        yield _Plan(key, 1, "PM", text, "closed", made, begin, week, None, plan_id(1, 1))
        for n, asset in enumerate(ANALYSERS, start=1):
            title = f"{_JOBS['CAL']}: {EQUIPMENT[asset - 1].text}"
            start = begin + two_days
            yield _Plan(
                key + n, asset, "CAL", title, "closed", made, start, two_days, _number(key),
                plan_id(asset, 1),
            )  # fmt: skip


@cache
def emergency_repairs(asset: int) -> tuple[Span, ...]:
    """When the asset with this number was under repair at once and out of use; times are UTC.

    Emergency repairs that are done; a planned one is made while the asset is not needed.
    """
    return tuple(
        (int(plan.start.timestamp()), int((plan.start + plan.duration).timestamp()))
        for plan in _everyday()
        if plan.asset == asset and plan.type == "EM" and plan.status in FINISHED
    )


def _row(plan: _Plan) -> Row:
    raws = _RAW[plan.status]
    raw = raws[pick("work.raw", plan.key, len(raws))]
    finish = plan.start + plan.duration
    started = plan.status in (*FINISHED, "in_progress")
    done = plan.status in FINISHED
    # No change lies beyond the present, however late the work was scheduled.
    changed = min(finish + timedelta(hours=3), NOW) if started else plan.created
    return {
        "work_order_id": _number(plan.key),
        "site": SITE,
        "asset_id": asset_id(plan.asset),
        "location_id": EQUIPMENT[plan.asset - 1].location,
        "description": plan.text,
        "status": plan.status,
        "status_raw": raw,
        "status_all": [raw],
        "type": plan.type,
        "priority": 1 if plan.type == "EM" else 2 + pick("work.priority", plan.key, 3),
        "created_at": plan.created,
        "scheduled_start": plan.start,
        "scheduled_finish": finish,
        "actual_start": plan.start if started else None,
        "actual_finish": finish if done else None,
        "due_at": None if none_in("work.due", plan.key, 4) else finish + timedelta(days=5),
        "failure_code": _failure(plan),
        **_efforts(plan, done),
        "currency": "EUR" if done else None,
        "parent_id": plan.parent,
        "pm_id": plan.pm,
        "changed_at": changed,
        "source_system": SOURCE,
    }


def _failure(plan: _Plan) -> str | None:
    if plan.type not in ("CM", "EM") or plan.status == "requested":
        return None
    return FAILURES[pick("work.failure", plan.key, len(FAILURES))]


def _efforts(plan: _Plan, done: bool) -> dict[str, Any]:
    if not done:
        return {"downtime_hours": None, "labor_hours": None, "cost_total": None}
    hours = hundredths(int(plan.duration.total_seconds()) // 36)
    parts = hundredths(pick("work.parts", plan.key, 250_000))
    down = plan.type in ("EM", "CAL") or not none_in("work.down", plan.key, 2)
    return {
        "downtime_hours": hours if down else None,
        "labor_hours": hours,
        "cost_total": cents(hours * _HOURLY_RATE + parts),
    }


def _rows() -> Iterator[Row]:
    for plan in (*_everyday(), *_shutdowns()):
        yield _row(plan)


WORK_ORDER: Final = Entity(
    "work_order",
    ("work_order_id",),
    "created_at",
    pa.schema(
        [
            *(column(name, TEXT) for name in ("work_order_id", "site", "asset_id")),
            *(column(name, TEXT) for name in ("location_id", "description", "status")),
            column("status_raw", TEXT),
            column("status_all", pa.list_(pa.string())),
            column("type", TEXT),
            column("priority", pa.int64()),
            *(column(name, INSTANT) for name in ("created_at", "scheduled_start")),
            *(column(name, INSTANT) for name in ("scheduled_finish", "actual_start")),
            *(column(name, INSTANT) for name in ("actual_finish", "due_at")),
            column("failure_code", TEXT),
            column("downtime_hours", _HOURS, "h"),
            column("labor_hours", _HOURS, "h"),
            column("cost_total", MONEY),
            *(column(name, TEXT) for name in ("currency", "parent_id", "pm_id")),
            column("changed_at", INSTANT),
            column("source_system", TEXT),
        ]
    ),
    _rows,
)
