"""The PI Web API emulator does what the facts about the real server say."""

from __future__ import annotations

import base64
import itertools
import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from . import historian_truth as truth
from . import pi_webid
from .historian_launch import HistorianPeer, start_pi
from .historian_tags import BURST_SIZES, Event, State
from .pi_times import text_of

SERVER = "93a5a55b-d44f-4bb6-bdbd-64efc60e39a0"
DAY_ONE = {"startTime": "2025-01-01T00:00:00Z", "timeZone": "UTC"}


def get(peer: HistorianPeer, path: str, status: int = 200, /, **parameters: Any) -> Any:
    answer = requests.get(peer.url + path, params=parameters, timeout=20)
    assert answer.status_code == status, answer.text[:300]
    return answer.json()


def path_web_id(name: str) -> str:
    """A WebID made as a client makes it, without a request."""
    packed = base64.urlsafe_b64encode(f"MYPISERVER\\{name}".upper().encode())
    return "P1DP" + packed.decode().rstrip("=")


def read(peer: HistorianPeer, name: str, call: str, /, **parameters: Any) -> list[dict[str, Any]]:
    found = get(peer, f"/streams/{path_web_id(name)}/{call}", **parameters)
    items: list[dict[str, Any]] = found["Items"]
    return items


def told(event: Event) -> dict[str, Any]:
    """The event as the truth expects it on the wire, without the unit."""
    value: Any = event.value
    if isinstance(value, State):
        value = {"Name": value.name, "Value": value.code, "IsSystem": value.is_system}
    return {
        "Timestamp": text_of(event.ticks),
        "Value": value,
        "Good": event.good,
        "Questionable": event.questionable,
        "Substituted": event.substituted,
        "Annotated": event.annotated,
    }


def plain(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    dropped = {"UnitsAbbreviation", "Errors"}
    return [{k: v for k, v in item.items() if k not in dropped} for item in items]


# --- WebIDs ------------------------------------------------------------------------------


def test_web_ids_are_those_of_the_vendors_examples() -> None:
    guid = uuid.UUID("85bb49d6-f101-4807-baf9-57c2fbd33000")
    assert pi_webid.encode("I", "DS", (guid,), "X")[4:] == "1km7hQHxB0i6-VfC-9MwAA"
    found = pi_webid.decode("I1DPW6Wlk0_Utku9vWTvxg45oA0egAAA")
    assert found.keys == (uuid.UUID(SERVER), 59601)
    made = pi_webid.encode("P", "DP", (), r"MYPISERVER\POINTNAME")
    assert made == "P1DPTVlQSVNFUlZFUlxQT0lOVE5BTUU"
    attribute = pi_webid.decode(
        "I1AbEDqD5loBNH0erqeqJodtALAYIKyyz2F5BGAxQAVXYRDBAGyPedZG1sUmxOOclp3Flwg"
    )
    assert str(attribute.keys[2]) == "75de231b-b591-49b1-b138-e725a77165c2"


@pytest.mark.parametrize("kind", ["Full", "IDOnly", "PathOnly", "LocalIDOnly", "DefaultIDOnly"])
def test_a_point_answers_to_every_kind_of_web_id(pi_peer: HistorianPeer, kind: str) -> None:
    path = r"\\MYPISERVER\POINTNAME"
    web_id = get(pi_peer, "/points", path=path, webIdType=kind)["WebId"]
    assert web_id[0] == kind[0]
    assert get(pi_peer, f"/points/{web_id}")["Id"] == 59601
    assert get(pi_peer, f"/streams/{web_id}/end")["Good"] is True


def test_made_web_ids_are_unknown_before_2017_r2(pi_peer: HistorianPeer) -> None:
    pi_peer.set(web_id_2=False)
    found = get(pi_peer, f"/streams/{path_web_id('Ramp')}/value", 404)
    assert list(found) == ["Errors"]
    full = get(pi_peer, "/points", path=r"\\MYPISERVER\Ramp")["WebId"]
    assert get(pi_peer, f"/streams/{full}/value")["Good"] is True


# --- points ------------------------------------------------------------------------------


def test_search_stops_at_a_thousand_and_says_nothing_about_it(pi_peer: HistorianPeer) -> None:
    names: list[str] = []
    while True:
        page = get(pi_peer, "/points/search", query="Tag:=Bulk*", startIndex=len(names))
        if not page["Items"]:
            break
        assert page["Links"] == {}
        names += [item["Name"] for item in page["Items"]]
    assert names == [f"Bulk.{index:05d}" for index in range(2500)]
    refused = get(pi_peer, "/points/search", 400, query="Tag:=*", maxCount=1001)
    assert refused["Errors"] == ["Parameter 'maxCount' is greater than the maximum allowed (1000)"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("Tag:=ramp", ["Ramp"]),
        (r"name:Plant\ 1/FIC\-101;PV", ["Plant 1/FIC-101;PV"]),
        ('Tag:="Odd\\*\\[x]\\?"', ["Odd*[x]?"]),
        ("PointType:=Digital OR PointType:=Int32", ["Pump", "Integer"]),
        ("Tag:=T* PointType:=String", ["Text"]),
        ("Tag:=Nothing*", []),
    ],
)
def test_search_queries(pi_peer: HistorianPeer, query: str, names: list[str]) -> None:
    found = get(pi_peer, "/points/search", query=query)
    assert [item["Name"] for item in found["Items"]] == names


