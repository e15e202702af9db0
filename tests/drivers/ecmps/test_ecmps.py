"""Emissions reports through the public API: the same hours from JSON, XML and the export."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.peers.campd_server import KEY
from tests.peers.ecmps_truth import BAF, ODD, PLAN, STACK, STANDS, SUBSTITUTED, report, so2, xml_of
from tests.peers.historian_launch import HistorianPeer

EASTERN = timezone(timedelta(hours=-5))
BEGIN = datetime(2021, 3, 30, tzinfo=EASTERN)
END = datetime(2021, 4, 3, tzinfo=EASTERN)
HOURS = 96


def config(**more: Any) -> gd.CEMSConfig:
    return gd.CEMSConfig(
        **{
            "connector_id": "part75",
            "connector_type": "cems",
            "protocol": "ecmps",
            "location": STACK,
            "time_zone": "America/New_York",
            "timeout_seconds": 10,
            "max_retries": 1,
            "retry_min_wait": 0.01,
            "retry_max_wait": 0.05,
            **more,
        }
    )


def read(pollutants: list[str], start: Any = BEGIN, end: Any = END, **more: Any) -> pd.DataFrame:
    options = {key: more.pop(key) for key in ("shape", "errors") if key in more}
    with gd.Session([config(**more)]) as session:
        return session.cems(pollutants, start, end, **options)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two quarters: the first as JSON, the second as XML."""
    folder = tmp_path_factory.mktemp("reports")
    (folder / "2021q1.json").write_text(json.dumps(report(2021, 1)))
    (folder / "2021q2.xml").write_bytes(xml_of(report(2021, 2)))
    return folder


def test_every_hour_has_its_value_unit_and_code(files: Path) -> None:
    frame = read(["SO2C"], files=[str(files / "2021q*")])
    hours = [BEGIN + timedelta(hours=n) for n in range(HOURS)]
    assert frame["timestamp"].tolist() == [one.astimezone(UTC) for one in hours]
    for row, hour in zip(frame.to_dict("records"), hours, strict=True):
        if hour.hour == STANDS:
            assert pd.isna(row["concentration"])
            assert (row["quality_flag"], row["quality"]) == ("not_operating", "good")
            assert pd.isna(row["modc"])
        else:
            assert row["concentration"] == round(so2(hour.date(), hour.hour) * BAF, 3)
    assert list(frame.columns) == [
        "timestamp", "pollutant", "concentration", "unit", "flow_rate", "quality_flag", "modc",
        "quality",
    ]  # fmt: skip
    by_hour = {hour: frame[[one.hour == hour for one in hours]].iloc[0] for hour in range(24)}
    told = {hour: tuple(row[["quality_flag", "modc", "quality"]]) for hour, row in by_hour.items()}
    assert told[0] == ("measured", "01", "good")
    assert told[SUBSTITUTED] == ("substituted:hour_before_hour_after", "06", "uncertain")
    assert told[ODD] == ("unknown", "99", "uncertain")
    assert set(frame["unit"]) == {"ppm"}
    record = frame.attrs["provenance"]
    assert dict(record["metadata"]["basis"]["SO2C"]) == {
        "moisture": "wet",
        "reference_oxygen": None,
    }
    assert "SO2C is the adjusted hourly value of the report" in record["notes"]
    assert gd.verify(frame) == "intact"


def test_the_export_gives_the_same(files: Path, campd_peer: HistorianPeer) -> None:
    tags = ["SO2C", "NOXC", "FLOW", "SO2", "derived:CO2C", "operating_time", "load"]
    local = read(tags, files=[str(files / "2021q*")])
    remote = read(tags, server_url=campd_peer.url, monitor_plan_id=PLAN)
    pd.testing.assert_frame_equal(local, remote)
    first, second = (frame.attrs["provenance"]["response_hash"] for frame in (local, remote))
    assert first == second
    asked = [dict(one["query"]) for one in campd_peer.requests()]
    assert asked == [
        {"monitorPlanId": PLAN, "year": "2021", "quarter": "1"},
        {"monitorPlanId": PLAN, "year": "2021", "quarter": "2"},
    ]


