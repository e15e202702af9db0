"""Proficy through the public API: each sample once, typed, with its quality, or an error."""

from __future__ import annotations

import statistics
from datetime import timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import greenlang_data as gd
from greenlang_data.drivers.base import ReadLog, Snapshot
from greenlang_data.drivers.proficy import ProficyDriver
from greenlang_data.drivers.proficy.samples import Sample, columns_of, decode_data
from greenlang_data.errors import (
    AuthenticationError,
    ProtocolError,
    ReadFailed,
    UnknownTagError,
    UnsupportedError,
)
from greenlang_data.runtime import get_runtime
from tests.drivers.piwebapi import helpers
from tests.drivers.piwebapi.helpers import DAY, truth
from tests.peers.historian_launch import HistorianPeer
from tests.peers.historian_series import good_span
from tests.peers.historian_tags import catalogue, ticks_of

HOUR = timedelta(hours=1)
LOGIN = {"client_id": "historian-client", "client_secret": "s3cret-client"}
PERSON = {"username": "operator", "password": "s3cret-Pässword"}


def config(peer: HistorianPeer, **more: Any) -> gd.HistorianConfig:
    mine = {"connector_id": "ge", "historian_type": "ge", "max_retries": 1, **LOGIN}
    return helpers.config(peer, **{**mine, **more})


def session(peer: HistorianPeer, **more: Any) -> gd.Session:
    return gd.Session([config(peer, **more)])


def expected(tag: str, hours: float = 1) -> list[object]:
    return [event.value for event in truth(tag, DAY, DAY + hours * HOUR)]


@pytest.mark.parametrize("excludes", [True, False])
@pytest.mark.parametrize("tag", ["Ramp", "Step", "Duplicates", "Integer", "Text"])
def test_each_sample_once_also_at_the_start(
    proficy_peer: HistorianPeer, tag: str, excludes: bool
) -> None:
    with proficy_peer.knob(raw_excludes_start=excludes), session(proficy_peer) as s:
        frame = s.historian([tag], DAY, DAY + HOUR)
    assert frame[tag].tolist() == expected(tag)
    assert frame.index[0] == DAY


@pytest.mark.parametrize("scope", ["query", "tag"])
def test_a_window_too_large_is_split(proficy_peer: HistorianPeer, scope: str) -> None:
    with proficy_peer.knob(max_samples=1000, size_scope=scope), session(proficy_peer) as s:
        frame = s.historian(["Million", "Ramp"], DAY, DAY + HOUR, shape="long")
        with pytest.raises(ProtocolError, match="in one millisecond"):
            s.historian(["Bursts"], DAY, DAY + HOUR)
    for tag in ("Million", "Ramp"):
        assert frame.loc[frame["tag"] == tag, "value"].tolist() == expected(tag)


def test_what_is_bad_has_no_value(proficy_peer: HistorianPeer) -> None:
    with session(proficy_peer) as s:
        frame = s.historian(["Mixed", "Flags"], DAY, DAY + HOUR, shape="long")
    mixed, events = frame[frame["tag"] == "Mixed"], truth("Mixed", DAY, DAY + HOUR)
    assert (mixed["quality"] == "bad").tolist() == [not event.good for event in events]
    assert mixed["value"].isna().tolist() == [not event.good for event in events]
    assert set(mixed["status"]) == {"Good", "Bad"}
    uncertain = frame.loc[frame["tag"] == "Flags", "quality"] == "uncertain"
    flags = truth("Flags", DAY, DAY + HOUR)
    assert uncertain.sum() == sum(one.questionable or one.substituted for one in flags)


@pytest.mark.parametrize("unknown", ["tag", "top"])
def test_an_unknown_tag_loses_no_other(proficy_peer: HistorianPeer, unknown: str) -> None:
    tags = ["Ramp", "Nope", "Step", "Plant 1/FIC-101;PV"]
    with proficy_peer.knob(unknown_tag=unknown), session(proficy_peer) as s:
        frame = s.historian(tags, DAY, DAY + HOUR, errors="report")
        with pytest.raises(UnknownTagError, match="Nope"):
            s.historian(tags[:3], DAY, DAY + HOUR)
    assert frame["Step"].dropna().tolist() == expected("Step")
    assert "Nope" in frame.attrs["provenance"]["failures"]


@pytest.mark.parametrize("stamp", ["start", "end"])
def test_a_time_weighted_average_is_stamped_with_its_start(
    proficy_peer: HistorianPeer, stamp: str
) -> None:
    with proficy_peer.knob(interval_stamp=stamp), session(proficy_peer) as s:
        frame = s.historian(["Ramp", "Step"], DAY, DAY + 1.5 * HOUR, "1h", "time_avg")
        line = s.historian(["Ramp"], DAY, DAY + HOUR, "20min", "interpolated")
    assert list(frame.index) == [DAY, DAY + HOUR]
    assert frame["Ramp"].tolist() == pytest.approx([15.0, 37.5])
    assert frame["Step"].tolist() == pytest.approx([29.5, 74.5])
    assert line["Ramp"].tolist() == pytest.approx([0, 10, 20])