def test_a_name_filter_lists_the_points_of_a_server(pi_peer: HistorianPeer) -> None:
    server = get(pi_peer, "/dataservers", name="MYPISERVER")["WebId"]
    found = get(pi_peer, f"/dataservers/{server}/points", nameFilter="Bulk.0000[!0-7]")
    assert [item["Name"] for item in found["Items"]] == ["Bulk.00008", "Bulk.00009"]


def test_the_states_of_a_digital_set(pi_peer: HistorianPeer) -> None:
    server = get(pi_peer, "/dataservers", name="MYPISERVER")["WebId"]
    sets = get(pi_peer, f"/dataservers/{server}/enumerationsets")["Items"]
    assert [entry["Name"] for entry in sets] == ["PumpSet"]
    found = requests.get(sets[0]["Links"]["Values"], timeout=20).json()["Items"]
    assert [(state["Name"], state["Value"]) for state in found] == [
        ("Stopped", 0),
        ("Running", 1),
        ("Störung", 2),
    ]


def test_many_points_at_once_say_which_ones_failed(pi_peer: HistorianPeer) -> None:
    paths = [r"\\MYPISERVER\Ramp", r"\\MYPISERVER\NoSuch", r"\\MYPISERVER\Mixed"]
    pi_peer.set(denied=["Mixed"])
    items = get(pi_peer, "/points/multiple", 207, path=paths)["Items"]
    assert [item["Identifier"] for item in items] == paths
    assert [bool(item["Object"]) for item in items] == [True, False, False]
    assert [bool(item["Exception"]) for item in items] == [False, True, True]
    assert get(pi_peer, "/points/multiple", path=paths[:1])["Items"][0]["Object"]["Step"] is False


# --- recorded events ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("Ticks", "2025-01-01T00:05:00Z"),
        ("Duplicates", "2025-01-01T00:05:00Z"),
        ("Flags", "2025-01-01T00:20:00Z"),
        ("Mixed", "2025-01-01T01:00:00Z"),
        ("Pump", "2025-01-01T01:00:00Z"),
        ("Errors", "2025-01-01T00:30:00Z"),
        ("Text", "2025-01-01T00:20:00Z"),
        ("Integer", "2025-01-01T00:01:00Z"),
        ("Empty", "2026-01-01T00:00:00Z"),
        ("Zähler µ|x", "2025-01-01T00:03:00Z"),
    ],
)
def test_recorded_events_are_the_tags_events(pi_peer: HistorianPeer, name: str, end: str) -> None:
    found = read(pi_peer, name, "recorded", **DAY_ONE, endTime=end)
    assert plain(found) == [told(e) for e in truth.recorded(name, DAY_ONE["startTime"], end)]


