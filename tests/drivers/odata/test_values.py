"""Every value of every type, however it is written, becomes exactly that value or an error."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from greenlang_data.drivers.odata.decimals import decimal_array
from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.gathered import put_together
from greenlang_data.drivers.odata.page import Page, page_decoder

DIGITS = st.integers(min_value=-(10**40), max_value=10**40)


def page(column: Property, written: Sequence[str], version: int = 4) -> Page:
    """A page whose cells are these pieces of JSON."""
    rows = ",".join(f'{{"X":{one}}}' for one in written)
    body = f'{{"value":[{rows}]}}' if version == 4 else f'{{"d":{{"results":[{rows}]}}}}'
    return page_decoder([column], 4 if version == 4 else 2)(body.encode())


def decoded(column: Property, written: Sequence[str], version: int = 4) -> list[Any]:
    table, _ = put_together([column], [page(column, written, version)], "s4")
    found: list[Any] = table.column(0).to_pylist()
    return found


def of(kind: str, **facets: Any) -> Property:
    return Property("X", f"Edm.{kind}", **facets)


@given(DIGITS, st.integers(-12, 30), st.sampled_from([(None, None), (13, 3), (38, 10), (5, 0)]))
@example(1, -7, (13, 3))
@example(12345678901234567890123456789, 7, (13, 3))
def test_a_decimal_is_exact_however_it_is_written(
    digits: int, places: int, declared: tuple[int | None, int | None]
) -> None:
    value = Decimal(digits).scaleb(-places)
    written = [str(value), f"{value:f}", f"{value:E}"]
    written = [*written, *(f'"{one}"' for one in written), "null"]
    found = decoded(of("Decimal", precision=declared[0], scale=declared[1]), written)
    assert found == [value] * 6 + [None]


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=3), max_size=20))
def test_decimals_keep_their_declared_type_where_they_fit(values: list[Decimal]) -> None:
    values = [one for one in values if abs(one) < 10**10]
    array = decimal_array(values, 13, 3)
    assert array.type == pa.decimal128(13, 3)
    assert array.to_pylist() == values


def test_pages_of_different_decimals_get_one_type_that_holds_all() -> None:
    column = of("Decimal", precision=6, scale=2)
    pages = [page(column, one) for one in (["1.25"], ["null"], ["12345678.5"], ["0.00001"])]
    table, _ = put_together([column], pages, "s4")
    assert table.column(0).type == pa.decimal128(13, 5)
    assert table.column(0).to_pylist() == [
        Decimal("1.25"), None, Decimal("12345678.5"), Decimal("0.00001"),
    ]  # fmt: skip


@pytest.mark.parametrize("written", ['"NaN"', '"INF"', '"x"', "true", "1e400", "[]"])
def test_what_is_no_decimal_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"X|Expected|Invalid"):
        decoded(of("Decimal", precision=13, scale=3), [written])


@given(st.integers(-(2**63), 2**63 - 1))
@example(2**53 + 1)
def test_a_64_bit_integer_is_exact_as_a_number_and_as_text(value: int) -> None:
    assert decoded(of("Int64"), [str(value), f'"{value}"', "null"]) == [value, value, None]


@pytest.mark.parametrize(
    "written", ["9223372036854775808", '"1.5"', "1.5", '"1e3"', "true", '"0x1F"']
)
def test_what_is_no_64_bit_integer_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"X|Expected"):
        decoded(of("Int64"), [written])


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_is_the_nearest_one_to_its_digits(value: float) -> None:
    found = decoded(of("Double"), [repr(value), f'"{value!r}"', '"INF"', '"-INF"', "null"])
    assert found == [value, value, float("inf"), float("-inf"), None]


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("Double", '"1e400"'),
        ("Double", '"-1e400"'),
        ("Double", '"nan"'),
        ("Double", '"1_0"'),
        ("Single", "1e39"),
        ("Single", '"1e39"'),
    ],
)
def test_what_is_no_number_of_its_size_is_refused(kind: str, written: str) -> None:
    with pytest.raises(ValueError, match=r"X"):
        decoded(of(kind), ["1.5", written])


@given(st.text())
@example("000000000000000123")
@example("1E5")
@example("NULL")
def test_text_stays_text(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        return
    assert decoded(of("String"), [json.dumps(value), '""', "null"]) == [value, "", None]


@given(st.dates())
def test_a_date_of_either_version(value: date) -> None:
    assert decoded(of("Date"), [f'"{value.isoformat()}"', "null"]) == [value, None]
    ms = (value - date(1970, 1, 1)).days * 86_400_000
    column = of("DateTime", date_only=True)
    written = [f'"\\/Date({ms})\\/"', "null"]
    assert decoded(column, written, 2) == [value, None]
    assert decoded(column, [f'"{value.isoformat()}T00:00:00"', "null"], 2) == [value, None]


def test_an_initial_date_is_no_date() -> None:
    assert decoded(of("Date"), ['"0000-00-00"', '"9999-12-31"']) == [None, date(9999, 12, 31)]
    column = of("DateTime", date_only=True)
    assert decoded(column, ['"0000-00-00T00:00:00"', '"2024-02-29T00:00:00"'], 2) == [
        None, date(2024, 2, 29),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "written"),
    [
        (of("Date"), '"2023-02-29"'),
        (of("Date"), '"20240131"'),
        (of("Date"), "20240131"),
        (of("DateTime", date_only=True), '"/Date(1000)/"'),
        (of("DateTime"), '"/Date(0+0060)/"'),
        (of("DateTimeOffset"), '"2024-01-31T00:00:00"'),
        (of("DateTimeOffset"), '"31.01.2024"'),
        (of("Time"), '"PT25H"'),
        (of("Time"), '"PT"'),
        (of("TimeOfDay"), '"24:00:00"'),
        (of("TimeOfDay"), '"12:60:00"'),
        (of("Boolean"), '"X"'),
        (of("Byte"), "256"),
        (of("Binary"), '"%%%"'),
        (of("String"), "5"),
    ],
)
def test_what_is_none_of_its_type_is_refused(column: Property, written: str) -> None:
    with pytest.raises(ValueError, match=r"X|Expected"):
        decoded(column, [written], 4)


MICROSECONDS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))


@given(MICROSECONDS, st.integers(-14 * 60, 14 * 60))
def test_an_instant_is_the_same_with_any_offset(moment: datetime, minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    instant = moment.replace(tzinfo=UTC)
    there = instant.astimezone(zone).isoformat()
    written = [f'"{there}"', f'"{instant.isoformat().replace("+00:00", "Z")}"', "null"]
    assert decoded(of("DateTimeOffset"), written) == [instant, instant, None]


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999), st.integers(-840, 840))
def test_the_milliseconds_of_v2_are_utc_whatever_their_offset(ms: int, minutes: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    written = [f'"/Date({ms}{minutes:+05d})/"', f'"/Date({ms})/"', "null"]
    assert decoded(of("DateTimeOffset"), written, 2) == [moment, moment, None]
    assert decoded(of("DateTime"), written[1:], 2) == [moment.replace(tzinfo=None), None]


def test_a_hundred_nanoseconds_are_kept() -> None:
    column = of("DateTimeOffset")
    pages = [
        page(column, ['"2024-01-31T10:00:00.1234567Z"']),
        page(column, ['"2024-01-31T10:00:00Z"', "null"]),
    ]
    table, _ = put_together([column], pages, "s4")
    assert table.column(0).cast(pa.int64()).to_pylist() == [
        1_706_695_200_123_456_700, 1_706_695_200_000_000_000, None,
    ]  # fmt: skip


@given(st.times())
def test_a_time_of_day_of_either_version(value: time) -> None:
    fraction = f".{value.microsecond:06d}" if value.microsecond else ""
    v2 = f"PT{value.hour:02d}H{value.minute:02d}M{value.second:02d}{fraction}S"
    assert decoded(of("Time"), [f'"{v2}"', "null"], 2) == [value, None]
    assert decoded(of("TimeOfDay"), [f'"{value.isoformat()}"', "null"]) == [value, None]


@given(st.binary(max_size=40))
def test_octets_in_either_alphabet(value: bytes) -> None:
    import base64

    plain, safe = base64.b64encode(value), base64.urlsafe_b64encode(value).rstrip(b"=")
    written = [f'"{plain.decode()}"', f'"{safe.decode()}"', "null"]
    assert decoded(of("Binary"), written) == [value, value, None]


def test_what_is_no_single_value_is_kept_as_its_json() -> None:
    column = Property("X", "Collection(Edm.Decimal)")
    assert decoded(column, ["[1.10,2]", "null"]) == ["[1.10,2]", None]


def test_a_column_that_all_rows_lack_is_told_and_one_that_some_lack_is_refused() -> None:
    columns = [of("String"), Property("Y", "Edm.Int32"), Property("Z", "NS.Complex")]
    decode = page_decoder(columns, 4)
    pages = [decode(b'{"value":[{"X":"a"},{"X":null}]}'), decode(b'{"value":[]}')]
    table, absent = put_together(columns, pages, "s4")
    assert absent == ["Y", "Z"]
    assert table.to_pydict() == {"X": ["a", None], "Y": [None, None], "Z": [None, None]}
    with pytest.raises(ValueError, match="Y is missing in 1 of 2"):
        decode(b'{"value":[{"X":"a","Y":1},{"X":"b"}]}')


def test_an_error_in_the_middle_of_a_page_is_no_page() -> None:
    decode = page_decoder([of("String")], 4)
    with pytest.raises(ValueError, match="broke off"):
        decode(b'{"value":[{"X":"a"}],"error":{"code":"x"}}')
    with pytest.raises(ValueError, match=r"rows|value"):
        decode(b'{"message":"hello"}')


PLAIN_DIGITS = st.text("0123456789", max_size=40)
WRITTEN = st.one_of(
    st.builds(lambda sign, a, b: f"{sign}{a}{b}", st.sampled_from(["", "-"]), PLAIN_DIGITS,
              st.builds(lambda digits: f".{digits}", PLAIN_DIGITS)),
    st.builds(lambda sign, a: f"{sign}{a}", st.sampled_from(["", "-", "+"]), PLAIN_DIGITS),
    st.text("0123456789.-+eE_ nul", max_size=12),
)  # fmt: skip


@given(WRITTEN, st.integers(1, 38), st.integers(0, 38))
@example("5913251525376759913.3131048511", 38, 38)  # Arrow's own cast returns 0.1705… for it
@example("-56177338257370598880.45478", 38, 23)
@example("4127298.511078", 37, 37)
@example("null", 13, 3)
def test_a_text_is_the_decimal_that_python_reads_in_it(
    text: str, precision: int, scale: int
) -> None:
    column = of("Decimal", precision=precision, scale=min(scale, precision))
    try:
        wanted = Decimal(text)
    except InvalidOperation:
        with pytest.raises(ValueError, match="X"):
            decoded(column, [f'"{text}"', "null"])
        return
    places = max(min(scale, precision), -int(wanted.as_tuple().exponent))
    if max(wanted.adjusted() + 1, 0) + places <= 76:
        assert decoded(column, [f'"{text}"', "null"]) == [wanted, None]
