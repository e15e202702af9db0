"""Both dialects mean the same; conditions cannot be escaped from; statuses are never guessed."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.cmms.entities import ENTITIES
from greenlang_data.drivers.maximo.dialect import explain, read_page
from greenlang_data.drivers.maximo.statuses import MEANINGS, Meanings
from greenlang_data.drivers.maximo.where import compared, missing, one_of

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
VALUES = st.text(max_size=8) | st.integers(-(10**20), 10**20) | st.booleans()


@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=4), max_size=4))
def test_the_dialects_mean_the_same(rows: list[dict[str, Any]]) -> None:
    link = "https://maximo.example.com/maximo/oslc/os/mxwo?pageno=2"
    lean = {"member": rows, "responseInfo": {"nextPage": {"href": link}, "totalCount": 3}}
    named = {
        "rdfs:member": [{f"spi:{key}": value for key, value in row.items()} for row in rows],
        "oslc:responseInfo": {"oslc:nextPage": {"rdf:resource": link}, "oslc:totalCount": 3},
    }
    one, other = (read_page(json.dumps(body).encode()) for body in (lean, named))
    assert one == other
    assert one.rows == rows
    assert one.next_link == link


def test_the_records_own_link_and_children_are_the_same_in_both() -> None:
    lean = b'{"member":[{"href":"h","assetmeter":[{"lastreading":1.10}]}]}'
    named = b'{"rdfs:member":[{"rdf:about":"h","spi:assetmeter":[{"spi:lastreading":1.10}]}]}'
    assert read_page(lean) == read_page(named)
    number = read_page(lean).rows[0]["assetmeter"][0]["lastreading"]
    assert (number, str(number)) == (Decimal("1.10"), "1.10")


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"member":{}}', b'{"member":[1]}', b"{", b""])
def test_what_is_no_collection_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"no object|no list|JSON|truncated"):
        read_page(body)


@pytest.mark.parametrize("number", ["400", 400], ids=["text", "number"])
def test_errors_are_told_in_both_dialects(number: Any) -> None:
    lean = {"Error": {"reasonCode": "BMXAA1E", "message": "No.", "statusCode": number}}
    named = {"oslc:Error": {"spi:reasonCode": "BMXAA1E", "oslc:message": "BMXAA1E - No."}}
    assert explain(json.dumps(lean).encode()) == "BMXAA1E - No."
    assert explain(json.dumps(named).encode()) == "BMXAA1E - No."
    assert explain(b"<html>") == explain(b"[]") == explain(b'{"Error":1}') == ""


@given(st.text())
def test_no_text_ends_its_quotes_or_becomes_a_pattern(text: str) -> None:
    try:
        condition = compared("assetnum", "=", text)
    except ValueError:
        odd = any(category(sign) in {"Cc", "Cs"} for sign in text)
        assert odd or text == "*" or text.startswith("[") or set(text) & set('"%\\')
        return
    assert condition == f'assetnum="{text}"'
    assert condition.count('"') == 2
    assert text != "*"


def test_conditions() -> None:
    assert one_of("siteid", ["A"]) == 'siteid="A"'
    assert one_of("siteid", ["A", "007"]) == 'siteid in ["A","007"]'
    assert compared("failurelist", ">", 12) == "failurelist>12"
    assert missing("actfinish") == 'actfinish!="*"'


def test_a_synonym_means_what_its_internal_value_means() -> None:
    work = Meanings("work_order", {})
    assert work.of("WCLOSE", "COMP") == "completed"
    assert work.of("WMATL", "WMATL") == "approved"
    assert work.of(None, None) is None


def test_a_status_without_a_known_internal_value_is_unknown_and_not_guessed() -> None:
    work = Meanings("work_order", {})
    assert work.of("COMP", None) == "unknown"
    assert work.of("ZQUAL", "ZQUAL") == "unknown"
    assert Meanings("work_order", {"ZQUAL": "approved"}).of("ZQUAL", "ZQUAL") == "approved"


def test_statuses_are_selected_by_all_internal_values_that_mean_them_or_here() -> None:
    work = Meanings("work_order", {})
    assert work.internal(["completed", "closed"]) == ["CLOSE", "COMP", "HISTEDIT"]
    assert work.internal(["unknown"]) is None
    assert Meanings("work_order", {"ZQUAL": "approved"}).internal(["approved"]) is None


@pytest.mark.parametrize("entity", list(MEANINGS))
def test_every_meaning_is_a_canonical_status(entity: str) -> None:
    assert set(MEANINGS[entity].values()) <= ENTITIES[entity].statuses


@pytest.mark.parametrize(
    "told", [{"nextPage": {"href": 5}}, {"nextPage": 5}, {"nextPage": {}}, {"totalCount": "3"}]
)
def test_a_next_page_or_total_that_is_none_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="neither link nor number"):
        read_page(json.dumps({"member": [], "responseInfo": told}).encode())
    assert read_page(b'{"member": [], "responseInfo": {"nextPage": null}}').next_link is None