def test_time_stamps_have_no_to_seven_digits(pi_peer: HistorianPeer) -> None:
    items = read(pi_peer, "Ticks", "recorded", **DAY_ONE, endTime="2025-01-02")
    lengths = {len(item["Timestamp"].partition(".")[2]) for item in items}
    assert {0, 8} < lengths  # the Z counts
    assert not any(item["Timestamp"].endswith("0Z") and "." in item["Timestamp"] for item in items)


def test_errors_hang_on_single_values(pi_peer: HistorianPeer) -> None:
    items = read(pi_peer, "Errors", "recorded", **DAY_ONE, endTime="2025-01-01T00:09:00Z")
    marked = [index for index, item in enumerate(items) if "Errors" in item]
    assert marked == [4]
    assert items[4]["Errors"][0]["FieldName"] == "Value"


def test_more_than_max_count_is_left_out_in_silence(pi_peer: HistorianPeer) -> None:
    found = get(
        pi_peer,
        f"/streams/{path_web_id('Bursts')}/recorded",
        **DAY_ONE,
        endTime="2025-01-02",
        maxCount=2000,
    )
    assert len(found["Items"]) == 2000
    assert found["Links"] == {}
    whole = read(pi_peer, "Bursts", "recorded", **DAY_ONE, endTime="2025-01-02", maxCount=150_000)
    assert len(whole) == sum(BURST_SIZES)
    refused = get(pi_peer, f"/streams/{path_web_id('Bursts')}/recorded", 400, maxCount=150_001)
    assert "maximum allowed (150000)" in refused["Errors"][0]
    pi_peer.set(silent_cap=100)
    assert len(read(pi_peer, "Bursts", "recorded", **DAY_ONE, endTime="2025-01-02")) == 100


@pytest.mark.parametrize("name", ["Bursts", "Duplicates", "Ticks"])
def test_pages_from_the_last_instant_give_every_event_once(
    pi_peer: HistorianPeer, name: str
) -> None:
    found: list[dict[str, Any]] = []
    start, count = "2025-01-01T00:00:00Z", 700
    while True:
        window = {"startTime": start, "endTime": "2025-01-01T00:20:00Z", "maxCount": count}
        page = read(pi_peer, name, "recorded", **window)
        if len(page) < count:
            break
        last = page[-1]["Timestamp"]
        kept = [item for item in page if item["Timestamp"] != last]
        count = count if kept else count * 4  # one instant fills the whole page
        found, start = found + kept, last
    wanted = truth.recorded(name, "2025-01-01T00:00:00Z", "2025-01-01T00:20:00Z")
    assert plain(found + page) == [told(event) for event in wanted]


@pytest.mark.parametrize("boundary", ["inside", "outside", "interpolated"])
@pytest.mark.parametrize("outside", ["nearest", "strict"])
def test_boundaries(pi_peer: HistorianPeer, boundary: str, outside: str) -> None:
    pi_peer.set(outside=outside)
    for start, end in (
        ("00:01:30", "00:03:30"),
        ("00:01:00", "00:04:00"),
        ("00:10:20", "00:10:40"),
    ):
        window = (f"2025-01-01T{start}Z", f"2025-01-01T{end}Z")
        found = read(
            pi_peer,
            "Ramp",
            "recorded",
            startTime=window[0],
            endTime=window[1],
            boundaryType=boundary,
        )
        wanted = truth.recorded("Ramp", *window, boundary, outside)
        assert plain(found) == [told(event) for event in wanted]


def test_a_range_backwards_comes_newest_first(pi_peer: HistorianPeer) -> None:
    up = read(pi_peer, "Duplicates", "recorded", **DAY_ONE, endTime="2025-01-01T00:00:30Z")
    down = read(
        pi_peer,
        "Duplicates",
        "recorded",
        startTime="2025-01-01T00:00:30Z",
        endTime="2025-01-01T00:00:00Z",
    )
    assert down == up[::-1]