@pytest.mark.parametrize("minutes", [7, 20, 50])
def test_percent_good_counts_how_long_a_good_sample_held(
    proficy_peer: HistorianPeer, minutes: int
) -> None:
    start, end, step = DAY + timedelta(minutes=3.5), DAY + 2 * HOUR, timedelta(minutes=minutes)
    with session(proficy_peer) as s:
        frame = s.historian(
            ["Mixed", "Timeouts", "Text", "Empty"], start, end, f"{minutes}min", "percent_good"
        )
        early = s.historian(["Ramp"], DAY - HOUR, DAY + HOUR, "90min", "percent_good")
        failed = s.historian(["Nope"], start, end, "1h", "percent_good", errors="report")
    edges = [start + step * n for n in range(-(-(end - start) // step))]
    for edge in edges:
        low, high = ticks_of(edge), ticks_of(min(edge + step, end))
        share = 100 * good_span(catalogue()["Mixed"], low, high) / (high - low)
        assert frame.loc[pd.Timestamp(edge), "Mixed"] == pytest.approx(share)
    assert set(frame["Timeouts"]) == set(frame["Empty"]) == {0}
    assert set(frame["Text"]) == {100}
    assert early["Ramp"].tolist() == pytest.approx([100 / 3, 100])
    assert frame.attrs["provenance"]["units"]["Mixed"] == "%"
    assert "percent_good computed here" in frame.attrs["provenance"]["notes"][0]
    assert list(failed.attrs["provenance"]["failures"]) == ["Nope"]


def test_held_values_are_not_interpolated(proficy_peer: HistorianPeer) -> None:
    start = DAY + timedelta(seconds=30)
    with session(proficy_peer) as s:
        held = s.historian(["Ramp", "Text"], start, start + HOUR, "20min", "held", shape="long")
        line = s.historian(["Ramp"], start, start + HOUR, "20min", "interpolated")
    ramp, text = (held[held["tag"] == tag] for tag in ("Ramp", "Text"))
    assert ramp["value"].tolist() == [0, 10, 20]
    assert ramp["timestamp"].tolist() == [start + n * HOUR / 3 for n in range(3)]
    assert text["text"].tolist() == [expected("Text")[n] for n in (0, 20, 40)]
    assert line["Ramp"].tolist() == pytest.approx([0.25, 10.25, 20.25])
    asked = [dict(one["query"]) for one in proficy_peer.requests() if "sampled" in one["path"]]
    assert [one["samplingMode"] for one in asked] == ["7"]


def test_a_trend_has_the_ends_of_each_interval(proficy_peer: HistorianPeer) -> None:
    with session(proficy_peer) as s:
        frame = s.historian(["Ramp"], DAY, DAY + HOUR, "20min", "plot")
        failed = s.historian(["Ramp", "Nope"], DAY, DAY + HOUR, "20min", "plot", errors="report")
        with proficy_peer.knob(max_samples=2), pytest.raises(ReadFailed, match="ask for fewer"):
            s.historian(["Ramp"], DAY, DAY + HOUR, "20min", "plot")
    values = frame["Ramp"].tolist()
    assert values == [0, 10, 10, 20, 20]  # the last, 30, is at the end, which is not of the window
    assert frame.index[0] == DAY
    assert "thinned by the server" in frame.attrs["provenance"]["notes"][0]
    assert list(failed.attrs["provenance"]["failures"]) == ["Nope"]


def test_what_is_computed_here_says_so(proficy_peer: HistorianPeer) -> None:
    with session(proficy_peer) as s:
        frame = s.historian(["Ramp"], DAY, DAY + HOUR, "30min", "avg")
        with pytest.raises(ReadFailed, match="avg is not defined"):
            s.historian(["Text"], DAY, DAY + HOUR, "30min", "avg")
        with pytest.raises(UnsupportedError, match=r"no aggregation 'PercentBad'.*time_avg"):
            s.historian(["Ramp"], DAY, DAY + HOUR, "30min", "PercentBad")
    values = [float(value) for value in expected("Ramp")]  # type: ignore[arg-type]
    halves = [statistics.fmean(values[:30]), statistics.fmean(values[30:])]
    assert frame["Ramp"].tolist() == halves
    assert frame.attrs["provenance"]["notes"] == ["avg computed here from raw samples"]


@pytest.mark.parametrize("login", [LOGIN, {**LOGIN, **PERSON}])
def test_tokens_are_fetched_and_renewed(proficy_peer: HistorianPeer, login: dict[str, str]) -> None:
    with proficy_peer.knob(token_uses=2), session(proficy_peer, **login) as s:
        for _ in range(5):
            assert s.historian(["Ramp"], DAY, DAY + HOUR)["Ramp"].tolist() == expected("Ramp")
    asked = [one["path"] for one in proficy_peer.requests()]
    assert asked.count("/uaa/oauth/token") == 3


def test_a_wrong_password_is_told_without_it(proficy_peer: HistorianPeer) -> None:
    wrong = {**PERSON, "password": "not-this-one"}
    with session(proficy_peer, **wrong) as s, pytest.raises(AuthenticationError) as caught:
        s.historian(["Ramp"], DAY, DAY + HOUR)
    assert "not-this-one" not in str(caught.value)
    assert len(proficy_peer.requests()) == 1


@pytest.mark.parametrize("kind", ["proxy_error", "cut", "reset"])
def test_what_passes_is_tried_again(proficy_peer: HistorianPeer, kind: str) -> None:
    proficy_peer.fault(kind, "datapoints", times=1)
    with session(proficy_peer) as s:
        frame = s.historian(["Ramp"], DAY, DAY + HOUR)
    assert frame["Ramp"].tolist() == expected("Ramp")
    assert frame.attrs["provenance"]["attempts"] == 2


def test_current_values_and_names(proficy_peer: HistorianPeer) -> None:
    async def both() -> tuple[pa.Table, pa.Table]:
        driver, log = ProficyDriver(config(proficy_peer)), ReadLog()
        await driver.connect()
        await driver.ping()
        now = [one async for one in driver.read(Snapshot(("Ramp", "Nope", "Timeouts")), log)]
        names = [one async for one in driver.list_tags(log)]
        await driver.close()
        return pa.Table.from_batches(now), pa.Table.from_batches(names)

    now, names = get_runtime().run(both())
    rows = now.to_pylist()
    assert rows[0]["value"] == catalogue()["Ramp"].slot(525_599)[0].value
    assert rows[1]["failure"].startswith("unknown tag")
    assert (rows[2]["value"], rows[2]["quality"]) == (None, "bad")
    assert set(catalogue()) <= set(names.column("tag_id").to_pylist())


@pytest.mark.parametrize(
    ("kind", "data_type", "sent", "value", "text"),
    [
        ("Float", "Float", "0.1", 0.1, None),
        ("Int64", "Int64", str(2**53 + 1), None, str(2**53 + 1)),
        ("UInt64", "UInt64", str(2**64 - 1), None, str(2**64 - 1)),
        ("Byte", "Byte", "255", 255.0, None),
        ("Bool", "Boolean", "true", 1.0, None),
        ("Bool", "Boolean", "0", 0.0, None),
        ("FixedString", "FixedString", "007", None, "007"),
        (None, "Unknown", "007", None, "007"),
        (14, "14", "1.5", None, "1.5"),
    ],
)
def test_a_text_becomes_what_its_tag_is(
    kind: str | int | None, data_type: str, sent: str, value: float | None, text: str | None
) -> None:
    columns = columns_of([Sample("2025-01-01T00:00:00.001Z", sent, 3)], kind)
    row = columns.batch("tag").to_pylist()[0]
    assert (row["value"], row["text"], row["quality"]) == (value, text, "good")
    assert columns.kind == data_type


@pytest.mark.parametrize(
    "sent", ["NaN", "1,5", "Infinity", "", None, "1_0", "\u0661\u0660", "\uff11", "0x10"]
)
def test_a_number_that_is_none_is_bad(sent: str | None) -> None:
    columns = columns_of([Sample("2025-01-01T00:00:00Z", sent, 3)], "Float")
    row = columns.batch("tag").to_pylist()[0]
    assert (row["value"], row["quality"], row["status"]) == (None, "bad", "NA")


@pytest.mark.parametrize("quality", [None, 4, -1])
def test_a_quality_that_is_not_known_is_refused(quality: int | None) -> None:
    with pytest.raises(ValueError, match="quality"):
        columns_of([Sample("2025-01-01T00:00:00Z", "1", quality)], "Float")


@pytest.mark.parametrize("samples", [b"", b', "Samples": null'])
def test_a_tag_without_samples_or_an_error_is_no_empty_one(samples: bytes) -> None:
    tag = b'{"TagName": "A", "ErrorCode": 0, "DataType": "Float"%s}' % samples
    answered = decode_data(b'{"ErrorCode": 0, "Data": [%s]}' % tag)
    assert answered.items[0].columns is None
