"""Answers that end early without a word, twins, and what a number is not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import greenlang_data as gd
from greenlang_data.drivers.proficy import details
from greenlang_data.errors import ProtocolError, QueryError, ReadFailed, TransientError
from tests.drivers.lying_historian import Query, lying

START = datetime(2025, 3, 1, tzinfo=UTC)
DAY = (START, START + timedelta(days=1))
Samples = list[dict[str, Any]]


def sample(milliseconds: int, value: object, quality: int = 3) -> dict[str, Any]:
    stamp = (START + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds")
    return {"TimeStamp": stamp.replace("+00:00", "Z"), "Value": str(value), "Quality": quality}


@contextmanager
def proficy(
    samples: Samples, lie: Callable[[Samples], Samples], kind: str = "DoubleFloat", **more: Any
) -> Iterator[gd.Session]:
    """Every tag has these samples, after the start that is asked for and as ``lie`` alters them."""

    def says(path: str, query: Query, headers: dict[str, str]) -> Any:
        if path == "tagslist":
            return {"ErrorCode": 0, "Data": []}
        (start,), (end,) = query["start"], query["end"]
        there = lie([one for one in samples if start < one["TimeStamp"] <= end])
        tags = query["tagNames"][0].split(";")
        data = [
            {"TagName": tag, "ErrorCode": 0, "DataType": kind, "Samples": there} for tag in tags
        ]
        return {"ErrorCode": 0, "ErrorMessage": None, "Data": data}

    with lying(says, "ge", "/historian-rest-api/v1", **more) as session:
        yield session


@pytest.mark.parametrize("cap", [100, 128, 1000, 1024])
def test_an_answer_that_ends_early_without_a_word_is_gone_on_with(cap: int) -> None:
    times = [second * 1000 + second % 3 for second in range(3000)]
    # A limit in the middle of samples of one time stamp.
    times[995:1030] = [1_000_000] * 35
    samples = [sample(time, number) for number, time in enumerate(times)]
    with proficy(samples, lambda there: there[:cap]) as session:
        frame = session.historian(["A"], *DAY)
        assert frame["A"].tolist() == [float(number) for number in range(3000)]
        assert f"{cap} samples at once" in frame.attrs["provenance"]["notes"][-1]
        assert session.historian(["A"], *DAY, "1d", "count")["A"].tolist() == [3000]


def test_samples_beyond_the_limit_in_one_millisecond_are_an_error() -> None:
    samples = [sample(7, number) for number in range(300)] + [sample(9000, 1)]
    with (
        proficy(samples, lambda there: there[:200]) as session,
        pytest.raises(ProtocolError, match=r"lying: A has more samples in one millisecond"),
    ):
        session.historian(["A"], *DAY)


def test_they_are_one_at_the_end_of_the_window_too() -> None:
    samples = [sample(1, -1), *(sample(7, number) for number in range(120))]
    with (
        proficy(samples, lambda there: there[:100]) as session,
        pytest.raises(ProtocolError, match=r"lying: A has more samples in one millisecond"),
    ):
        session.historian(["A"], *DAY)


def test_as_many_samples_of_one_millisecond_as_a_limit_may_be_are_all() -> None:
    samples = [sample(7, number) for number in range(200)]
    with proficy(samples, lambda there: there) as session:
        frame = session.historian(["A"], *DAY)
    assert len(frame) == 200
    assert not any("at once" in note for note in frame.attrs["provenance"]["notes"])


def test_samples_that_are_not_there_again_are_an_error() -> None:
    samples = [sample(7, number) for number in range(200)]
    asked: list[int] = []

    def fewer(there: Samples) -> Samples:
        asked.append(len(there))
        return there[: 200 if len(asked) == 1 else 150]

    with proficy(samples, fewer) as session, pytest.raises(TransientError, match="left out"):
        session.historian(["A"], *DAY)


def test_one_tag_under_two_names_is_told() -> None:
    with (
        proficy([sample(1, 1)], lambda there: there) as session,
        pytest.raises(QueryError, match=r"'Flow' and 'FLOW' are one tag.*Ask for it once"),
    ):
        session.historian(["Flow", "FLOW"], *DAY)


@pytest.mark.parametrize("kind", ["DoubleInteger", "UInt32", "Int64"])
def test_no_integer_is_rounded_whatever_its_type(kind: str) -> None:
    with proficy([sample(1, 2**53 + 1)], lambda there: there, kind) as session:
        assert session.historian(["A"], *DAY)["A"].tolist() == [2**53 + 1]


def test_a_login_in_the_failure_of_a_tag_is_masked() -> None:
    def says(path: str, query: Query, headers: dict[str, str]) -> Any:
        if path == "tagslist":
            return {"ErrorCode": 0, "Data": []}
        return {"ErrorCode": -1, "ErrorMessage": f"not with {headers['Authorization']}", "Data": []}

    with lying(says, "ge", "/historian-rest-api/v1", token="token-7f3a9c") as session:
        with pytest.raises(ReadFailed, match="not with") as caught:
            session.historian(["A"], *DAY)
        assert "7f3a9c" not in f"{caught.value}{vars(caught.value)}"
        frame = session.historian(["A"], *DAY, errors="report")
        assert "7f3a9c" not in str(frame.attrs)


@pytest.mark.parametrize("rows", [10, 1000])
def test_a_tag_without_a_list_fails_however_long_the_others_are(rows: int) -> None:
    def says(path: str, query: Query, _: dict[str, str]) -> Any:
        if path == "tagslist":
            return {"ErrorCode": 0, "Data": []}
        there = [sample(number + 1, number) for number in range(rows)]
        long = {"TagName": "A", "ErrorCode": 0, "DataType": "DoubleFloat", "Samples": there}
        return {"ErrorCode": 0, "Data": [long, {**long, "TagName": "B", "Samples": None}]}

    with lying(says, "ge", "/historian-rest-api/v1") as session:
        with pytest.raises(ReadFailed, match=r"B: the server gave no list of samples for it"):
            session.historian(["A", "B"], *DAY)
        with pytest.raises(ReadFailed, match=r"B: the server gave no list of samples for it"):
            session.snapshot(["A", "B"])


def listed(query: Query, unit: str) -> dict[str, Any]:
    """A page of three thousand tags."""
    page, size = int(query["pageno"][0]), int(query["pagesize"][0])
    names = [f"T{number:05d}" for number in range(3000)][(page - 1) * size : page * size]
    tags = [{"Tagname": name, "EngineeringUnits": unit} for name in names]
    return {"ErrorCode": 0, "Data": tags}


def one_sample(query: Query) -> dict[str, Any]:
    tag = {"TagName": query["tagNames"][0], "DataType": "Float", "Samples": [sample(1, 1.5)]}
    return {"ErrorCode": 0, "Data": [tag]}


def test_reads_at_the_same_time_find_their_units_in_one_list() -> None:
    def says(path: str, query: Query, _: dict[str, str]) -> Any:
        if path != "tagslist":
            return one_sample(query)
        time.sleep(0.1)
        return listed(query, "bar")

    with lying(says, "ge", "/historian-rest-api/v1") as session, ThreadPoolExecutor(4) as pool:
        reads = [
            pool.submit(session.historian, [f"T{number:05d}"], *DAY)
            for number in (2500, 5, 1500, 2999)
        ]
        units = [read.result().attrs["provenance"]["units"] for read in reads]
    assert [list(one.values()) for one in units] == [["bar"]] * 4


def test_a_unit_that_is_corrected_is_seen_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = "bar"

    def says(path: str, query: Query, _: dict[str, str]) -> Any:
        return listed(query, unit) if path == "tagslist" else one_sample(query)

    with lying(says, "ge", "/historian-rest-api/v1") as session:
        for now, told in (("bar", "bar"), ("psi", "bar")):
            unit = now
            frame = session.historian(["T00001"], *DAY)
            assert frame.attrs["provenance"]["units"] == {"T00001": told}
        monkeypatch.setattr(details, "_KEPT_SECONDS", 0.0)
        frame = session.historian(["T00001"], *DAY)
    assert frame.attrs["provenance"]["units"] == {"T00001": "psi"}