def test_the_order_of_keys_differs_between_versions(pi_peer: HistorianPeer) -> None:
    web_id = path_web_id("Ramp")
    assert list(get(pi_peer, f"/streams/{web_id}/value"))[-1] == "Value"
    pi_peer.set(key_order="old")
    assert list(get(pi_peer, f"/streams/{web_id}/value"))[1] == "Value"


def test_selected_fields(pi_peer: HistorianPeer) -> None:
    window = {**DAY_ONE, "endTime": "2025-01-01T00:01:00Z"}
    fields = "Items.Timestamp;Items.Value"
    items = read(pi_peer, "Ramp", "recorded", **window, selectedFields=fields)
    assert [list(item) for item in items] == [["Timestamp", "Value"]] * 2
    found = get(
        pi_peer,
        "/streamsets/recorded",
        webId=[path_web_id("Ramp"), path_web_id("Step")],
        **window,
        selectedFields="Items.WebId;Items.Items.Timestamp",
    )
    assert [list(entry) for entry in found["Items"]] == [["WebId", "Items"]] * 2
    assert list(found["Items"][1]["Items"][0]) == ["Timestamp"]


# --- interpolation and summaries ---------------------------------------------------------


@pytest.mark.parametrize("name", ["Ramp", "Mixed", "Step", "Pump", "Duplicates"])
def test_interpolated_values(pi_peer: HistorianPeer, name: str) -> None:
    end = "2025-01-01T00:12:00Z"
    items = read(pi_peer, name, "interpolated", **DAY_ONE, endTime=end, interval="37s")
    assert len(items) == 20
    for item in items:
        wanted = told(truth.interpolated(name, item["Timestamp"]))["Value"]
        assert item["Value"] == (pytest.approx(wanted) if isinstance(wanted, float) else wanted)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_days_follow_the_wall_clock_of_the_zone(pi_peer: HistorianPeer, zone: str) -> None:
    start, end = datetime(2025, 3, 28, 23, tzinfo=UTC), datetime(2025, 4, 2, 12, tzinfo=UTC)
    items = read(
        pi_peer,
        "Ramp",
        "interpolated",
        startTime=f"{start:%Y-%m-%dT%H:%M:%SZ}",
        endTime=f"{end:%Y-%m-%dT%H:%M:%SZ}",
        interval="1d",
        timeZone=zone,
    )
    wanted = truth.wall_clock_grid(start, end, 1, zone)
    assert [item["Timestamp"] for item in items] == [text_of(moment) for moment in wanted]


def test_without_a_zone_the_servers_own_counts(pi_peer: HistorianPeer) -> None:
    pi_peer.set(time_zone="America/New_York")
    items = read(pi_peer, "Ramp", "interpolated", startTime="2025-07-01", endTime="2025-07-01")
    assert items[0]["Timestamp"] == "2025-07-01T04:00:00Z"


@pytest.mark.parametrize("name", ["Ramp", "Mixed", "Step", "Duplicates"])
@pytest.mark.parametrize("basis", ["TimeWeighted", "EventWeighted"])
def test_summaries(pi_peer: HistorianPeer, name: str, basis: str) -> None:
    items = read(
        pi_peer,
        name,
        "summary",
        **DAY_ONE,
        endTime="2025-01-01T00:50:00Z",
        summaryType="All",
        summaryDuration="17m",
        calculationBasis=basis,
        timeType="EarliestTime",
    )
    edges = [f"2025-01-01T00:{minute:02d}:00Z" for minute in (0, 17, 34, 50)]
    for start, end in itertools.pairwise(edges):
        got = {i["Type"]: i["Value"] for i in items if i["Value"]["Timestamp"] == start}
        wanted = (
            truth.time_weighted(name, start, end)
            if basis == "TimeWeighted"
            else truth.event_weighted(name, start, end, closed=end == edges[-1])
        )
        for kind in ("Count", "Average", "Total", "Minimum", "Maximum", "Range", "StdDev"):
            assert got[kind]["Good"] is (kind in wanted), (kind, start)
            if kind in wanted:
                near = pytest.approx(wanted[kind], rel=1e-9, abs=1e-9)
                assert got[kind]["Value"] == near, (kind, start)


