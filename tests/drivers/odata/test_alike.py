"""Rows that are read by columns are those that are read one by one, whatever a page looks like."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from greenlang_data.drivers.http import alike
from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.page import Page, page_decoder

COLUMNS = [
    Property("Key", "Edm.String"),
    Property("Größe", "Edm.Decimal", precision=13, scale=3),
    Property("Flag", "Edm.Boolean"),
    Property("Count", "Edm.Int64"),
    Property("Ratio", "Edm.Double"),
    Property("Day", "Edm.Date"),
    Property("Left", "Edm.String"),
]
ROW = '{"Key":%s,"Größe":%s,"Flag":%s,"Count":%s,"Ratio":%s,"Day":%s,"Extra":%s}'
PLAIN = ('"A1"', '"1.250"', "true", "5", "2.5", '"2024-02-29"', '"e"')
FEW = 4
Version = Literal[2, 4]
VERSIONS: tuple[Version, ...] = (2, 4)


@pytest.fixture(autouse=True, scope="module")
def _few_rows_are_enough() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(alike, "FEWEST", FEW)
        yield


def body_of(rows: list[str], version: Version = 4, gap: str = ",") -> bytes:
    if version == 4:
        text = f'{{"@odata.context":"$metadata#S","value":[{gap.join(rows)}],"@odata.count":7}}'
    else:
        text = f'{{"d":{{"results":[{gap.join(rows)}],"__next":"n"}}}}'
    return text.encode("utf-8", "surrogatepass")


def by_columns(body: bytes) -> bool:
    """Whether the rows of a page are read by columns at all."""
    return alike.read_alike(body, body.index(b"[{") + 1) is not None


def found(body: bytes, version: Version = 4) -> Page | None:
    try:
        return page_decoder(COLUMNS, version)(body)
    except ValueError:
        return None


def by_rows(body: bytes, version: Version = 4) -> Page | None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(alike, "FEWEST", 10**9)
        return found(body, version)


def assert_same(body: bytes, version: Version = 4) -> None:
    one, other = found(body, version), by_rows(body, version)
    assert one == other


TEXTS = st.one_of(st.text(max_size=30), st.sampled_from(['19" \\', "\\", '\\"', "},{", "null", ""]))
DECIMALS = st.integers(-(10**13) + 1, 10**13 - 1).map(lambda one: Decimal(one).scaleb(-3))
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "Key": st.none() | TEXTS,
            "Größe": st.none() | DECIMALS,
            "Flag": st.none() | st.booleans(),
            "Count": st.none() | st.integers(-(2**63), 2**63 - 1),
            "Ratio": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "Day": st.none() | st.dates(),
        }
    ),
    min_size=FEW,
    max_size=12,
)


def written(name: str, value: Any, as_text: bool, ascii_only: bool) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if name in ("Key", "Day"):
        return json.dumps(str(value), ensure_ascii=ascii_only)
    number = repr(value) if isinstance(value, float) else f"{value}"
    if name == "Größe":
        number = f"{value:f}"
    return f'"{number}"' if as_text else number


@given(
    ROWS, st.booleans(), st.booleans(), st.sampled_from(VERSIONS), st.sampled_from([",", " ,\n"])
)
def test_every_value_is_the_one_that_was_written(
    rows: list[dict[str, Any]], as_text: bool, ascii_only: bool, version: Version, gap: str
) -> None:
    for row in rows:
        try:
            str(row["Key"]).encode()
        except UnicodeEncodeError:
            assume(False)
    cells = [
        [written(one.name, row[one.name], as_text, ascii_only) for one in COLUMNS[:-1]]
        for row in rows
    ]
    body = body_of([ROW % (*one, '{"uri":"u"}') for one in cells], version, gap)
    assert by_columns(body)
    page = found(body, version)
    assert page is not None
    assert page.rows == len(rows)
    names = [one.name for one in COLUMNS]
    columns = dict(zip(names, page.columns, strict=True))
    assert columns.pop("Left") is None
    for name, values in columns.items():
        assert values is not None
        assert values.to_pylist() == [row[name] for row in rows]
    assert page == by_rows(body, version)


ODD = [
    "null", "true", "false", "nul", "5", "-0", "01", "-", ".5", "5.", "1e3", "1E+400", "NaN",
    '""', '"x\\"y"', '"x\\\\"', '"x\\\\\\""', '"\\u00e9"', '"\\ud800"', '"\\ud83d\\ude00"',
    '"\\q"', '"\\', '"a\nb"', '"\ud800"', '"},{\\"Key\\":"', "{}", "[]", "[1,2]", '["a"]',
    '{"a":"b"}', '"1.5","Key":"twice"', "1,2", '"a" "b"', '"01"', '"+5"', '" 5"', '"0x10"',
    '"12345678901234567890.123"', "12345678901234567890123", '"1.2345"', '"0000-00-00"',
    '"2024-02-30"', '"/Date(86400000)/"', '"/Date(86400000+0060)/"', '"/Date(1)/"', '"INF"',
    '"T"', "", " ", "null ", '"x" ', '"' + "long " * 40 + '"',
]  # fmt: skip


@pytest.mark.parametrize("place", range(7))
@pytest.mark.parametrize("where", [[4], [9], list(range(10))], ids=str)
def test_an_odd_value_is_what_it_is_row_by_row(place: int, where: list[int]) -> None:
    version: Version = 4 if place % 2 else 2
    for odd in ODD:
        cells = [*PLAIN[:place], odd, *PLAIN[place + 1 :]]
        rows = [ROW % (tuple(cells) if one in where else PLAIN) for one in range(10)]
        assert_same(body_of(rows, version), version)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6), st.sampled_from(ODD)), max_size=4),
    st.sampled_from(VERSIONS),
    st.booleans(),
)
@example([(0, 0, "1,2"), (1, 0, "[3")], 4, False)
def test_odd_values_are_what_they_are_row_by_row(
    changes: list[tuple[int, int, str]], version: Version, everywhere: bool
) -> None:
    rows = [list(PLAIN) for _ in range(10)]
    for row, place, value in changes:
        for one in rows if everywhere else [rows[row]]:
            one[place] = value
    assert_same(body_of([ROW % tuple(one) for one in rows], version), version)


@given(st.data())
def test_a_damaged_page_is_what_it_is_row_by_row(data: st.DataObject) -> None:
    version: Version = data.draw(st.sampled_from(VERSIONS))
    rows = [ROW % PLAIN for _ in range(6)]
    rows[2] = ROW % ('"x\\\\"', *PLAIN[1:-1], '{"a":"b","c":null}')
    body = bytearray(body_of(rows if data.draw(st.booleans()) else [rows[0]] * 6, version))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(body) - 1))
        size = data.draw(st.integers(0, 3))
        body[place : place + size] = data.draw(st.binary(max_size=3) | PIECES)
    if data.draw(st.booleans()):
        del body[data.draw(st.integers(0, len(body))) :]
    assert_same(bytes(body), version)


PIECES = st.sampled_from([b'"', b"\\", b'\\"', b",", b"}", b"{", b"},{", b"]", b"[", b":", b"\n"])


OTHERS = {
    "a name twice": (ROW % PLAIN).replace('"Extra"', '"Key"'),
    "a member missing": (ROW % PLAIN).replace('"Flag":true,', ""),
    "a member more": (ROW % PLAIN).replace("{", '{"More":"A1",'),
    "another name": (ROW % PLAIN).replace('"Flag"', '"Flog"'),
    "another order": '{"Flag":true,"Key":"A1","Größe":"1"}',
    "another space": (ROW % PLAIN).replace("{", "{ "),
    "a name with an escape": (ROW % PLAIN).replace('"Flag"', '"Fl\\u0061g"'),
    "nothing in it": "{}",
    "no object": "null",
    "an object that does not end": "{" + ROW % PLAIN,
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("which", [[0], [3], [9], list(range(10))], ids=str)
def test_other_members_are_what_they_are_row_by_row(other: str, which: list[int]) -> None:
    rows = [OTHERS[other] if one in which else ROW % PLAIN for one in range(10)]
    assert_same(body_of(rows))


@pytest.mark.parametrize(
    "around",
    [
        '{{"x":{{"value":[{0}]}},"value":[]}}',
        '{{"x":{{"value":[{0}]}},"value":[{{"number":0}}]}}',
        '{{"x":{{"value":[{0}]}},"value":[{{"number":1}}]}}',
        '{{"value":[{0}],"value":[{1}]}}',
        '{{"value":[{1}],"value":[{0}]}}',
        '{{"value":[{0},{1}]}}',
        '{{"value":[{0}],"error":{{"code":"x"}}}}',
        '{{"value":[{0}]',
        '{{"value":[{0}}}',
        '{{"value":[{0}]}}}}',
        '{{"value":[{0}]}} x',
        '[{{"value":[{0}]}}]',
        '{{"a":"\\"value\\":[{{","value":[{0}]}}',
        '{{"value":[{0}],"@odata.nextLink":5}}',
    ],
)
def test_rows_are_only_those_of_the_page(around: str) -> None:
    others = [ROW % ('"B"', *PLAIN[1:])] * 2 + ['{"number":0}']
    assert_same(around.format(",".join([ROW % PLAIN] * 9), ",".join(others)).encode())


def test_a_name_that_is_there_twice_hides_nothing() -> None:
    rows = ['{"Key":5,"Key":"A1"}'] * 9
    assert_same(body_of(rows))
    assert_same(body_of([*rows, '{"Key":05,"Key":"A1"}', *rows]))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("place", [0, 4, 8])
def test_a_name_that_is_there_twice_is_refused(place: int, version: Version) -> None:
    rows = [ROW % PLAIN] * 9
    assert found(body_of(rows, version), version) is not None
    rows[place] = rows[place].replace('"Flag"', '"Key":"A2","Flag"')
    with pytest.raises(ValueError, match="'Key' twice"):
        page_decoder(COLUMNS, version)(body_of(rows, version))


def test_a_list_of_rows_that_is_there_twice_is_refused() -> None:
    row = ROW % PLAIN
    for version, body in (
        (4, f'{{"value":[{row}],"value":[{row}]}}'),
        (2, f'{{"d":{{"results":[{row}],"results":[{row}]}}}}'),
        (2, f'{{"d":[{row}],"d":[{row}]}}'),
    ):
        with pytest.raises(ValueError, match="twice"):
            page_decoder(COLUMNS, 4 if version == 4 else 2)(body.encode())


def test_a_value_that_is_missing_among_spaces_is_none() -> None:
    rows = ['{"Key": "A1" ,"Flag": true }'] * 9
    assert by_columns(body_of(rows))
    assert_same(body_of([*rows, '{"Key": ,"Flag": true }', *rows]))


WRITTEN: dict[str, list[str]] = {
    "Edm.Guid": ['"0050568d-393c-1ed4-9d97-e65f0f3fcc23"'],
    "Edm.Duration": ['"PT1H"', '"-P1DT2H"'],
    "Edm.Byte": ["255", '"7"', "0"],
    "Edm.Int32": ["-2147483648", '"2147483647"'],
    "Edm.Single": ["0.1", '"3.4e38"', "16777216"],
    "Edm.Double": ["0.1", '"1e308"', '"-INF"', "9007199254740992"],
    "Edm.DateTime": ['"\\/Date(1709164800000)\\/"', '"/Date(-1)/"', '"0000-00-00T00:00:00"'],
    "Edm.DateTimeOffset": ['"/Date(1709164800000+0060)/"', '"/Date(0)/"', '"/Date(-62135596800000)/"'],
    "Edm.TimeOfDay": ['"23:59:59.1234567"', '"00:00:00"'],
    "Edm.Time": ['"PT13H20M00S"', '"PT0S"'],
    "Edm.Binary": ['"AAEC_w"', '"AAEC/w=="', '""'],
    "Edm.Decimal": ['"1.10"', "1.10", '"12345678901234567890123456789"', "1e-30", "0"],
    "Edm.Date": ['"2024-02-29"', '"0001-01-01"', '"9999-12-31"'],
    "Edm.GeographyPoint": ['"x"', "5"],
    "NS.Color": ['"Red"'],
}  # fmt: skip


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize("facets", [(None, None), (38, 10), (13, 3)], ids=str)
def test_every_type_is_what_it_is_row_by_row(
    kind: str, facets: tuple[int | None, int | None]
) -> None:
    members = ("Red",) if kind == "NS.Color" else ()
    column = Property("X", kind, precision=facets[0], scale=facets[1], members=members)
    found = []
    for cells in ([*WRITTEN[kind], "null"] * 5, WRITTEN[kind][:1] * 9, ["null"] * 9):
        body = body_of([f'{{"X":{one},"Y":"y"}}' for one in cells], 2)
        assert by_columns(body)
        for fewest in (FEW, 10**9):
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(alike, "FEWEST", fewest)
                found.append(page_decoder([column], 2)(body))
        one, other = found[-2:]
        assert one == other
        assert [each and each.type for each in one.columns] == [
            each and each.type for each in other.columns
        ]


@pytest.mark.parametrize("place", [0, 5, 11])
@pytest.mark.parametrize("key", ["Key", "Größe", "Day"])
def test_a_key_that_is_null_is_refused_and_a_date_that_is_none_is_not(place: int, key: str) -> None:
    names = ["Key", "Größe", "Flag", "Count", "Ratio", "Day", "Extra"]
    cells = [list(PLAIN) for _ in range(12)]
    cells[place][names.index("Day")] = '"0000-00-00"'
    body = body_of([ROW % tuple(one) for one in cells])
    columns = page_decoder(COLUMNS, 4, [key])(body).columns[:6]
    assert sum(one.null_count for one in columns if one is not None) == 1
    cells[place][names.index(key)] = "null"
    body = body_of([ROW % tuple(one) for one in cells])
    assert by_columns(body)
    with pytest.raises(ValueError, match=f"{key} is of the key, and null in 1 of 12 rows"):
        page_decoder(COLUMNS, 4, [key])(body)


@pytest.mark.parametrize("cut", range(12))
def test_a_page_that_ends_too_early_is_none(cut: int) -> None:
    body = b'{"value":[' + b",".join([b'{"Key":1}'] * 9) + b"]}"
    assert_same(body[: len(body) - cut])


def test_objects_in_place_of_values_are_kept_as_they_are() -> None:
    columns = [Property("Key", "Edm.String"), Property("Extra", "NS.Complex")]
    body = body_of([ROW % (*PLAIN[:-1], '{"a":"b"}')] * 9)
    assert by_columns(body)
    page = page_decoder(columns, 4)(body)
    assert page.columns[1] == pa.array(['{"a":"b"}'] * 9)
