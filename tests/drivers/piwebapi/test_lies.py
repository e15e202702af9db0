"""Answers that contradict themselves, or end early without a word: refused, or seen through."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import greenlang_data as gd
from greenlang_data.drivers.piwebapi import points
from greenlang_data.errors import ProtocolError, ReadFailed, UnknownTagError
from tests.drivers.lying_historian import Query, lying

START = datetime(2025, 3, 1, tzinfo=UTC)
DAY = (START, START + timedelta(days=1))
Stream = dict[str, Any]
Lie = Callable[[str, list[Stream]], Any]


def web_id(tag: str) -> str:
    return "P1DP" + base64.urlsafe_b64encode(f"SRV\\{tag}".upper().encode()).decode().rstrip("=")


def tag_of(identifier: str) -> str:
    if identifier.startswith("\\\\"):
        return identifier.rpartition("\\")[2]
    coded = identifier.removeprefix("P1DP")
    return base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()[4:]


def sample(second: float, value: object, **more: object) -> dict[str, Any]:
    stamp = (START + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")
    return {"Timestamp": stamp, "Value": value, "Good": True, **more}


def stream(tag: str, items: list[dict[str, Any]]) -> Stream:
    return {"WebId": web_id(tag), "Name": tag, "Path": f"\\\\SRV\\{tag}", "Items": items}


def about(tag: str, kind: str = "Float64") -> dict[str, Any]:
    point = {"WebId": web_id(tag), "Name": tag, "Path": f"\\\\SRV\\{tag}", "PointType": kind}
    return {**point, "EngineeringUnits": "bar"}


@contextmanager
def pi(
    lie: Lie, samples: list[dict[str, Any]] | None = None, kind: str = "Float64", **more: Any
) -> Iterator[gd.Session]:
    """Points of any name with ``samples`` inside the window asked for, as ``lie`` alters them."""

    def says(path: str, query: Query, _: dict[str, str]) -> Any:
        asked = query.get("webId", query.get("path", []))
        if path == "points/multiple":
            found = [{"Identifier": one, "Object": about(tag_of(one), kind)} for one in asked]
            return {"Items": found}
        start = query.get("startTime", [""])[0].replace("0000000Z", "")
        there = [one for one in samples or [sample(1, 1.5)] if one["Timestamp"] >= start[:19]]
        most = int(query.get("maxCount", ["1000"])[0])
        return lie(path, [stream(tag_of(one), there[:most]) for one in asked])

    with lying(says, "pi", "/piwebapi", database_name="SRV", **more) as session:
        yield session


def as_it_is(_: str, streams: list[Stream]) -> dict[str, Any]:
    return {"Items": streams}


@pytest.mark.parametrize("keys", [("WebId",), ("Path",), ("Name", "Path")])
def test_whose_samples_they_are_must_be_clear(keys: tuple[str, ...]) -> None:
    def swapped(_: str, streams: list[Stream]) -> dict[str, Any]:
        pairs = zip(streams, reversed(streams), strict=True)
        return {"Items": [{**one, **{key: other[key] for key in keys}} for one, other in pairs]}

    with pi(swapped) as session, pytest.raises(ProtocolError, match=r"lying: A: .*about .*B"):
        session.historian(["A", "B"], *DAY)


def test_a_stream_of_another_point_under_the_own_web_id_is_refused() -> None:
    def other(_: str, streams: list[Stream]) -> dict[str, Any]:
        return {"Items": [{**streams[0], "Path": "\\\\SRV\\C"}]}

    with pi(other) as session, pytest.raises(ProtocolError, match=r"A: .*about .*C"):
        session.historian(["A"], *DAY)


def test_another_name_of_the_server_and_another_order_are_no_matter() -> None:
    def renamed(_: str, streams: list[Stream]) -> dict[str, Any]:
        return {"Items": [{**one, "Path": f"\\\\other\\{one['Name']}"} for one in streams[::-1]]}

    with pi(renamed) as session:
        assert session.historian(["A", "B"], *DAY)["A"].tolist() == [1.5]


@pytest.mark.parametrize("kind", ["Total", "Minimum", "", None])
def test_a_summary_of_another_kind_is_not_taken_for_the_one_that_was_asked_for(
    kind: str | None,
) -> None:
    samples = [sample(1, 1.0), sample(2, 4.0)]

    def other(path: str, streams: list[Stream]) -> dict[str, Any]:
        if path != "streamsets/summary":
            return {"Items": streams}
        hours = [sample(3600 * one, 99.0) for one in range(3)]
        named = {} if kind is None else {"Type": kind}
        items = [{**named, "Value": one} for one in hours]
        return {"Items": [{**one, "Items": items} for one in streams]}

    window = (START, START + timedelta(hours=2))
    with pi(other, samples) as session:
        frame = session.historian(["A"], *window, "1h", "avg")
        assert frame["A"].iloc[0] == 2.5
        assert "was asked for Average" in " ".join(frame.attrs["provenance"].full["notes"])
        with pytest.raises(ReadFailed, match="where it was asked for PercentGood"):
            session.historian(["A"], *window, "1h", "percent_good")


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_bad_where_a_number_was_wanted(text: str) -> None:
    samples = [sample(1, 1.5), sample(2, text, Questionable=True), sample(3, "off")]
    with pi(as_it_is, samples) as session:
        long = session.historian(["A"], *DAY, shape="long")
    assert long["quality"].tolist() == ["good", "bad", "good"]
    assert long["status"][1] == f"Bad, Questionable: {text}"
    assert long["text"].fillna("").tolist() == ["", "", "off"]
    with pi(as_it_is, samples[:2]) as session:
        wide = session.historian(["A"], *DAY)
    assert wide["A"].dtype == "float64"
    assert wide["A"].isna().tolist() == [False, True]
    with pi(as_it_is, samples, "String") as session:
        assert session.historian(["A"], *DAY)["A"].tolist() == ["1.5", text, "off"]


def test_a_current_value_that_is_no_number_is_bad() -> None:
    def now(_: str, streams: list[Stream]) -> dict[str, Any]:
        return {"Items": [{**one, "Value": one.pop("Items")[0]} for one in streams]}

    with pi(now, [sample(1, "NaN")]) as session:
        row = session.snapshot(["A"]).iloc[0]
    assert (row["quality"], row["status"]) == ("bad", "Bad: NaN")
    assert row["value"] != row["value"]


@pytest.mark.parametrize("query", [{}, {"interval": "1h", "aggregation": "plot"}])
def test_samples_out_of_order_are_refused(query: dict[str, str]) -> None:
    backwards = [sample(second, 1.0) for second in (3, 2, 1)]
    with (
        pi(as_it_is, backwards) as session,
        pytest.raises(ProtocolError, match=r"lying: A: its samples are out of order\. None"),
    ):
        session.historian(["A"], *DAY, **query)


@pytest.mark.parametrize("cap", [100, 128, 500, 1024, 1500, 4096])
def test_a_page_that_ends_early_without_a_word_is_not_the_last(cap: int) -> None:
    # Two hours without a sample early in the day; what is left of the day is shorter.
    samples = [sample(0, -1.0), *(sample(80_000 + second, second) for second in range(5000))]

    def shorter(_: str, streams: list[Stream]) -> dict[str, Any]:
        return {"Items": [{**one, "Items": one["Items"][:cap]} for one in streams]}

    with pi(shorter, samples) as session:
        found = session.historian(["A"], *DAY)["A"].tolist()
    assert found == [one["Value"] for one in samples]


@pytest.mark.parametrize(
    "said",
    [
        "Parameter 'maxCount' is greater than the maximum allowed (1,000).",
        "Der Parameter 'maxCount' ist größer als das zulässige Maximum (1000).",
    ],
)
def test_the_cap_is_understood_however_it_is_written(said: str) -> None:
    samples = [sample(second, second) for second in range(3000)]
    sizes = []

    def says(path: str, query: Query, _: dict[str, str]) -> Any:
        if path == "points/multiple":
            return {"Items": [{"Identifier": query["webId"][0], "Object": about("A")}]}
        sizes.append(int(query["maxCount"][0]))
        if sizes[-1] > 1000:
            return 400, {"Errors": [said]}
        there = [one for one in samples if one["Timestamp"] >= query["startTime"][0][:19]]
        return {"Items": [stream("A", there[: sizes[-1]])]}

    with lying(says, "pi", "/piwebapi", database_name="SRV") as session:
        assert len(session.historian(["A"], *DAY)) == 3000
    assert sizes[1:] == [1000] * len(sizes[1:])


@pytest.mark.parametrize(
    ("lie", "error"),
    [
        (lambda path, streams, said: {"Errors": [said]}, gd.GreenLangError),
        (lambda path, streams, said: {"WebException": {"Errors": [said]}}, gd.GreenLangError),
        (lambda path, streams, said: {"Items": [{**streams[0], "Errors": [said]}]}, ReadFailed),
    ],
    ids=["whole", "broken off", "tag"],
)
def test_a_login_in_what_a_success_says_is_wrong_is_masked(
    lie: Callable[..., Any], error: type[Exception]
) -> None:
    said = "no right for token-7f3a9c with Bearer token-7f3a9c"
    with (
        pi(lambda path, streams: lie(path, streams, said), token="token-7f3a9c") as session,
        pytest.raises(error) as caught,
    ):
        session.historian(["A"], *DAY)
    assert "no right for" in str(caught.value)
    assert "7f3a9c" not in f"{caught.value!r}{caught.value}{vars(caught.value)}"


def test_a_login_in_the_failure_of_a_tag_is_masked_and_data_is_not() -> None:
    def says(path: str, query: Query, headers: dict[str, str]) -> Any:
        if path == "points/multiple":
            known = query.get("webId", query.get("path", []))[0]
            why = {"Errors": [f"not found with {headers['Authorization']}"]}
            return 207, {"Items": [{"Identifier": known, "Object": None, "Exception": why}]}
        return {"Items": []}

    with lying(says, "pi", "/piwebapi", database_name="SRV", token="token-7f3a9c") as session:
        frame = session.historian(["A"], *DAY, errors="report")
        assert "not found with" in frame.attrs["provenance"]["failures"]["A"]
        assert "7f3a9c" not in str(frame.attrs)
        with pytest.raises(UnknownTagError) as caught:
            session.historian(["A"], *DAY)
        assert "7f3a9c" not in str(caught.value)
    same = [sample(1, "token-7f3a9c")]
    with pi(as_it_is, same, "String", token="token-7f3a9c") as session:
        assert session.historian(["A"], *DAY)["A"].tolist() == ["token-7f3a9c"]


@pytest.mark.parametrize("start", ["yesterday", "2025-03-01T00:00:00", "9999-12-31T23:59:59Z"])
def test_a_time_of_an_event_frame_that_is_none(start: str) -> None:
    def says(path: str, query: Query, _: dict[str, str]) -> Any:
        return {"Items": [{"Id": "1", "Name": "Trip", "StartTime": start, "EndTime": None}]}

    with (
        lying(says, "pi", "/piwebapi", database_name="SRV") as session,
        pytest.raises(ProtocolError, match=r"^lying: a time of an event frame is none.*None of it"),
    ):
        session.event_frames(r"\\AF\Plant", *DAY)


@pytest.mark.parametrize("rows", [10, 1000])
def test_a_stream_without_a_list_fails_however_long_the_others_are(rows: int) -> None:
    def without(_: str, streams: list[Stream]) -> dict[str, Any]:
        return {"Items": [*streams[:1], *({**one, "Items": None} for one in streams[1:])]}

    with (
        pi(without, [sample(second, second) for second in range(rows)]) as session,
        pytest.raises(ReadFailed, match=r"B: the server gave no list of samples for it"),
    ):
        session.historian(["A", "B"], *DAY)


def test_a_point_that_is_found_under_another_name_is_not_read() -> None:
    def says(path: str, query: Query, _: dict[str, str]) -> Any:
        if path == "points/multiple":
            asked = query.get("webId", query.get("path", []))
            return {"Items": [{"Identifier": one, "Object": about("C")} for one in asked]}
        return {"Items": [stream("C", [sample(1, 1.5)])]}

    with lying(says, "pi", "/piwebapi", database_name="SRV") as session:
        with pytest.raises(UnknownTagError, match=r"A: unknown tag: .* answered about .*SRV.C"):
            session.historian(["A"], *DAY)
        with pytest.raises(UnknownTagError, match=r"A: unknown tag: .* answered about .*SRV.C"):
            session.snapshot(["A"])


def test_a_unit_that_is_corrected_is_seen_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = "bar"

    def says(path: str, query: Query, _: dict[str, str]) -> Any:
        if path == "points/multiple":
            known = {**about("A"), "EngineeringUnits": unit}
            return {"Items": [{"Identifier": query["webId"][0], "Object": known}]}
        return {"Items": [stream("A", [sample(1, 1.5)])]}

    with lying(says, "pi", "/piwebapi", database_name="SRV") as session:
        for now, told in (("bar", "bar"), ("psi", "bar")):
            unit = now
            frame = session.historian(["A"], *DAY)
            assert frame.attrs["provenance"]["units"] == {"A": told}
        monkeypatch.setattr(points, "_KEPT_SECONDS", 0.0)
        frame = session.historian(["A"], *DAY)
    assert frame.attrs["provenance"]["units"] == {"A": "psi"}


def page_of(query: Query, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    start, most = (int(query[name][0]) for name in ("startIndex", "maxCount"))
    return rows[start : start + most]


def test_what_a_list_names_twice_is_there_once_and_nothing_is_left_out() -> None:
    names = [about(f"T{number:04d}") for number in range(2500)]
    frames = [
        {"Id": str(number), "Name": "Trip", "StartTime": "2025-03-01T00:00:00Z"}
        for number in range(2500)
    ]
    twice = [[*rows[:700], *rows[650:]] for rows in (names, frames)]

    def says(path: str, query: Query, _: dict[str, str]) -> Any:
        return {"Items": page_of(query, twice["eventframes" in path])}

    with lying(says, "pi", "/piwebapi", database_name="SRV") as session:
        found = session.tags("lying").find("*")
        assert found["tag_id"].tolist() == [one["Name"] for one in names]
        told = session.event_frames(r"\\AF\Plant", *DAY)
        assert told["event_frame_id"].tolist() == [one["Id"] for one in frames]


def test_a_page_with_more_than_was_asked_for_is_refused() -> None:
    def says(path: str, query: Query, _: dict[str, str]) -> Any:
        frame = {"Id": "1", "Name": "Trip", "StartTime": "2025-03-01T00:00:00Z"}
        return {"Items": [frame if "eventframes" in path else about("A")] * 1001}

    with lying(says, "pi", "/piwebapi", database_name="SRV") as session:
        with pytest.raises(ProtocolError, match=r"lying: .*too many.*None of it"):
            session.tags("lying").find("*")
        with pytest.raises(ProtocolError, match=r"lying: .*more than were asked for"):
            session.event_frames(r"\\AF\Plant", *DAY)