def test_a_window_without_a_good_value_has_no_average(pi_peer: HistorianPeer) -> None:
    window = {
        **DAY_ONE,
        "endTime": "2025-01-01T00:50:00Z",
        "summaryType": ["Average", "PercentGood"],
    }
    average, share = read(pi_peer, "Timeouts", "summary", **window)
    assert average["Value"]["Good"] is False
    assert average["Value"]["Value"]["IsSystem"] is True
    assert share["Value"]["Value"] == 0


def test_plot_gives_no_more_than_five_of_an_interval(pi_peer: HistorianPeer) -> None:
    items = read(pi_peer, "Mixed", "plot", **DAY_ONE, endTime="2025-01-02T00:00:00Z", intervals=10)
    assert 20 <= len(items) <= 50
    every = [told(event) for event in truth.every_event("Mixed")]
    assert all(item in every for item in plain(items))


def test_current_values_of_many_streams(pi_peer: HistorianPeer) -> None:
    pi_peer.set(now="2025-01-01T00:10:30Z")
    names = ["Ramp", "Mixed", "Pump", "Empty", "Future"]
    found = get(pi_peer, "/streamsets/value", webId=[path_web_id(name) for name in names])
    values = {item["Name"]: item["Value"] for item in found["Items"]}
    assert values["Ramp"]["Value"] == 5.0
    assert values["Mixed"]["Value"]["Name"] == "Bad Input"
    assert values["Pump"]["Value"] == {"Name": "I/O Timeout", "Value": 246, "IsSystem": True}
    assert values["Empty"]["Good"] is False
    assert values["Future"]["Timestamp"] == "2025-01-01T00:00:00Z"


# --- errors inside 200 and limits --------------------------------------------------------


def test_a_broken_stream_is_told_inside_the_200(pi_peer: HistorianPeer) -> None:
    pi_peer.fault("web_exception", "recorded", events=2, times=1)
    web_id = path_web_id("Ramp")
    window = {**DAY_ONE, "endTime": "2025-01-01T01:00:00Z", "selectedFields": "Items.Value"}
    found = get(pi_peer, f"/streams/{web_id}/recorded", **window)
    assert len(found["Items"]) == 2
    assert found["WebException"]["StatusCode"] == 502
    assert "WebException" not in get(pi_peer, f"/streams/{web_id}/recorded", **window)


def test_one_unknown_stream_of_a_set(pi_peer: HistorianPeer) -> None:
    web_ids = [path_web_id("Ramp"), path_web_id("NoSuch")]
    assert "not found" in get(pi_peer, "/streamsets/value", 404, webId=web_ids)["Errors"][0]
    pi_peer.set(streamset_unknown="items")
    found = get(pi_peer, "/streamsets/recorded", webId=web_ids, **DAY_ONE)["Items"]
    assert [("Errors" in entry) for entry in found] == [False, True]


def test_the_cap_can_count_a_whole_call(pi_peer: HistorianPeer) -> None:
    web_ids = [path_web_id(f"Bulk.{index:05d}") for index in range(3)]
    window = {**DAY_ONE, "endTime": "2025-01-01T00:59:00Z", "webId": web_ids, "maxCount": 100}
    pi_peer.set(max_returned=100)
    assert len(get(pi_peer, "/streamsets/recorded", **window)["Items"]) == 3
    pi_peer.set(cap_accounting="call")
    assert "(100)" in get(pi_peer, "/streamsets/recorded", 400, **window)["Errors"][0]


def test_a_long_query_is_refused_with_a_page(pi_peer: HistorianPeer) -> None:
    web_ids = [path_web_id(f"Bulk.{index:05d}") for index in range(80)]
    answer = requests.get(pi_peer.url + "/streamsets/value", params={"webId": web_ids}, timeout=20)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "text/html"


