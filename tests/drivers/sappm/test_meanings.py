"""Statuses that stand together, clocks of plants, fields that a service has or lacks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.cmms.entities import ENTITIES
from greenlang_data.drivers.sappm.clock import on_clock, parted
from greenlang_data.drivers.sappm.combining import combined
from greenlang_data.drivers.sappm.fields import Source, resolved
from greenlang_data.drivers.sappm.periods import latest
from greenlang_data.drivers.sappm.statuses import CODES, codes_of, of_code, of_words

ENDS = st.dates(max_value=date(2200, 1, 1))
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("REL  CNF  GMPS JBFI MANC PRC  SETC TTJL", "work_done"),
        ("TECO CNF  GMPS", "completed"),
        ("CLSD TECO CNF", "closed"),
        ("CRTD MANC NMAT", "created"),
        ("REL  PCNF", "in_progress"),
        ("CRTD NCMP", "cancelled"),
        ("CLSD DLFL", "deleted"),
        ("FREI TRÜC VOKL", "in_progress"),
        ("TABG RÜCK", "completed"),
        ("ABGS", "closed"),
        ("EROF KEMA", "created"),
        ("I0002", "released"),
        ("ZQUA MANC", "unknown"),
        ("RELX", "unknown"),
        ("", None),
    ],
)
def test_an_order_is_the_most_advanced_of_all_that_it_is(line: str, meaning: str | None) -> None:
    assert of_words(line.split(), {}) == meaning
    assert of_words(reversed(line.split()), {}) == meaning


def test_a_sites_own_word_comes_first_and_a_code_means_what_its_entity_says() -> None:
    assert of_words(["REL", "ZQUA"], {"ZQUA": "awaiting"}) == "awaiting"
    assert of_words(["CRTD", "NCMP"], {"CRTD": "requested"}) == "cancelled"
    assert of_words(["CRTD", "MANC"], {"CRTD": "requested"}) == "requested"
    assert of_code("notification", "3", {}) == "in_progress"
    assert of_code("notification", "9", {}) == "unknown"
    assert of_code("notification", "", {}) is None
    assert codes_of("notification", ["requested"], {}) == ["1"]
    assert codes_of("notification", ["closed"], {}) is None
    assert codes_of("notification", ["requested"], {"1": "closed"}) is None
    for entity, codes in CODES.items():
        assert set(codes.values()) <= ENTITIES[entity].statuses


def test_the_first_field_that_the_service_has_is_taken() -> None:
    assert resolved("A|B+C|B", {"A", "B", "C"}) == Source("A")
    assert resolved("A|B+C|B", {"C"}) is None
    assert resolved("B+C", {"B"}) is None


def clock(day: date, hour: time | None, site: str | None) -> tuple[datetime | None, bool | None]:
    zones = {"DE01": "Europe/Berlin"}
    moments = on_clock(
        pa.array([day], pa.date32()),
        pa.array([hour], pa.time64("us")),
        pa.array([site], pa.string()),
        lambda name: zones.get(name or ""),
        ReadLog(),
    )
    return moments.instants.to_pylist()[0], moments.are_dates.to_pylist()[0]


@given(st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)))
def test_a_time_is_that_of_the_plants_clock_or_empty_where_it_is_two(local: datetime) -> None:
    told, is_date = clock(local.date(), local.time(), "DE01")
    here = [local.replace(tzinfo=BERLIN, fold=fold) for fold in (0, 1)]
    if here[0].utcoffset() == here[1].utcoffset():
        assert (told, is_date) == (here[0].astimezone(UTC), False)
    else:
        assert (told, is_date) == (None, None)


def test_times_without_a_zone_are_parted_and_midnights_alone_are_dates() -> None:
    kind = pa.timestamp("us")
    days, times = parted(pa.array([datetime(2026, 3, 1), None], kind))
    assert (days.to_pylist(), times) == ([date(2026, 3, 1), None], None)
    days, times = parted(pa.array([datetime(2026, 3, 1, 8, 30), datetime(1960, 3, 2), None], kind))
    assert days.to_pylist() == [date(2026, 3, 1), date(1960, 3, 2), None]
    assert times is not None
    assert times.to_pylist() == [time(8, 30), time(0), None]


def test_without_a_time_or_a_zone_it_stays_a_date() -> None:
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    assert clock(date(2026, 3, 1), None, "DE01") == (midnight, True)
    assert clock(date(2026, 3, 1), time(8), "1010") == (midnight, True)
    assert clock(date(2026, 3, 1), time(8), None) == (midnight, True)


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.none() | ENDS), unique=True, max_size=9))
def test_an_object_is_its_row_of_the_latest_period(rows: list[tuple[str, date | None]]) -> None:
    schema = pa.schema([("Equipment", pa.string()), ("ValidityEndDate", pa.date32())])
    columns = [pa.array(list(one), kind) for one, kind in zip(
        zip(*rows, strict=True) if rows else ((), ()), schema.types, strict=True)]  # fmt: skip
    found = latest(pa.Table.from_arrays(columns, schema=schema), *schema.names)
    truth = dict(sorted(rows, key=lambda one: one[1] or date(9999, 12, 31)))
    told = found.to_pydict()
    assert dict(zip(told["Equipment"], told["ValidityEndDate"], strict=True)) == truth
    assert found.schema == schema


def test_what_no_row_tells_is_no_sum_of_nothing() -> None:
    records = ["0001", "0001", "0002", "0003"]
    work = pa.array([Decimal("1.5"), None, None, Decimal(0)], pa.decimal128(9, 3))
    operations = pa.table({"record": records, "work": work, "unit": ["H", "H", "H", None]})
    hours = combined("operation", operations, {}, ReadLog())["labor_hours"]
    assert hours == {"1": Decimal("1.5"), "2": None, "3": Decimal(0)}
    rows = pa.table({"record": records, "amount": work, "currency": ["EUR", None, "EUR", "EUR"]})
    costs = combined("cost", rows, {}, ReadLog())["cost_total"]
    assert costs == {"1": Decimal("1.5"), "3": Decimal(0)}
