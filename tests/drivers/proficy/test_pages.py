"""Long answers about one tag are read by columns, with what comes of reading them one by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_data.drivers.proficy.pages import decode_page
from greenlang_data.drivers.proficy.samples import Answered, decode_data

ROWS = 400
ODD: list[dict[str, Any]] = [
    {"Quality": 0},
    {"Quality": 1},
    {"Quality": 2, "Value": None},
    {"Value": None},
    {"Value": 'a "b" {c} \\'},
    {"Value": 1.5},
    {"Value": "9007199254740993"},
    {"Value": "NaN"},
    {"Value": ""},
    {"Quality": 9},
    {"TimeStamp": "yesterday"},
]
TYPES = ["DoubleFloat", "Integer", "Int64", "Bool", "VariableString", None, 3]


def body_of(values: list[str], data_type: object, odd: dict[int, dict[str, Any]]) -> bytes:
    samples: list[dict[str, Any]] = [
        {
            "TimeStamp": f"2025-01-01T{row // 3600:02d}:{row // 60 % 60:02d}:{row % 60:02d}.250Z",
            "Value": values[row % len(values)],
            "Quality": 3,
        }
        for row in range(ROWS)
    ]
    for row, other in odd.items():
        samples[row] |= other
    tag = {"TagName": "t", "ErrorCode": 0, "Samples": samples, "DataType": data_type}
    answer = {"ErrorCode": 0, "ErrorMessage": None, "Data": [tag]}
    return json.dumps(answer, separators=(",", ":")).encode()


def outcome(decode: Callable[[bytes], Answered], body: bytes) -> object:
    """What is read, or that nothing is."""
    try:
        answer = decode(body)
    except ValueError:
        return "refused"
    items = []
    for item in answer.items:
        if item.columns is None:
            items.append((item.tag, item.error_code, None, "no list"))
            continue
        batch = item.columns.batch("tag")
        # As text, because NaN equals nothing.
        items.append((item.tag, item.error_code, batch.schema.metadata, repr(batch.to_pylist())))
    return answer.error_code, answer.message, items


@settings(max_examples=100, deadline=None)
@given(
    values=st.lists(
        st.floats(allow_nan=False, allow_infinity=False).map(repr)
        | st.integers(-(2**63), 2**64).map(str)
        | st.sampled_from(["01", "1.", "+1", "1e999", "-0", "true", "1 ", "0x1"]),
        min_size=1,
        max_size=20,
    ),
    data_type=st.sampled_from(TYPES),
    odd=st.dictionaries(st.integers(0, ROWS - 1), st.sampled_from(ODD), max_size=5),
)
def test_columns_are_what_the_samples_are(
    values: list[str], data_type: object, odd: dict[int, dict[str, Any]]
) -> None:
    body = body_of(values, data_type, odd)
    assert outcome(decode_page, body) == outcome(decode_data, body)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_answer_is_read_as_it_is_or_not_at_all(data: st.DataObject) -> None:
    body = bytearray(body_of(["1.5", "-2", "3e-05"], "Float", {7: {"Quality": 0}}))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(body) - 1))
        if data.draw(st.booleans()):
            body[place] = data.draw(st.sampled_from(b'{}[]",:\\ 0aZ.-\x00\xff'))
        else:
            del body[place : place + data.draw(st.integers(1, 200))]
    assert outcome(decode_page, bytes(body)) == outcome(decode_data, bytes(body))


@pytest.mark.parametrize("quality", [0, 1, 2])
def test_a_whole_page_that_is_not_good_is_not_good(quality: int) -> None:
    body = body_of(["1.5"], "Float", {row: {"Quality": quality} for row in range(ROWS)})
    assert outcome(decode_page, body) == outcome(decode_data, body)


def test_samples_of_another_tag_are_not_taken_for_its_own() -> None:
    answer = json.loads(body_of(["1.5"], "Float", {}))
    (tag,) = answer["Data"]
    hidden = {"Samples": tag["Samples"]}
    answer["Data"] = [{**tag, "TagName": "a", "Samples": tag["Samples"][:2]}, tag]
    for shown in (answer, {"Other": hidden, **answer}):
        body = json.dumps(shown, separators=(",", ":")).encode()
        assert outcome(decode_page, body) == outcome(decode_data, body)
        assert [len(one.columns) for one in decode_page(body).items] == [2, ROWS]


def test_a_tag_without_a_list_of_samples_has_none() -> None:
    answer = json.loads(body_of(["1.5"], "Float", {}))
    answer["Data"].append({"TagName": "other", "ErrorCode": 5})
    body = json.dumps(answer, separators=(",", ":")).encode()
    assert outcome(decode_page, body) == outcome(decode_data, body)
    assert decode_page(body).items[1].columns is None