@pytest.mark.parametrize("form", ["seconds", "date", "none", "garbage"])
def test_the_rate_limit(pi_peer: HistorianPeer, form: str) -> None:
    pi_peer.set(rate_max=2, rate_seconds=60, retry_after=form)
    codes = [requests.get(pi_peer.url + "/system", timeout=20) for _ in range(3)]
    assert [answer.status_code for answer in codes] == [200, 200, 429]
    assert codes[2].text == "Rate limit was reached"
    header = codes[2].headers.get("Retry-After", "none")
    assert {"seconds": header.isdigit(), "date": header.endswith("GMT")}.get(
        form, header in {"none", "soon"}
    )


# --- batch -------------------------------------------------------------------------------


def post_batch(peer: HistorianPeer, calls: dict[str, Any], status: int = 207) -> Any:
    headers = {"X-Requested-With": "test"}
    answer = requests.post(peer.url + "/batch", json=calls, headers=headers, timeout=20)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_batch_with_parents_and_a_template(pi_peer: HistorianPeer) -> None:
    calls = {
        "values": {
            "Method": "GET",
            "ParentIds": ["search"],
            "Parameters": ["$.search.Content.Items[*].WebId"],
            "RequestTemplate": {"Resource": pi_peer.url + "/streams/{0}/end"},
        },
        "search": {
            "Method": "GET",
            "Resource": pi_peer.url + "/points/search?query=Tag:=Bulk.0000*",
        },
        "lost": {"Method": "GET", "Resource": f"{pi_peer.url}/streams/{path_web_id('No')}/value"},
    }
    found = post_batch(pi_peer, calls)
    assert list(found) == ["values", "search", "lost"]
    assert found["values"]["Content"]["Total"] == 10
    assert {item["Status"] for item in found["values"]["Content"]["Items"]} == {200}
    assert found["lost"]["Status"] == 404


def test_batch_needs_the_header_and_counts_each_part(pi_peer: HistorianPeer) -> None:
    call = {"Method": "GET", "Resource": pi_peer.url + "/system"}
    assert requests.post(pi_peer.url + "/batch", json={"a": call}, timeout=20).status_code == 400
    pi_peer.set(rate_max=3, rate_seconds=60)
    found = post_batch(pi_peer, {str(number): call for number in range(4)})
    assert [part["Status"] for part in found.values()] == [200, 200, 429, 429]


def test_nothing_can_be_written(pi_peer: HistorianPeer) -> None:
    url = f"{pi_peer.url}/streams/{path_web_id('Ramp')}/value"
    answer = requests.post(url, json={}, headers={"X-Requested-With": "x"}, timeout=20)
    assert answer.status_code == 405
    assert [entry["method"] for entry in pi_peer.requests()] == ["POST"]


# --- asset framework ---------------------------------------------------------------------


def test_attributes_are_streams_with_units(pi_peer: HistorianPeer) -> None:
    path = r"\\MYAFSERVER\Plant\Boiler1|Temperature"
    found = get(pi_peer, "/attributes", path=path)
    assert found["DefaultUnitsNameAbbreviation"] == "°C"
    made = base64.urlsafe_b64encode(path[2:].upper().encode()).decode().rstrip("=")
    url = f"/streams/P1AbE{made}/value"
    at = {"time": "2025-01-01T03:20:00Z"}
    assert get(pi_peer, url, **at)["Value"] == 100.0
    warm = get(pi_peer, url, desiredUnits="°F", **at)
    assert (warm["Value"], warm["UnitsAbbreviation"]) == (pytest.approx(212.0), "°F")
    assert get(pi_peer, url, 409, desiredUnits="bar", **at)["Errors"]
    paths = [path, r"\\MYAFSERVER\Plant\Boiler9|Temperature"]
    items = get(pi_peer, "/attributes/multiple", 207, path=paths)["Items"]
    assert [item["Object"] is None for item in items] == [False, True]


