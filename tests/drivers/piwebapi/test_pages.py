"""Long pages are read by columns; what comes of them is what comes of reading them one by one."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_data.drivers.http.uniform import Shape as UniformShape
from greenlang_data.drivers.http.uniform import read_uniform
from greenlang_data.drivers.piwebapi.decode import Answered, decode_streams
from greenlang_data.drivers.piwebapi.pages import decode_page

ROWS = 400
FLAGS = {"Good": True, "Questionable": False, "Substituted": False, "Annotated": False}
SHAPES: dict[str, Callable[[str, Any], dict[str, Any]]] = {
    "value last": lambda stamp, value: {"Timestamp": stamp, **FLAGS, "Value": value},
    "value second": lambda stamp, value: {"Timestamp": stamp, "Value": value, **FLAGS},
    "value first": lambda stamp, value: {"Value": value, **FLAGS, "Timestamp": stamp},
    "with unit": lambda stamp, value: {
        "Timestamp": stamp, "Value": value, "UnitsAbbreviation": "kg/h", **FLAGS
    },
}  # fmt: skip
STATE = {"Name": "I/O Timeout", "Value": 246, "IsSystem": True}
ODD: list[dict[str, Any]] = [
    {"Value": STATE, "Good": False},
    {"Value": 2**53 + 1},
    {"Value": 'text \\ " {'},
    {"Value": 1.5, "Questionable": True},
    {"Value": 1.5, "Substituted": True, "Annotated": True},
    {"Value": 1.5, "Errors": [{"FieldName": "V", "Message": ["broken"]}]},
    {"Value": None},
    {"Value": True},
    {"Value": {"Name": "On", "Value": 1, "IsSystem": False}},
    {"Value": [1, {"Timestamp": "2025-01-01T00:00:00Z", **FLAGS, "Value": 1.0}]},
]  # fmt: skip
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63)
PLAIN = st.floats(-1e9, 1e9) | st.integers(-(2**40), 2**40)
FRACTION = st.sampled_from(["", ".5", ".0000001", ".1234567", ".12", ".999"])


def stamp(row: int, fraction: str = "") -> str:
    return f"2025-01-{1 + row // 86_400:02d}T{row // 3600 % 24:02d}:{row // 60 % 60:02d}:{row % 60:02d}{fraction}Z"


def body_of(samples: list[dict[str, Any]], indent: int | None = None) -> bytes:
    stream = {"WebId": "w", "Name": "n", "Path": "p", "Items": samples}
    separators = (",", ":") if indent is None else None
    return json.dumps({"Items": [stream]}, indent=indent, separators=separators).encode()


def rows(found: Answered) -> list[dict[str, Any]]:
    whole: list[dict[str, Any]] = []
    for item in found.items:
        batch = item.columns.batch("tag", None, None)
        whole += batch.to_pylist()
        whole.append({"about": batch.schema.metadata, "path": item.path, "errors": item.errors})
    return whole


def outcome(decode: Callable[[bytes], Answered], body: bytes) -> object:
    """What is read, or that nothing is."""
    try:
        return rows(decode(body))
    except ValueError:
        return "refused"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("indent", [None, 1])
@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(PLAIN, min_size=1, max_size=20),
    fractions=st.lists(FRACTION, min_size=1, max_size=5),
    odd=st.dictionaries(st.integers(0, ROWS - 1), st.sampled_from(ODD), max_size=20),
)
def test_columns_are_what_the_samples_are(
    shape: str,
    indent: int | None,
    values: list[float],
    fractions: list[str],
    odd: dict[int, dict[str, Any]],
) -> None:
    samples = [
        SHAPES[shape](stamp(row, fractions[row % len(fractions)]), values[row % len(values)])
        for row in range(ROWS)
    ]
    for row, other in odd.items():
        samples[row] |= other
    body = body_of(samples, indent)
    assert rows(decode_page(body)) == rows(decode_streams(body))


@pytest.mark.parametrize("shape", ["value last", "value second", "with unit"])
def test_only_what_differs_is_read_by_itself(shape: str) -> None:
    samples = [
        SHAPES[shape](stamp(row, ("", ".1234567", ".5")[row % 3]), row / 7) for row in range(ROWS)
    ]
    samples[100] |= {"Value": STATE, "Good": False}
    samples[101] |= {"Good": False}
    samples[300]["Questionable"] = True
    body = body_of(samples)
    uniform = read_uniform(
        body,
        body.index(b"[{", 20) + 1,
        UniformShape("Timestamp", "Value", r"(?P<value>\d[^,}]*)", ""),
    )
    assert uniform is not None
    texts = uniform.values.to_pylist()
    assert texts[:3] == ["0.0", repr(1 / 7), repr(2 / 7)]
    assert uniform.times.to_pylist()[:2] == [samples[0]["Timestamp"], samples[1]["Timestamp"]]
    left = json.loads(uniform.rest)["Items"][0]["Items"]
    alone = {samples.index(one) for one in left if not one["Timestamp"].startswith("#")}
    # Whether the next one begins as it should is not known after an odd one.
    assert {100, 101, 300, ROWS - 1} <= alone <= {100, 101, 102, 300, 301, ROWS - 1}
    assert len(texts) + len(alone) == ROWS
    assert [one["Timestamp"] for one in left if len(one) == 1] == ["#0", "#1", "#2"]
    assert (len(uniform.runs), uniform.runs[0], sum(uniform.runs)) == (3, 100, len(texts))
    assert rows(decode_page(body)) == rows(decode_streams(body))


@pytest.mark.parametrize(
    "written",
    ["01", "-01", "1.", ".5", "-.5", "-", "+1", "1e", "1.e5", "nan", "NaN", "inf", "-inf", "Infinity",
     "1e999", "-1e999", "0x10", "1_0", "1 0", "", "--1", "1.5.5", "true", '"1"', "null", "1,5",
     "-0", "0", "0e5", "-0.0", "1E-05", "1e+5", "9007199254740993", "-9007199254740993",
     "18446744073709551616", "5e-324", "1.7976931348623157e308", "0.1000000000000000055511151231257827",
     "179769313486231570000000000000000000000000000000000000000", "2.00000000000000011102230246251565"],
)  # fmt: skip
@pytest.mark.parametrize("shape", ["value last", "value second"])
def test_a_number_is_one_by_the_rules_of_json(shape: str, written: str) -> None:
    samples = [SHAPES[shape](stamp(row), row + 0.5) for row in range(ROWS)]
    body = body_of(samples).replace(b":200.5", f":{written}".encode())
    assert outcome(decode_page, body) == outcome(decode_streams, body)


@pytest.mark.parametrize("shape", ["value last", "value second"])
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_page_is_read_as_it_is_or_not_at_all(shape: str, data: st.DataObject) -> None:
    samples = [SHAPES[shape](stamp(row, ".25"), row + 0.5) for row in range(ROWS)]
    body = bytearray(body_of(samples))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(body) - 1))
        what = data.draw(st.sampled_from(b'{}[]",:\\ 0aZ.-\x00\xff'))
        if data.draw(st.booleans()):
            body[place] = what
        else:
            del body[place : place + data.draw(st.integers(1, 300))]
    assert outcome(decode_page, bytes(body)) == outcome(decode_streams, bytes(body))


@settings(max_examples=50, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=50))
def test_any_numbers_are_exact(some: list[float]) -> None:
    values = [some[row % len(some)] for row in range(ROWS)]
    body = body_of([SHAPES["value last"](stamp(row), one) for row, one in enumerate(values)])
    found = rows(decode_page(body))[:-1]
    assert [float(one["value"] if one["text"] is None else one["text"]) for one in found] == [
        float(one) for one in values
    ]
    assert found == rows(decode_streams(body))[:-1]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_several_streams_in_one_answer(data: st.DataObject) -> None:
    streams = []
    for number in range(data.draw(st.integers(2, 5))):
        kind = data.draw(st.sampled_from(["plain", "digital", "text", "empty", "short", "failed"]))
        value: object = {"digital": ODD[8]["Value"], "text": "on"}.get(kind)
        length = {"empty": 0, "short": 3, "failed": 0}.get(kind, ROWS)
        items = [
            SHAPES["value second"](stamp(row, ".5"), row / 7 if value is None else value)
            for row in range(length)
        ]
        for row in data.draw(st.sets(st.integers(0, ROWS - 1), max_size=3)):
            if row < length:
                items[row] |= data.draw(st.sampled_from(ODD))
        stream = {"WebId": f"w{number}", "Path": f"p{number}", "Items": items}
        streams.append(stream | ({"Errors": ["no"]} if kind == "failed" else {}))
    body = json.dumps({"Items": streams}, separators=(",", ":")).encode()
    assert rows(decode_page(body)) == rows(decode_streams(body))


@pytest.mark.parametrize("good", [True, False])
@pytest.mark.parametrize("mark", ["#0", "#1", "#99", "#", "#-1"])
def test_a_time_stamp_that_looks_like_a_mark_is_none(mark: str, good: bool) -> None:
    samples = [SHAPES["value last"](stamp(row), row + 0.5) for row in range(ROWS)]
    samples[7] |= {"Timestamp": mark, "Good": good}
    with pytest.raises(ValueError, match=mark):
        decode_page(body_of(samples))


def test_what_is_told_twice_counts_as_it_was_told_last() -> None:
    body = body_of([SHAPES["value last"](stamp(row), row + 0.5) for row in range(ROWS)])
    body = body.replace(b'"Good":true', b'"Good":true,"Good":false')
    assert rows(decode_page(body)) == rows(decode_streams(body))


@pytest.mark.parametrize("good", [True, False])
def test_samples_in_a_value_are_that_value(good: bool) -> None:
    samples = [SHAPES["value last"](stamp(row), row + 0.5) for row in range(ROWS)]
    samples[-1]["Good"] = good
    body = body_of([SHAPES["value last"](stamp(ROWS), samples), samples[0]])
    assert rows(decode_page(body)) == rows(decode_streams(body))


@pytest.mark.parametrize(
    ("first", "others"),
    [({}, b"{" * 10_000_000), ({"More": "x" * 50_000}, b'{"Timestamp":"","":{},' * 100_000)],
    ids=["nothing but braces", "a long one and many short ones"],
)
def test_what_is_no_page_takes_no_memory_of_its_own(first: dict[str, str], others: bytes) -> None:
    samples = [SHAPES["value last"](stamp(row), row + 0.5) | first for row in range(2)]
    body = body_of(samples)[:-4] + b"," + others
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"\w"):
            decode_page(body)
        assert tracemalloc.get_traced_memory()[1] < 3 * len(body)
    finally:
        tracemalloc.stop()


LONG = body_of([SHAPES["value last"](stamp(row, ".5"), row / 7) for row in range(10_000)])


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_page_of_more_than_a_megabyte(data: st.DataObject) -> None:
    body = bytearray(LONG)
    # Also where one block ends and the next begins.
    places = st.integers(0, len(LONG) - 1) | st.integers(-300, 300).map(
        lambda near: 2**19 + 110 + near
    )
    for place in data.draw(st.lists(places, max_size=4)):
        body[place] = data.draw(st.sampled_from(b'{}[]",: 09aZ.-'))
    assert outcome(decode_page, bytes(body)) == outcome(decode_streams, bytes(body))


def test_no_object_is_overlooked_where_a_block_ends() -> None:
    near = 2**19 + LONG.index(b"[{", 20)
    starts = [
        one.start() for one in re.finditer(b"{", LONG[: near + 500]) if one.start() > near - 500
    ]
    assert len(starts) > 5
    for start in starts:
        body = bytearray(LONG)
        body[start + 4] = ord("x")  # so that its time stamp has another name
        with pytest.raises(ValueError, match="missing required field `Timestamp`"):
            decode_page(body)


@pytest.mark.parametrize("shift", range(8))
def test_braces_that_are_close_to_each_other(shift: int) -> None:
    samples = [SHAPES["value last"](stamp(row), row + 0.5) for row in range(ROWS)]
    samples[100] |= {"": {"": {}}}
    samples[200] |= {"a": [{}, {}, {"": {}}]}
    samples[300] = {"Links": {"": {}}} | samples[300]
    stream = {"WebId": "w" * shift, "Path": "p", "Items": samples}
    body = json.dumps({"Items": [stream]}, separators=(",", ":")).encode()
    start = body.index(b"[{", 20) + 1
    shape = UniformShape("Timestamp", "Value", r"(?P<value>\d[^,}]*)", "")
    uniform = read_uniform(body, start, shape)
    assert uniform is not None
    # All but these, the one after the first of them, whose beginning was not seen, and the last.
    assert (len(uniform.runs), sum(uniform.runs)) == (4, ROWS - 5)
    assert rows(decode_page(body)) == rows(decode_streams(body))


def test_samples_of_another_list_are_not_taken_for_the_streams() -> None:
    samples = [SHAPES["value last"](stamp(row), row + 0.5) for row in range(ROWS)]
    own = [SHAPES["value last"](stamp(7), 1.5)]
    stream = {"WebId": "w", "Path": "p", "Links": {"Items": samples}, "Items": own}
    body = json.dumps({"Items": [stream]}, separators=(",", ":")).encode()
    (item,) = decode_page(body).items
    assert len(item.columns) == 1


def test_what_broke_off_is_told() -> None:
    samples = [SHAPES["value last"](stamp(row), row + 0.5) for row in range(ROWS)]
    stream = {"Items": samples, "WebId": "w", "Path": "p",
              "WebException": {"StatusCode": 500, "Errors": ["disk"]}}  # fmt: skip
    body = json.dumps({"Items": [stream]}, separators=(",", ":")).encode()
    (item,) = decode_page(body).items
    assert item.web_exception is not None
    assert item.web_exception.errors == ["disk"]
    assert len(item.columns) == ROWS
