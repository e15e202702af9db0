"""A name that is there twice in an object is found, whatever else a document holds."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.http.twice import check_names, check_rows

TEXTS = st.text(max_size=8) | st.sampled_from(['":', '\\":', "\\", '":"', '{"a":1,"a":2}', "a\\"])
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)
SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " : "), (",", "\t:")])


def encoded(document: Any, separators: tuple[str, str]) -> bytes:
    return json.dumps(document, separators=separators).encode("utf-8", "surrogatepass")


@given(ANY, SEPARATORS)
def test_names_that_are_each_there_once_are_no_matter(
    document: Any, separators: tuple[str, str]
) -> None:
    check_names(encoded(document, separators))


@given(ANY, st.dictionaries(TEXTS, ANY, min_size=1, max_size=4), SEPARATORS)
def test_a_name_twice_is_found_at_any_depth(
    value: Any, members: dict[str, Any], separators: tuple[str, str]
) -> None:
    inner = encoded(members, separators)
    name = encoded(next(iter(members)), separators)
    mark = separators[1].encode()
    twice = inner[:-1] + separators[0].encode() + name + mark + encoded(value, separators) + b"}"
    for body in (twice, b"[" + twice + b"]", b'{"":[1,{"z":' + twice + b"}]}"):
        with pytest.raises(ValueError, match="twice"):
            check_names(body)


@pytest.mark.parametrize("colon", [b":", b": ", b" : "])
@pytest.mark.parametrize("place", [0, 1, 49])
def test_one_of_many_rows_with_a_name_twice_is_found(place: int, colon: bytes) -> None:
    def check(rows: list[bytes]) -> None:
        written = [one.replace(b":", colon) for one in rows]
        check_rows(b"[" + b",".join(written) + b"]", list(map(msgspec.Raw, written)))

    rows = [b'{"a":%d,"b":"x"}' % one for one in range(50)]
    check(rows)
    rows[place] = b'{"a":1,"b":"x","a":2}'
    with pytest.raises(ValueError, match="'a' twice"):
        check(rows)
    rows[place] = b'{"a":1,"b":"\\":","c":2}'
    check(rows)


def test_what_is_too_deep_is_refused() -> None:
    with pytest.raises(ValueError, match=r"deep|recursion"):
        check_names(b"[" * 100_000 + b"]" * 100_000)