def test_event_frames_come_in_pages_and_some_are_open(pi_peer: HistorianPeer) -> None:
    server = get(pi_peer, "/assetservers")["Items"][0]["WebId"]
    database = get(pi_peer, f"/assetservers/{server}/assetdatabases")["Items"][0]["WebId"]
    window = {"startTime": "2025-01-01T00:00:00Z", "endTime": "2026-01-01T00:00:00Z"}
    frames: list[dict[str, Any]] = []
    while page := get(
        pi_peer, f"/assetdatabases/{database}/eventframes", **window, startIndex=len(frames)
    )["Items"]:
        frames += page
    assert len({frame["WebId"] for frame in frames}) == len(frames) == 2500
    still_open = [frame for frame in frames if frame["EndTime"].startswith("9999")]
    assert len(still_open) == 25
    some = get(pi_peer, "/eventframes/search", **window, nameFilter="Trip 000?", severity="Major")
    assert [frame["Name"] for frame in some["Items"]] == ["Trip 0004"]


# --- access ------------------------------------------------------------------------------


def test_basic_and_kerberos(pi_peer: HistorianPeer) -> None:
    knobs = pi_peer.knobs()
    right = (knobs["user"], knobs["password"].encode())
    pi_peer.set(auth="basic")
    refused = requests.get(pi_peer.url + "/system", timeout=20)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Negotiate, NTLM, Basic")
    wrong = requests.get(pi_peer.url + "/system", auth=("operator", "wrong"), timeout=20)
    assert wrong.status_code == 401
    encoded = (right[0].encode(), right[1])
    assert requests.get(pi_peer.url + "/system", auth=encoded, timeout=20).status_code == 200
    pi_peer.set(auth="kerberos")
    assert requests.get(pi_peer.url + "/system", auth=encoded, timeout=20).status_code == 401


def bearer(peer: HistorianPeer) -> dict[str, str]:
    endpoint = get(peer, "/.well-known/openid-configuration")["token_endpoint"]
    knobs = peer.knobs()
    form = {"grant_type": "client_credentials", "scope": "system"}
    form |= {"client_id": knobs["client_id"], "client_secret": knobs["client_secret"]}
    token = requests.post(endpoint, data=form, timeout=20).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


def test_a_bearer_token_expires_in_the_middle(pi_peer: HistorianPeer) -> None:
    pi_peer.set(auth="bearer", token_uses=2)
    headers = bearer(pi_peer)
    url = pi_peer.url + "/system"
    codes = [requests.get(url, headers=headers, timeout=20).status_code for _ in range(3)]
    assert codes == [200, 200, 401]
    assert requests.get(url, headers=bearer(pi_peer), timeout=20).status_code == 200


# --- faults ------------------------------------------------------------------------------

WHOLE = "/points/search?query=Tag:=Bulk*"


@pytest.mark.parametrize("kind", ["reset", "cut", "cut_reset", "length_long", "bad_gzip"])
def test_faults_that_break_the_answer(pi_peer: HistorianPeer, kind: str) -> None:
    pi_peer.fault(kind)
    with pytest.raises(requests.RequestException):
        requests.get(pi_peer.url + WHOLE, timeout=20)


@pytest.mark.parametrize(
    "kind",
    ["html_login", "empty", "garbage", "truncated", "length_short", "deep_json", "byte_order_mark"],
)
def test_faults_that_look_well_until_they_are_read(pi_peer: HistorianPeer, kind: str) -> None:
    pi_peer.set(gzip=False)
    pi_peer.fault(kind)
    answer = requests.get(pi_peer.url + WHOLE, timeout=20)
    assert answer.status_code == 200
    with pytest.raises((ValueError, RecursionError)):
        json.loads(answer.content.decode())


@pytest.mark.parametrize(
    ("kind", "options"),
    [("chunked", {}), ("no_length", {}), ("slow", {"seconds": 0.05}), ("content_type", {})],
)
def test_faults_that_lose_nothing(
    pi_peer: HistorianPeer, kind: str, options: dict[str, Any]
) -> None:
    whole = requests.get(pi_peer.url + WHOLE, timeout=20).json()
    pi_peer.fault(kind, **options)
    assert requests.get(pi_peer.url + WHOLE, timeout=20).json() == whole


