"""The plant that the maintenance servers look after: everything is a pure function of an index.

Each server tells it in its own words; tests compare with what is here.  Numbers of work orders,
assets and plans are unique within a site only: row ``index`` is of site ``index % 3``.
"""

from __future__ import annotations

import functools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from .erp_rows import mixed, scaled

FIRST_MOMENT = datetime(2024, 1, 1, tzinfo=UTC)
SPAN_MINUTES = 730 * 24 * 60
ASSETS, PLANS, LOCATIONS = 900, 300, 120
READINGS = 24
PROBLEMS = ("LEAK", "NOISE", "VIBR", "HOT")
CAUSES = ("WEAR", "MISALIGN", "LUBE", "POWER")
REMEDIES = ("REPLACE", "ADJUST", "CLEAN", "RESET")


class Site(NamedTuple):
    name: str
    organization: str
    plant: str  # what SAP calls it
    zone: str


SITES = (
    Site("BEDFORD", "EAGLENA", "1010", "America/New_York"),
    Site("NASHUA", "EAGLENA", "1020", "America/New_York"),
    Site("DRESDEN", "EAGLEDE", "DE01", "Europe/Berlin"),
)


class State(StrEnum):
    """Where a work order is; ``STRANGE`` is a status that only the site itself can explain."""

    REQUESTED = "requested"
    APPROVED = "approved"
    WAITING_MATERIAL = "waiting for material"
    WAITING_SCHEDULE = "waiting for its schedule"
    IN_PROGRESS = "in progress"
    COMPLETED = "completed"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    STRANGE = "strange"


_STATES = (
    *(State.REQUESTED,) * 12, *(State.APPROVED,) * 12, *(State.WAITING_MATERIAL,) * 4,
    *(State.WAITING_SCHEDULE,) * 4, *(State.IN_PROGRESS,) * 13, *(State.COMPLETED,) * 25,
    *(State.CLOSED,) * 22, *(State.CANCELLED,) * 5, *(State.STRANGE,) * 3,
)  # fmt: skip
STARTED = {State.IN_PROGRESS, State.COMPLETED, State.CLOSED}
FINISHED = {State.COMPLETED, State.CLOSED}


class WorkOrder(NamedTuple):
    row: int
    site: Site
    number: str
    description: str
    state: State
    synonym: bool  # the site has a word of its own for this state
    kind: str  # CM (corrective), PM (preventive), EM (emergency), or none
    priority: int | None
    asset: int | None
    location: str
    parent: int | None
    is_task: bool
    plan: int | None
    reported: datetime
    scheduled_start: datetime | None
    scheduled_finish: datetime | None
    due: date | None
    actual_start: datetime | None
    actual_finish: datetime | None
    status_changed: datetime
    changed: datetime
    labor_hours: Decimal
    labor_cost: Decimal
    material_cost: Decimal
    downtime: timedelta | None
    failure: int | None  # which problem, cause and remedy


def _number(index: int, digits: int = 4) -> str:
    return f"{1000 + index // len(SITES):0{digits}d}"


