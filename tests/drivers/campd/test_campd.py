"""CAMPD through the public API: every hour once, in UTC, with EPA's flags, or an error."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import greenlang_data as gd
from greenlang_data.drivers.standard_time import quarters
from tests.drivers.campd.helpers import campd_config
from tests.peers.campd_server import KEY
from tests.peers.campd_truth import flag, operating_time, so2_mass
from tests.peers.historian_launch import HistorianPeer

CENTRAL = timezone(timedelta(hours=-6))
BEGIN = datetime(2021, 3, 12, tzinfo=CENTRAL)  # summer time began on the 14th, and does not matter
END = datetime(2021, 3, 16, tzinfo=CENTRAL)
WAYS = pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "paged"])


def read(
    peer: HistorianPeer, pollutants: list[str], start: Any = BEGIN, end: Any = END, **more: Any
) -> pd.DataFrame:
    shape = more.pop("shape", None)
    errors = more.pop("errors", "raise")
    resolution = more.pop("resolution", None)
    with gd.Session([campd_config(peer, **more)]) as session:
        return session.cems(pollutants, start, end, resolution, shape=shape, errors=errors)


def hours(start: datetime, end: datetime) -> list[datetime]:
    """Every hour of local standard time, as aware datetimes."""
    return [start + timedelta(hours=n) for n in range(int((end - start) / timedelta(hours=1)))]


@WAYS
def test_every_hour_is_there_once_in_utc(campd_peer: HistorianPeer, streaming: bool) -> None:
    frame = read(campd_peer, ["SO2"], streaming=streaming, rows_per_page=100)
    expected = hours(BEGIN, END)
    assert frame["timestamp"].tolist() == [one.astimezone(UTC) for one in expected]
    assert frame["value"].tolist() == [so2_mass("1", one.date(), one.hour) for one in expected]
    assert set(frame["unit"]) == {"lb"}
    assert set(frame["quality_flag"]) == {"measured"}
    assert list(frame.columns) == [
        "timestamp", "pollutant", "value", "unit", "flow_rate", "quality_flag", "quality",
    ]  # fmt: skip
    assert gd.verify(frame) == "intact"
    wanted = 1 if streaming else 3  # 3 units of 96 hours on pages of 100 rows
    assert frame.attrs["provenance"]["requests"] == wanted


@WAYS
def test_flags_stand_still_and_null_is_not_zero(campd_peer: HistorianPeer, streaming: bool) -> None:
    one_day = (BEGIN, BEGIN + timedelta(days=1))
    frame = read(campd_peer, ["SO2", "operating_time"], *one_day, facility_unit="2",
                 streaming=streaming)  # fmt: skip
    so2 = frame[frame["pollutant"] == "SO2"].reset_index(drop=True)
    for hour in range(24):
        row = so2.iloc[hour]
        if operating_time("2", hour) == 0:
            assert pd.isna(row["value"])
            assert (row["quality_flag"], row["quality"]) == ("not_operating", "good")
        else:
            assert row["value"] == so2_mass("2", BEGIN.date(), hour)
    assert (so2["quality_flag"][7], so2["quality"][7]) == ("substituted", "uncertain")
    assert (so2["quality_flag"][8], so2["quality"][8]) == ("partly_substituted", "uncertain")
    times = frame[frame["pollutant"] == "operating_time"]["value"].tolist()
    assert times == [operating_time("2", hour) for hour in range(24)]


def test_an_unknown_flag_is_kept_and_uncertain_until_the_user_says(
    campd_peer: HistorianPeer,
) -> None:
    assert flag("CT1", 0) == "LME"
    frame = read(campd_peer, ["SO2"], facility_unit="CT1")
    assert set(frame["quality_flag"]) == {"LME"}
    assert set(frame["quality"]) == {"uncertain"}
    frame = read(campd_peer, ["SO2"], facility_unit="CT1", measure_flags={"LME": "good"})
    assert set(frame["quality"]) == {"good"}


def test_wide_has_a_unit_per_column_and_native_names_count(campd_peer: HistorianPeer) -> None:
    frame = read(campd_peer, ["SO2", "noxRate", "gross_load", "CO2"], shape="wide")
    assert dict(frame.attrs["provenance"]["units"]) == {
        "SO2": "lb",
        "noxRate": "lb/mmBtu",
        "gross_load": "MW",
        "CO2": "short tons",
    }
    assert frame["gross_load"].tolist() == [250.0] * len(frame)


def test_the_key_goes_into_a_header_and_nowhere_else(campd_peer: HistorianPeer) -> None:
    frame = read(campd_peer, ["SO2"])
    requests = campd_peer.requests()
    assert {one["headers"]["x-api-key"] for one in requests} == {KEY}
    assert all(KEY not in one["target"] for one in requests)
    assert {one["method"] for one in requests} == {"GET"}
    assert KEY not in str(frame.attrs)
    assert KEY not in repr(campd_config(campd_peer))


def test_a_refused_key_says_so_without_telling_it(campd_peer: HistorianPeer) -> None:
    with pytest.raises(gd.AuthenticationError, match="API_KEY_INVALID") as caught:
        read(campd_peer, ["SO2"], api_key="wrong-s3cret")
    assert "wrong-s3cret" not in str(caught.value)
    with pytest.raises(gd.AuthenticationError, match="API_KEY_MISSING"):
        read(campd_peer, ["SO2"], api_key=None)
    assert len(campd_peer.requests()) == 2, "a refused login is not tried again"


def test_days_that_are_not_published_are_refused_with_epas_words(
    campd_peer: HistorianPeer,
) -> None:
    with pytest.raises(gd.QueryError, match=r"quarter ending on 12/31/2025.*publishes by quarter"):
        read(campd_peer, ["SO2"], "2026-01-01", "2026-01-02")


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "cut"},
        {"kind": "cut_reset"},
        {"kind": "truncated"},
        {"kind": "length_long"},
        {"kind": "length_short"},
        {"kind": "chunked", "ends": False},
    ],
    ids=lambda fault: fault["kind"],
)
@WAYS
def test_an_answer_that_is_not_whole_is_never_used(
    campd_peer: HistorianPeer, fault: dict[str, Any], streaming: bool
) -> None:
    options = {key: value for key, value in fault.items() if key != "kind"}
    campd_peer.fault(fault["kind"], **options)
    with pytest.raises((gd.SourceUnreachable, gd.ProtocolError)):
        read(campd_peer, ["SO2"], streaming=streaming, max_retries=0)


def test_a_stream_that_ends_without_its_bracket_is_asked_for_again(
    campd_peer: HistorianPeer,
) -> None:
    with campd_peer.knob(unclosed=1):
        frame = read(campd_peer, ["SO2"])
    assert len(frame) == 96
    assert frame.attrs["provenance"]["attempts"] == 2
    with campd_peer.knob(unclosed=9), pytest.raises(gd.SourceUnreachable, match="in the middle"):
        read(campd_peer, ["SO2"])


@pytest.mark.parametrize("knob", [{"lying_count": 5}, {"lying_count": -5}, {"torn_count": True}])
def test_pages_that_do_not_add_up_are_never_used(
    campd_peer: HistorianPeer, knob: dict[str, Any]
) -> None:
    with campd_peer.knob(**knob), pytest.raises(gd.SourceUnreachable, match="counted"):
        read(campd_peer, ["SO2"], streaming=False, rows_per_page=100, max_retries=0)


def test_what_was_read_before_a_429_is_not_asked_for_again(campd_peer: HistorianPeer) -> None:
    """Three quarters; the second is refused once."""
    campd_peer.fault(
        "status", match="2021-04-01", times=1, status=429, headers={"Retry-After": "0"},
        body={"error": {"code": "OVER_RATE_LIMIT", "message": "Slow down."}},
    )  # fmt: skip
    start, end = datetime(2021, 1, 1, tzinfo=CENTRAL), datetime(2021, 8, 1, tzinfo=CENTRAL)
    frame = read(campd_peer, ["SO2"], start, end)
    assert frame["timestamp"].tolist() == [one.astimezone(UTC) for one in hours(start, end)]
    begun = [dict(one["query"])["beginDate"] for one in campd_peer.requests()]
    assert begun == ["2021-01-01", "2021-04-01", "2021-04-01", "2021-07-01"]


def test_reads_at_the_same_time_do_not_lose_each_other_s_quarters(
    campd_peer: HistorianPeer,
) -> None:
    windows = [
        (datetime(year, 1, 1, tzinfo=CENTRAL), datetime(year, 12, 31, tzinfo=CENTRAL))
        for year in (2020, 2020, 2021, 2022)
    ]
    found: dict[int, list[datetime]] = {}
    with gd.Session([campd_config(campd_peer)]) as session:

        def one(number: int) -> None:
            found[number] = session.cems(["SO2"], *windows[number])["timestamp"].tolist()

        threads = [threading.Thread(target=one, args=(n,)) for n in range(len(windows))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    for number, window in enumerate(windows):
        assert found[number] == [hour.astimezone(UTC) for hour in hours(*window)]


def test_rows_nobody_asked_for_are_refused(campd_peer: HistorianPeer) -> None:
    row = {"facilityId": 3, "unitId": "1", "date": "2021-03-12", "hour": 0, "opTime": 1}
    for change, message in (
        ({}, "twice"),
        ({"facilityId": 4}, "not asked for"),
        ({"date": "2021-05-01"}, "not asked for"),
        ({"hour": 24}, "0 to 23"),
        ({"opTime": "1"}, "understood"),
        ({"date": "03/12/2021"}, "a date is none"),
    ):
        with (
            campd_peer.knob(extra_row={**row, **change}),
            pytest.raises(gd.ProtocolError, match=message),
        ):
            read(campd_peer, ["SO2"])


def test_units_and_names_that_there_are_not(campd_peer: HistorianPeer) -> None:
    with pytest.raises(gd.QueryError, match=r"units 1, 2, CT1, and no '9'"):
        read(campd_peer, ["SO2"], facility_unit="9")
    with pytest.raises(gd.QueryError, match=r"units 1, 2, CT1\. Set facility_unit"):
        read(campd_peer, ["SO2"], facility_unit=None)
    with pytest.raises(gd.UnknownTagError, match="no 'mercury'"):
        read(campd_peer, ["mercury"])
    with pytest.raises(gd.UnsupportedError, match="no one average"):
        read(campd_peer, ["SO2"], resolution="day")


def test_hours_that_are_not_there_are_counted(campd_peer: HistorianPeer) -> None:
    start = datetime(1994, 12, 31, tzinfo=CENTRAL)
    told = r"CAMPD has no rows for 24 of 48 hours \(the first of 1994-12-31T06:00:00Z\)"
    with pytest.warns(gd.GreenLangWarning, match=told):
        frame = read(campd_peer, ["SO2"], start, start + timedelta(days=2))
    assert len(frame) == 24
    assert "no rows for 24 of 48 hours" in " ".join(frame.attrs["provenance"]["notes"])
    with pytest.warns(gd.GreenLangWarning, match="24 of 24 hours"):
        assert len(read(campd_peer, ["SO2"], start, start + timedelta(days=1))) == 0


def test_wrong_configurations_say_what_is_wrong(campd_peer: HistorianPeer) -> None:
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"facility_id": None}, "facility_id is needed"),
        ({"time_zone": None}, "time_zone is needed"),
        ({"time_zone": "Central"}, "no time zone 'Central'"),
        ({"endpoint": "plc:502"}, "endpoint is for modbus"),
        ({"token": "abc"}, "token is for other web systems"),
    ]
    for wrong, message in wrongs:
        with pytest.raises(ValueError, match=message):
            campd_config(campd_peer, **wrong)


@given(st.dates(date(1995, 1, 1), date(2030, 1, 1)), st.integers(0, 1000))
def test_quarters_cover_every_day_once(begin: date, length: int) -> None:
    end = begin + timedelta(days=length)
    spans = quarters(begin, end)
    assert [spans[0][0], spans[-1][1]] == [begin, end]
    for (_, last), (first, _) in pairwise(spans):
        assert first - last == timedelta(days=1)
    assert all((a.year, (a.month - 1) // 3) == (b.year, (b.month - 1) // 3) for a, b in spans)


def test_a_key_never_goes_out_in_clear_text(campd_peer: HistorianPeer) -> None:
    with pytest.raises(gd.ConfigurationError, match="in clear text"):
        read(campd_peer, ["SO2"], server_url="http://api.epa.example/easey")