@pytest.mark.parametrize("kind", ["hang", "stall", "hostile_length", "drip"])
def test_faults_that_take_for_ever(pi_peer: HistorianPeer, kind: str) -> None:
    pi_peer.fault(kind)
    with pytest.raises(requests.RequestException):
        read_for(0.5, pi_peer.url + "/system")


def read_for(seconds: float, url: str) -> None:
    """Read an answer byte by byte; one that takes longer than allowed is a timeout."""
    started = time.monotonic()
    with requests.get(url, timeout=seconds, stream=True) as answer:
        for _ in answer.iter_content(1):
            if time.monotonic() - started > seconds:
                raise requests.Timeout


def test_a_bomb_and_an_endless_answer(pi_peer: HistorianPeer) -> None:
    pi_peer.fault("gzip_bomb", megabytes=8)
    with requests.get(pi_peer.url + "/system", stream=True, timeout=20) as answer:
        packed = answer.raw.read(decode_content=False)
    assert len(packed) < 100_000
    pi_peer.fault("endless")
    with requests.get(pi_peer.url + "/system", stream=True, timeout=20) as answer:
        assert len(answer.raw.read(1 << 20)) == 1 << 20


def test_rules_choose_requests(pi_peer: HistorianPeer) -> None:
    pi_peer.set(
        faults=[
            {"kind": "proxy_error", "match": "GET .*system", "skip": 1, "times": 2},
            {"kind": "redirect", "match": "dataservers", "location": "http://127.0.0.2:9/x"},
        ]
    )
    codes = [requests.get(pi_peer.url + "/system", timeout=20).status_code for _ in range(4)]
    assert codes == [200, 502, 502, 200]
    away = requests.get(pi_peer.url + "/dataservers", timeout=20, allow_redirects=False)
    assert (away.status_code, away.headers["Location"]) == (302, "http://127.0.0.2:9/x")


def test_links_can_point_elsewhere(pi_peer: HistorianPeer) -> None:
    pi_peer.set(link_origin="http://127.0.0.2:9")
    found = get(pi_peer, "/points", path=r"\\MYPISERVER\Ramp")
    assert found["Links"]["Value"].startswith("http://127.0.0.2:9/piwebapi/streams/")
    pi_peer.set(next_links="right")
    page = get(pi_peer, "/points/search", query="Tag:=Bulk*", maxCount=10)
    assert "startIndex=10" in page["Links"]["Next"]


# --- the control interface ---------------------------------------------------------------


def test_knobs_are_set_and_set_back(pi_peer: HistorianPeer) -> None:
    with pi_peer.knob(search_max=7):
        assert pi_peer.knobs()["search_max"] == 7
    assert pi_peer.knobs()["search_max"] == 1000
    with pytest.raises(OSError, match="400"):
        pi_peer.set(no_such_knob=1)


def test_every_request_is_logged(pi_peer: HistorianPeer) -> None:
    headers = {"X-Mine": "1"}
    requests.get(f"{pi_peer.url}/points?path={quote('a b')}", headers=headers, timeout=20)
    (entry,) = pi_peer.requests()
    assert (entry["method"], entry["path"], entry["query"]) == (
        "GET",
        "/piwebapi/points",
        [["path", "a b"]],
    )
    assert entry["headers"]["x-mine"] == "1"
    pi_peer.clear_requests()
    assert pi_peer.requests() == []


def test_tls_and_restart(historian_factory: Callable[..., HistorianPeer], tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    peer = historian_factory(start_pi, bulk=1, certificate=certificate, key=key)
    assert peer.url.startswith("https://")
    good = requests.get(peer.url + "/system", verify=str(certificate), timeout=20)
    assert good.status_code == 200
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(peer.url + "/system", timeout=20)
    port = peer.port
    peer.restart()
    peer.set(gzip=False)
    assert peer.port == port
    assert requests.get(peer.url + "/system", verify=str(certificate), timeout=20).ok


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    from datetime import timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(private, hashes.SHA256())
    )
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, key