def work_order(index: int) -> WorkOrder:
    """The work order of an index."""
    state = _STATES[mixed(index, 1) % len(_STATES)]
    kind = ("CM", "PM", "CM", "EM", "")[mixed(index, 2) % 5]
    reported = FIRST_MOMENT + timedelta(minutes=mixed(index, 3) % SPAN_MINUTES)
    planned = state is not State.REQUESTED
    scheduled = reported + timedelta(hours=24 + mixed(index, 4) % 240) if planned else None
    length = timedelta(minutes=15 * (1 + mixed(index, 5) % 64))
    started = reported + timedelta(minutes=30 + mixed(index, 6) % 20_000)
    finished = started + length
    is_started, is_finished = state in STARTED, state in FINISHED
    no_finish = index % 29 == 0  # the crew did not say when it was done
    changed = (finished if is_finished else started if is_started else reported) + timedelta(
        seconds=1 + mixed(index, 7) % 86_400
    )
    worked = is_finished or (is_started and index % 2 == 0)
    broken = kind in {"CM", "EM"} and is_finished
    return WorkOrder(
        row=index,
        site=SITES[index % len(SITES)],
        number=_number(index),
        description=f'{kind or "Work"} on pump {index}: Lager prüfen & "schmieren"'[:100],
        state=state,
        synonym=mixed(index, 8) % 4 == 0,
        kind=kind,
        priority=None if index % 9 == 0 else 1 + mixed(index, 9) % 4,
        asset=None if index % 17 == 0 else asset_at(index, mixed(index, 10)),
        location=location(mixed(index, 10)),
        parent=index - 3 * (1 + index // 3 % 5) if index % 20 == 19 and index > 60 else None,
        is_task=index % 40 == 39 and index > 60,
        plan=mixed(index, 11) % (PLANS // 3) * 3 + index % 3 if kind == "PM" else None,
        reported=reported,
        scheduled_start=scheduled,
        scheduled_finish=scheduled + length if scheduled else None,
        due=None if index % 6 == 0 else (reported + timedelta(days=14)).date(),
        actual_start=started if is_started else None,
        actual_finish=finished if is_finished and not no_finish else None,
        status_changed=changed,
        changed=changed + timedelta(minutes=index % 5),
        labor_hours=scaled(mixed(index, 12) % 6_400, 2) if worked else Decimal(0),
        labor_cost=scaled(mixed(index, 13) % 900_000, 2) if worked else Decimal(0),
        material_cost=scaled(mixed(index, 14) % 150_000_000, 2) if worked else Decimal(0),
        downtime=timedelta(seconds=60 * (mixed(index, 15) % 6_000)) if broken else None,
        failure=mixed(index, 16) % 64 if broken else None,
    )


def downtime_hours(order: WorkOrder) -> Decimal | None:
    """The downtime of an order as all systems keep it: hours with two decimals."""
    if order.downtime is None:
        return None
    hours = Decimal(int(order.downtime.total_seconds())) / 3600
    return hours.quantize(Decimal("0.01"))


def failure_codes(failure: int) -> tuple[str, str, str]:
    """The problem, the cause and the remedy of a failure."""
    return PROBLEMS[failure % 4], CAUSES[failure // 4 % 4], REMEDIES[failure // 16]


class Asset(NamedTuple):
    row: int
    site: Site
    number: str
    description: str
    status: str  # operating, not ready, failed, retired or inactive
    kind: str
    location: str
    parent: int | None
    serial: str
    manufacturer: str
    installed: date | None
    downtime_hours: Decimal
    priority: int


def asset_at(index: int, choice: int) -> int:
    """An asset of the same site as row ``index``."""
    return choice % (ASSETS // len(SITES)) * len(SITES) + index % len(SITES)


def location(choice: int) -> str:
    return f"BR{choice % LOCATIONS:03d}"


@functools.cache
def asset(index: int) -> Asset:
    """The asset of an index; some numbers have letters, leading zeros or blanks."""
    number = ("11430", "007", "1E5", "PUMP 01/A")[index // 3] if index < 12 else _number(index)
    return Asset(
        row=index,
        site=SITES[index % len(SITES)],
        number=number,
        description=f"Kreiselpumpe {index} ({'°C' if index % 2 else 'm³/h'})",
        status=("operating", "operating", "operating", "not ready", "failed", "retired",
                "inactive")[mixed(index, 1) % 7],
        kind=("PRODUCTION", "FACILITIES", "FLEET")[index % 3],
        location=location(mixed(index, 2)),
        parent=index - 3 if index % 5 == 4 and index > 12 else None,
        serial=f"{mixed(index, 3) % 10**8:010d}",
        manufacturer=("KSB", "Grundfos", "Flowserve")[mixed(index, 4) % 3],
        installed=None if index % 8 == 0 else date(2000, 1, 1) + timedelta(days=index * 7),
        downtime_hours=scaled(mixed(index, 5) % 100_000, 2),
        priority=1 + index % 5,
    )  # fmt: skip


class Plan(NamedTuple):
    """A plan of preventive maintenance."""

    row: int
    site: Site
    number: str
    description: str
    status: str  # draft, active or inactive
    asset: int
    frequency: int
    unit: str  # days, weeks, months or years
    next_due: date | None
    last_started: date | None
    last_completed: date | None
    job_plan: str


@functools.cache
def plan(index: int) -> Plan:
    """The plan of an index."""
    due = date(2026, 1, 1) + timedelta(days=mixed(index, 1) % 300)
    return Plan(
        row=index,
        site=SITES[index % len(SITES)],
        number=_number(index),
        description=f"Inspection {index}",
        status=("active", "active", "active", "inactive", "draft")[mixed(index, 2) % 5],
        asset=asset_at(index, mixed(index, 3)),
        frequency=(1, 3, 6, 14)[index % 4],
        unit=("months", "months", "weeks", "days")[index % 4],
        next_due=None if index % 13 == 0 else due,
        last_started=None if index % 5 == 0 else due - timedelta(days=92),
        last_completed=None if index % 5 == 0 else due - timedelta(days=90),
        job_plan=f"JP{index % 20:03d}",
    )


class Notification(NamedTuple):
    """What somebody reported; every second one has led to a work order."""

    row: int
    site: Site
    number: str
    description: str
    state: str  # outstanding, postponed, in process or completed
    priority: int | None
    asset: int
    reported: datetime
    malfunction_start: datetime
    malfunction_end: datetime | None
    is_breakdown: bool
    reporter: str
    work_order: int | None


def notification(index: int) -> Notification:
    """The notification of an index."""
    reported = FIRST_MOMENT + timedelta(minutes=mixed(index, 31) % SPAN_MINUTES)
    state = ("outstanding", "postponed", "in process", "completed")[mixed(index, 32) % 4]
    started = reported - timedelta(minutes=mixed(index, 33) % 600)
    ended = started + timedelta(minutes=1 + mixed(index, 34) % 6_000)
    return Notification(
        row=index,
        site=SITES[index % len(SITES)],
        number=f"{10_000_000 + index}",
        description=f"Leckage an Pumpe {index}",
        state=state,
        priority=None if index % 9 == 0 else 1 + index % 4,
        asset=asset_at(index, mixed(index, 35)),
        reported=reported,
        malfunction_start=started,
        malfunction_end=ended if state == "completed" else None,
        is_breakdown=index % 3 == 0,
        reporter=f"USER{index % 40:02d}",
        work_order=index if index % 2 else None,
    )


class Reading(NamedTuple):
    moment: datetime
    value: Decimal


METERS = (("RUNHOURS", "HOURS", "CONTINUOUS"), ("ENERGY", "KWH", "CONTINUOUS"),
          ("TEMPERATURE", "DEG C", "GAUGE"))  # fmt: skip


def meters_of(asset_index: int) -> tuple[int, ...]:
    """Which of ``METERS`` an asset has: every second one has some."""
    return () if asset_index % 2 else tuple(range(1 + asset_index // 2 % len(METERS)))


METERS_THERE = ASSETS // 2 * 2  # as many have one, two and three of them


def meter(index: int) -> tuple[int, int]:
    """The asset of an index and which of its meters it is; assets with one, two, three in turn."""
    three, place = divmod(index, 6)
    which, number = ((0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2))[place]
    return 2 * (3 * three + which), number


def reading(asset_index: int, meter: int, number: int) -> Reading:
    """A monthly reading; continuous meters only grow."""
    moment = FIRST_MOMENT + timedelta(days=30 * number, minutes=mixed(asset_index, meter) % 1440)
    seed = mixed(asset_index * 3 + meter, 40)
    if METERS[meter][2] == "GAUGE":
        return Reading(moment, scaled(mixed(seed, number) % 900, 1))
    return Reading(moment, scaled(seed % 10**6 + (1 + seed % 5_000) * 100 * number, 2))
