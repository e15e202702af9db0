"""Numbers and dates in Infor's dialects: exact, or an error, and never a guess."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.cmms.entities import Kind
from greenlang_data.drivers.infor.dialect import Dialect
from greenlang_data.drivers.infor.shapes import instant, number, part_of, plain
from greenlang_data.drivers.infor.statuses import Meanings
from greenlang_data.drivers.infor.wire import collection_reader, read_grid
from greenlang_data.errors import ConfigurationError
from greenlang_data.settings.cmms import CmmsSettings

BERLIN = ZoneInfo("Europe/Berlin")
EXACT = st.decimals(-(10**12), 10**12, places=3)
OFFSETS = st.integers(-13 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
SECONDS = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)).map(
    lambda one: one.replace(microsecond=0)
)


def dialect(log: ReadLog | None = None, **more: Any) -> Dialect:
    settings = {"time_zone": "Europe/Berlin", **more}
    about = {"connector_id": "infor", "connector_type": "cmms"}
    return Dialect(CmmsSettings(**about, **settings), log or ReadLog())


@given(EXACT)
def test_numbers_are_exact_with_and_without_thousands(value: Decimal) -> None:
    assert dialect(decimal_mark=".").number(f"{value:f}") == value
    assert dialect(decimal_mark=".").number(f"{value:,f}") == value
    german = f"{value:,f}".translate(str.maketrans(",.", ".,"))
    assert dialect(decimal_mark=",").number(german) == value


@pytest.mark.parametrize(
    "odd", ["1.234,50", "1,5", "1,2345", "0,125", "00,125", "12,34,567", "1.2.3", "abc", "--1"]
)
def test_a_number_of_another_dialect_is_an_error(odd: str) -> None:
    with pytest.raises(ValueError, match="decimal_mark"):
        dialect(decimal_mark=".").number(odd)


def test_without_a_mark_a_number_with_two_readings_is_none() -> None:
    for clear in ("1234", "1,234.50", "1.234,50", "0.125", "0,125", "12.5", "1,234,567"):
        value = dialect().number(clear)
        assert value in {dialect(decimal_mark=mark).number(clear) for mark in _marks_of(clear)}
        assert len(_marks_of(clear)) == 1 or clear == "1234"
    for double in ("1.234", "12,345", "-1,000"):
        with pytest.raises(ValueError, match="two readings; set decimal_mark"):
            dialect().number(double)


def _marks_of(text: str) -> list[str]:
    def reads(mark: str) -> bool:
        try:
            dialect(decimal_mark=mark).number(text)
        except ValueError:
            return False
        return True

    return [mark for mark in (".", ",") if reads(mark)]


@given(SECONDS)
def test_times_of_the_three_clear_forms_mean_the_same(local: datetime) -> None:
    forms = [f"{local:%Y-%m-%d %H:%M:%S}", f"{local:%d.%m.%Y %H:%M:%S}"]
    forms.append(f"{local:%d}-{local:%b}-{local:%Y} {local:%H:%M:%S}".upper())
    found = {dialect().instant(form) for form in forms}
    assert len(found) == 1
    told = found.pop()
    here = [local.replace(tzinfo=BERLIN, fold=fold) for fold in (0, 1)]
    if here[0].utcoffset() == here[1].utcoffset():
        assert told == here[0].astimezone(UTC).isoformat()
    else:
        assert told is None


def test_a_repeated_hour_is_left_empty_with_a_warning_and_not_guessed() -> None:
    log = ReadLog()
    assert dialect(log).instant("27-OCT-2024 02:30") is None
    assert dialect(log).instant("31-MAR-2024 02:30") is None
    assert "left empty" in log.warnings[0]
    assert dialect(log).instant("27-OCT-2024 03:30") == "2024-10-27T02:30:00+00:00"


def test_a_date_alone_stays_one() -> None:
    assert dialect().instant("31-JAN-2024") == "2024-01-31"
    assert dialect().day("14-OCT-2000 00:00") == "2000-10-14"
    assert dialect().day("2000-10-14T00:00:00") == "2000-10-14"


@pytest.mark.parametrize("odd", ["01/02/2024", "1-2-2024", "31-MÄR-2024", "31-OKT-2024", "soon"])
def test_a_date_that_could_be_two_is_an_error(odd: str) -> None:
    with pytest.raises(ValueError, match=r"date_format|English"):
        dialect().day(odd)


def test_a_configured_form_is_the_only_one() -> None:
    assert (
        dialect(date_format="%m/%d/%Y").instant("01/02/2024 13:45") == "2024-01-02T12:45:00+00:00"
    )
    with pytest.raises(ValueError, match="no date like"):
        dialect(date_format="%m/%d/%Y").day("2024-01-02")


def test_a_time_without_a_known_zone_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigurationError, match="time_zone"):
        dialect(time_zone=None).instant("31-JAN-2024 13:45")


def test_identifiers_that_are_numbers_have_no_thousands_and_empty_texts_are_nothing() -> None:
    assert dialect().value("1,000,000,001", "NUMBER", Kind.TEXT) == "1000000001"
    assert dialect().value("0042", "VARCHAR", Kind.TEXT) == "0042"
    assert dialect().value(" ", "DECIMAL", Kind.NUMBER) is None


def in_parts(moment: datetime, **more: Any) -> dict[str, Any]:
    """As the public sources describe it: YEAR is when the year began on that clock."""
    assert moment.tzinfo is not None
    year = datetime(moment.year, 1, 1, tzinfo=moment.tzinfo)
    milliseconds = (year - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    return {
        "YEAR": milliseconds,
        "MONTH": moment.month,
        "DAY": moment.day,
        "HOUR": moment.hour,
        "MINUTE": moment.minute,
        "SECOND": moment.second,
        "SUBSECOND": 0,
        "TIMEZONE": moment.strftime("%z"),
        "qualifier": "OTHER",
        **more,
    }


@given(SECONDS, OFFSETS)
def test_a_date_in_parts_is_its_instant_also_at_the_turn_of_the_year(
    local: datetime, zone: timezone
) -> None:
    moment = local.replace(tzinfo=zone)
    assert datetime.fromisoformat(instant(in_parts(moment))) == moment


@given(SECONDS)
def test_a_year_that_began_in_winter_time_is_right_in_summer(local: datetime) -> None:
    # In UTC, as Python calls times that the clocks skip or repeat equal to none of another zone.
    moment = local.replace(tzinfo=BERLIN).astimezone(UTC)
    assert datetime.fromisoformat(instant(in_parts(local.replace(tzinfo=BERLIN)))) == moment


@given(st.integers(-(10**15), 10**15), st.integers(0, 6))
def test_a_number_in_parts_is_exact(value: int, places: int) -> None:
    parts = {"VALUE": abs(value), "NUMOFDEC": places, "SIGN": "-" if value < 0 else "+"}
    assert number(parts) == Decimal(value).scaleb(-places)


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ({"YEAR": 0, "MONTH": 1, "DAY": 1}, "offset"),
        ({"YEAR": 0, "MONTH": 1, "DAY": 1, "TIMEZONE": "CET"}, "offset"),
        ({"NUMOFDEC": 2}, "no number"),
        ({"NUMOFDEC": 2, "VALUE": 1, "SIGN": "?"}, "no number"),
        ({"CODE": 1}, "neither"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_shape_that_is_none_is_an_error(shape: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        plain(shape, Kind.TEXT)


def test_parts_are_found_by_their_path() -> None:
    record = {"A": {"B": {"C": "0042"}}, "D": "x"}
    assert [part_of(record, path) for path in ("A.B.C", "A.X.C", "D.E", "D")] == [
        "0042",
        None,
        None,
        "x",
    ]


def test_statuses_are_told_by_the_system_and_cancelled_work_by_its_name() -> None:
    work = Meanings("work_order", {})
    assert work.of("WM", "R", "Waiting for material") == "released"
    assert work.of("C", "C", "Completed") == "completed"
    assert work.of("REJ", "C", "Rejected by planner") == "cancelled"
    assert work.of("ZQ", "X", "Quality hold") == "unknown"
    assert work.of(None, None, None) is None
    assert Meanings("work_order", {"REJ": "closed"}).of("REJ", "C", "Rejected") == "closed"
    assert Meanings("asset", {}).of("CANC", "C", "Cancelled") == "unknown"


def test_a_system_status_selects_only_what_it_surely_holds() -> None:
    work = Meanings("work_order", {})
    assert work.system(["completed", "closed"]) == "C"
    assert work.system(["cancelled"]) == "C"
    assert work.system(["requested"]) == "Q"
    assert work.system(["unknown"]) is None
    assert work.system(["unknown", "completed"]) is None
    assert work.system(["requested", "released"]) is None
    assert Meanings("work_order", {"ZQ": "released"}).system(["released"]) is None


@pytest.mark.parametrize(
    ("told", "meant"), [('"51"', 51), ("51", 51), ('""', None), ("null", None)]
)
def test_a_position_may_be_a_text(told: str, meant: int | None) -> None:
    data = f'{{"DATARECORD":[],"NEXTCURSORPOSITION":{told}}}'
    body = f'{{"Result":{{"ResultData":{data}}}}}'.encode()
    assert read_grid(body).following == meant
    assert collection_reader("WorkOrder")(body).following == meant


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"Result":null}', b'{"Result":{"ResultData":7}}'])
def test_what_is_no_page_is_refused(body: bytes) -> None:
    for read in (read_grid, collection_reader("WorkOrder")):
        with pytest.raises(ValueError, match=r"Object|Expected|collection|required|dict"):
            read(body)
