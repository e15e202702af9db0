"""What systems send becomes typed columns exactly, or an error that names the column."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.cmms.columns import flag_of, make_batch, number_of, text_of
from greenlang_data.drivers.cmms.entities import ASSET, ENTITIES, WORK_ORDER, Kind

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=ZONES)
EXACT = st.decimals(-(10**11), 10**11, places=6)


def made(column: str, values: list[Any], entity: Any = WORK_ORDER) -> tuple[list[Any], ReadLog]:
    log = ReadLog()
    columns = {entity.record_id: [str(n) for n in range(len(values))], column: values}
    batch = make_batch(entity, columns, {}, log)
    return batch.column(column).to_pylist(), log


@given(st.lists(INSTANTS | st.none(), max_size=5))
def test_an_instant_with_an_offset_is_the_same_instant_in_utc(moments: list[Any]) -> None:
    told, _ = made("created_at", [one and one.isoformat() for one in moments])
    assert told == moments
    assert all(one is None or one.utcoffset() == timedelta(0) for one in told)


@given(st.lists(st.dates(date(1900, 1, 1), date(9999, 12, 31)), min_size=1, max_size=5))
def test_a_calendar_date_among_instants_is_marked_as_one(days: list[date]) -> None:
    values = [days[0].isoformat(), "2026-03-01T08:00:00-05:00", None]
    columns = {"work_order_id": ["1", "2", "3"], "due_at": values}
    batch = make_batch(WORK_ORDER, columns, {}, ReadLog())
    assert batch.column("due_at_is_date").to_pylist() == [True, False, None]
    midnight = datetime.combine(days[0], datetime.min.time(), UTC)
    assert batch.column("due_at").to_pylist()[0] == midnight


def test_a_date_is_the_one_that_was_written_whatever_its_offset() -> None:
    told, _ = made("install_date", ["2008-03-01T00:00:00-05:00", "2008-03-02", None], ASSET)
    assert told == [date(2008, 3, 1), date(2008, 3, 2), None]


@pytest.mark.parametrize("odd", ["2026-03-01T08:00:00", "01.03.2026", "yesterday", "2026-13-01"])
def test_a_time_without_a_zone_or_sense_is_refused_by_its_column(odd: str) -> None:
    with pytest.raises(ValueError, match="created_at"):
        made("created_at", ["2026-03-01T08:00:00Z", odd])


@given(st.lists(EXACT | st.none(), max_size=5))
def test_decimals_of_six_places_are_exact_as_numbers_and_as_texts(numbers: list[Any]) -> None:
    assert made("cost_total", numbers)[0] == numbers
    told, log = made("cost_total", [one and str(one) for one in numbers])
    assert told == [one or (None if one is None else Decimal(0)) for one in numbers]
    assert not log.notes


def test_more_decimals_are_rounded_and_told() -> None:
    told, log = made("labor_hours", [Decimal("0.3333333333"), "1.728E5"])
    assert told == [Decimal("0.333333"), Decimal(172_800)]
    assert "labor_hours" in log.notes[0]


@pytest.mark.parametrize("odd", ["1,5", "NaN", "Infinity", True, [1], "1E30", 0.5])
def test_what_is_no_exact_number_is_refused_by_its_column(odd: Any) -> None:
    with pytest.raises(ValueError, match="labor_hours"):
        made("labor_hours", [odd])


@given(st.text())
def test_texts_are_kept_as_they_are_with_leading_zeros(text: str) -> None:
    assert made("description", [text, "0042", None])[0] == [text, "0042", None]


def test_scalars_have_one_exact_text() -> None:
    values = [7, Decimal("1.10"), True, False, "1E5"]
    assert [text_of(one) for one in values] == ["7", "1.10", "true", "false", "1E5"]
    with pytest.raises(ValueError, match="no plain value"):
        text_of({"a": 1})


def test_flags_are_read_in_each_dialect_and_never_guessed() -> None:
    assert [flag_of(one) for one in (True, 1, "-1", "+", "true")] == [True] * 5
    assert [flag_of(one) for one in (False, 0, "", "false")] == [False] * 4
    assert flag_of(None) is None
    with pytest.raises(ValueError, match="neither"):
        flag_of("maybe")


def test_an_empty_text_is_no_number() -> None:
    assert number_of("") is None


@pytest.mark.parametrize("name", list(ENTITIES))
def test_every_frame_has_its_columns_then_the_flags_then_the_systems_own(name: str) -> None:
    entity = ENTITIES[name]
    batch = make_batch(entity, {entity.record_id: []}, {"own": Kind.TEXT}, ReadLog())
    flags = [f"{one}_is_date" for one in entity.instants]
    assert batch.schema.names == [*entity.columns, *flags, "own"]
    assert batch.num_rows == 0