def test_the_streaming_service_gives_the_same_derived_values(
    files: Path, campd_peer: HistorianPeer
) -> None:
    streamed = {"server_url": campd_peer.url, "facility_id": 3, "api_key": KEY}
    tags = ["SO2", "NOXR", "operating_time", "load"]
    local = read(tags, files=[str(files / "2021q*")])
    remote = read(tags, **streamed)
    pd.testing.assert_frame_equal(local, remote)
    rates = remote[remote["pollutant"] == "NOXR"].reset_index(drop=True)
    assert (rates["modc"][0], rates["quality_flag"][0]) == ("01", "measured")
    assert (rates["modc"][SUBSTITUTED], rates["quality"][SUBSTITUTED]) == ("06", "uncertain")
    days = [(q["beginDate"], q["endDate"]) for one in campd_peer.requests()
            if (q := dict(one["query"]))]  # fmt: skip
    assert days[::2] == [("2021-03-30", "2021-03-31"), ("2021-04-01", "2021-04-02")]
    with pytest.raises(gd.ReadFailed, match=r"SO2C: .*derived values only"):
        read(["SO2C", "SO2"], **streamed)
    with campd_peer.knob(stray_value=True), pytest.raises(gd.ProtocolError, match="does not have"):
        read(["SO2"], **streamed)
    campd_peer.fault("truncated", match="derived-values")
    with pytest.raises(gd.SourceUnreachable, match="in the middle"):
        read(["SO2"], **streamed, max_retries=0)
    with pytest.raises(gd.ConfigurationError, match="one location"):
        read(["SO2"], **streamed, location=None)


def test_wide_carries_basis_and_unit_per_column(files: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    tags = ["SO2C", "NOXC", "SO2", "load"]
    frame = read(tags, files=[str(files / "2021q*")], shape="wide")
    path = gd.to_parquet(frame, tmp_path / "hours.parquet")
    fields = {one.name: one.metadata for one in pq.read_schema(path)}
    assert fields["SO2C"] == {b"unit": b"ppm", b"moisture": b"wet"}
    assert fields["NOXC"] == {b"unit": b"ppm", b"moisture": b"dry"}
    assert fields["SO2"] == {b"unit": b"lb/h"}
    assert fields["load"] == {b"unit": b"MW"}


def test_adjusted_and_unadjusted_are_never_mixed(files: Path) -> None:
    path = [str(files / "2021q*")]
    plain = read(["SO2C"], files=path, hourly_value="unadjusted")
    hours = [BEGIN + timedelta(hours=n) for n in range(HOURS)]
    for row, hour in zip(plain.to_dict("records"), hours, strict=True):
        if hour.hour in (STANDS, SUBSTITUTED):
            assert pd.isna(row["concentration"])
        else:
            assert row["concentration"] == so2(hour.date(), hour.hour)
    missing = plain[[one.hour == SUBSTITUTED for one in hours]]
    assert set(missing["quality_flag"]) == {"missing"}
    nox = read(["NOXC"], files=path)
    assert "NOXC is the unadjusted hourly value of the report" in nox.attrs["provenance"]["notes"]
    assert set(nox["concentration"].dropna()) == {43.2}


def test_masses_are_no_concentrations_and_say_reported(files: Path) -> None:
    frame = read(["SO2", "SO2C"], files=[str(files / "2021q*")])
    assert "value" in frame.columns
    assert "concentration" not in frame.columns
    mass = frame[(frame["pollutant"] == "SO2") & frame["value"].notna()]
    assert set(mass["unit"]) == {"lb/h"}
    assert set(mass["quality_flag"]) == {"reported"}


def test_two_moistures_of_one_parameter_raise(tmp_path: Path) -> None:
    document = report(2021, 1, units=False)
    hour = document["hourlyOperatingData"][-1]
    hour["monitorHourlyValueData"][0]["moistureBasis"] = "D"
    path = tmp_path / "mixed.json"
    path.write_text(json.dumps(document))
    with pytest.raises(gd.ReadFailed, match=r"SO2C: .*two bases are never mixed"):
        read(["SO2C", "NOXC"], BEGIN, "2021-04-01T05:00Z", files=[str(path)])


def test_a_quarter_without_a_report_is_told(files: Path) -> None:
    path = [str(files / "2021q1.json")]
    with pytest.raises(gd.ReadFailed, match="no report of quarter 2 of 2021"):
        read(["SO2C"], files=path)
    frame = read(["SO2C"], files=path, errors="report")
    assert len(frame) == 48
    assert "quarter 2 of 2021" in frame.attrs["provenance"]["failures"]["SO2C"]


@pytest.mark.parametrize("suffix", ["json", "xml"])
def test_a_report_that_is_not_whole_is_never_used(suffix: str, tmp_path: Path) -> None:
    document = report(2021, 1, units=False)
    body = json.dumps(document).encode() if suffix == "json" else xml_of(document)
    path = tmp_path / f"half.{suffix}"
    for share in (0.0, 0.3, 0.9, 0.9999):
        path.write_bytes(body[: int(len(body) * share)])
        with pytest.raises(gd.ProtocolError, match=r"half.* is no whole emissions report"):
            read(["SO2C"], files=[str(path)])


def test_what_is_no_report_or_twice_there_is_refused(files: Path, tmp_path: Path) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><Emissions>&a;</Emissions>'
    for body, message in (
        (bomb, "document type"),
        (b"<Other></Other>", "outermost element is Other"),
        (b"<Emissions><Year>2021</Year></Emissions>", "orisCode"),
        (b'{"orisCode": 3}', "year"),
    ):
        (tmp_path / "odd.xml").write_bytes(body)
        with pytest.raises(gd.ProtocolError, match=message):
            read(["SO2C"], files=[str(tmp_path / "odd.xml")])
    (tmp_path / "again.json").write_bytes((files / "2021q1.json").read_bytes())
    with pytest.raises(gd.ProtocolError, match="both of quarter 1 of 2021"):
        read(["SO2C"], files=[str(files / "2021q*"), str(tmp_path / "again.json")])
    twice = report(2021, 1, units=False)
    twice["hourlyOperatingData"].append(twice["hourlyOperatingData"][-1])
    (tmp_path / "twice.json").write_text(json.dumps(twice))
    with pytest.raises(gd.ProtocolError, match="an hour is there twice"):
        read(["SO2C"], BEGIN, "2021-04-01T05:00Z", files=[str(tmp_path / "twice.json")])


def test_hours_that_a_report_lacks_are_counted(tmp_path: Path) -> None:
    document = report(2021, 1, units=False)
    hours = document["hourlyOperatingData"]
    document["hourlyOperatingData"] = [*hours[:-20], *hours[-17:]]
    path = tmp_path / "short.json"
    path.write_text(json.dumps(document))
    told = "the reports have no rows for 3 of 48 hours"
    with pytest.warns(gd.GreenLangWarning, match=told):
        frame = read(["SO2C"], BEGIN, "2021-04-01T05:00Z", files=[str(path)])
    assert len(frame) == 45
    assert told in " ".join(frame.attrs["provenance"]["notes"])


@pytest.mark.parametrize("word", ["NaN", "nan", "Infinity", "-inf"])
def test_a_word_for_no_number_is_no_value(tmp_path: Path, word: str) -> None:
    body = xml_of(report(2021, 1, units=False)).replace(b">43.2<", f">{word}<".encode())
    path = tmp_path / "odd.xml"
    path.write_bytes(body)
    with pytest.raises(gd.ProtocolError, match=r"odd.xml is no whole .*no finite number"):
        read(["NOXC"], BEGIN, "2021-04-01T05:00Z", files=[str(path)])


def test_elements_that_no_report_has_do_no_harm(tmp_path: Path) -> None:
    body = xml_of(report(2021, 1, units=False))
    path = tmp_path / "odd.xml"
    for element in (b"<year>2020</year>", b"<_/>", b"<Note>a<b>1</b>c</Note>"):
        path.write_bytes(body.replace(b"<Year>", element + b"<Year>", 1))
        frame = read(["NOXC"], BEGIN, "2021-04-01T05:00Z", files=[str(path)])
        assert len(frame) == 48


def test_a_report_of_another_plant_or_with_hours_of_another_quarter_is_refused(
    files: Path, tmp_path: Path
) -> None:
    path = [str(files / "2021q*")]
    assert len(read(["SO2C"], files=path, facility_id=3)) == HOURS
    with pytest.raises(gd.ProtocolError, match=r"2021q1.json is of facility 3, and not of 4"):
        read(["SO2C"], files=path, facility_id=4)
    document = report(2021, 1, units=False)
    document["hourlyOperatingData"][-1]["date"] = "2021-04-01"
    (tmp_path / "odd.json").write_text(json.dumps(document))
    with pytest.raises(gd.ProtocolError, match="2021-04-01 is not in quarter 1 of 2021"):
        read(["SO2C"], BEGIN, "2021-04-01T05:00Z", files=[str(tmp_path / "odd.json")])


def test_questions_that_a_report_cannot_answer(files: Path, campd_peer: HistorianPeer) -> None:
    path = [str(files / "2021q*")]
    with pytest.raises(gd.QueryError, match=f"reports are of 1, {STACK}. Set location"):
        read(["SO2C"], files=path, location=None)
    with pytest.raises(gd.UnknownTagError, match="no 'HG'"):
        read(["HG"], files=path)
    with pytest.raises(gd.SourceError, match=r"no file .*nowhere"):
        read(["SO2C"], files=[str(files / "nowhere*.xml")])
    with (
        campd_peer.knob(other_year=1),
        pytest.raises(gd.ProtocolError, match="another quarter"),
    ):
        read(["SO2C"], server_url=campd_peer.url, monitor_plan_id=PLAN)
    with pytest.raises(gd.ProtocolError, match="404"):
        read(["SO2C"], server_url=campd_peer.url, monitor_plan_id="MDC-NONE")
    with pytest.raises(ValueError, match="files or monitor_plan_id or facility_id are needed"):
        config()
    with pytest.raises(ValueError, match="facility_unit is for campd"):
        config(files=path, facility_unit="3")


def test_an_export_that_is_cut_is_never_used(campd_peer: HistorianPeer) -> None:
    for kind in ("cut", "truncated", "length_short"):
        campd_peer.fault(kind)
        with pytest.raises((gd.SourceUnreachable, gd.ProtocolError)):
            read(["SO2C"], server_url=campd_peer.url, monitor_plan_id=PLAN, max_retries=0)


OWN = {"99": {"flag": "measured:bypass", "counts_as": "measured"},
       "06": {"flag": "substituted:petition", "counts_as": "substituted"}}  # fmt: skip


def test_codes_and_units_can_be_those_of_the_site(files: Path) -> None:
    asked = {"files": [str(files / "2021q*")], "parameter_units": {"SO2C": "ppm_wet"}}
    frame = read(["SO2C", "NOXC"], modc=OWN, **asked)
    usual = read(["SO2C", "NOXC"], files=asked["files"])
    hours = frame["timestamp"].dt.tz_convert(EASTERN).dt.hour
    for hour, flag, quality in (
        (ODD, "measured:bypass", "good"),
        (SUBSTITUTED, "substituted:petition", "uncertain"),
        (0, "measured", "good"),
    ):
        told = frame[(hours == hour) & (frame["pollutant"] == "SO2C")]
        assert set(told["quality_flag"]) == {flag}
        assert set(told["quality"]) == {quality}
    assert set(frame.loc[frame["pollutant"] == "SO2C", "unit"]) == {"ppm_wet"}
    assert set(frame.loc[frame["pollutant"] == "NOXC", "unit"]) == {"ppm"}
    assert frame["modc"].equals(usual["modc"])


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"modc": {"1": OWN["99"]}}, "did you mean '01'"),
        ({"modc": {"23": {**OWN["99"], "flag": "mesured"}}}, "did you mean 'measured'"),
        ({"modc": {"23": {**OWN["99"], "counts_as": "measure"}}}, "'measured'"),
        ({"modc": {"23": {**OWN["06"], "counts_as": "measured"}}}, "cannot count as measured"),
        ({"modc": {"23": {**OWN["99"], "flags": "x"}}}, "flags"),
        ({"parameter_units": {"SO2c": "ppm"}}, "did you mean 'SO2C'"),
        ({"parameter_units": {"load": "MW"}}, "no parameter with a unit"),
    ],
)
def test_a_wrong_key_of_a_table_is_an_error_with_the_nearest(more: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        config(files=["a.json"], **more)


def test_hours_that_a_report_lacks_are_told_at_once(tmp_path: Path) -> None:
    whole = report(2021, 2)
    rows = whole["hourlyOperatingData"]
    whole["hourlyOperatingData"] = rows[:30] + rows[33:]
    path = tmp_path / "2021q2.json"
    path.write_text(json.dumps(whole))
    begin = datetime(2021, 4, 1, tzinfo=EASTERN)
    told = r"no rows for 3 of 48 hours \(the first of 2021-04-02T11:00:00Z\)"
    with pytest.warns(gd.GreenLangWarning, match=told):
        frame = read(["SO2C"], begin, begin + timedelta(days=2), files=[str(path)])
    assert len(frame) == 45
