"""Records of a data acquisition system: as its map says, and never as they merely look."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import greenlang_data as gd
from greenlang_data.drivers.dahs.series import _numbers
from greenlang_data.settings.dahs import DahsSettings

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2025, 1, 10, tzinfo=BERLIN)
END = START + timedelta(hours=2)
COLUMNS: list[dict[str, Any]] = [
    {"tag": "NOx", "column": "NOx [mg/Nm3]", "unit": "mg/Nm3", "moisture": "dry",
     "reference_oxygen": 11.0, "flag_column": "NOx Status"},
    {"tag": "O2", "column": "O2", "unit": "%", "moisture": "dry", "without_flag": True},
    {"tag": "flow_rate", "column": "Flow", "unit": "Nm3/h", "moisture": "dry",
     "without_flag": True},
]  # fmt: skip
FLAGS = {"G": "measured", "K": "calibration", "W": "maintenance", "S": "fault", "E": "substituted"}


def flag(minute: int) -> str:
    return {3: "K", 4: "W", 5: "S", 6: "E", 7: "X"}.get(minute, "G")


def nox(minute: int) -> float:
    return 450.0 if flag(minute) == "K" else 120.25 + minute


def lines(minutes: int = 120, start: datetime = START) -> list[str]:
    """The export of a German system: decimal commas, local times at the end of each minute."""
    found = ["Zeit;NOx [mg/Nm3];NOx Status;O2;Flow"]
    for minute in range(minutes):
        end = start.replace(tzinfo=None) + timedelta(minutes=minute + 1)
        value = f"{nox(minute):.2f}".replace(".", ",")
        found.append(f"{end:%d.%m.%Y %H:%M};{value};{flag(minute)};6,5;51234,5")
    return found


def write(path: Path, text: list[str], end: str = "\n") -> str:
    path.write_text("\n".join(text) + end, encoding="latin-1")
    return str(path)


def config(**more: Any) -> gd.CEMSConfig:
    csv = {
        "protocol": "dahs_csv",
        "delimiter": ";",
        "decimal": ",",
        "encoding": "latin-1",
        "timestamp_format": "%d.%m.%Y %H:%M",
    }
    return gd.CEMSConfig(
        **{
            "connector_id": "dahs",
            "connector_type": "cems",
            "columns": COLUMNS,
            "flags": FLAGS,
            "timestamp_column": "Zeit",
            "time_zone": "Europe/Berlin",
            "stamp": "end",
            "period": "1min",
            "max_retries": 0,
            **({} if more.get("protocol") == "dahs_sql" else csv),
            **more,
        }
    )


def read(pollutants: list[str], start: Any = START, end: Any = END, **more: Any) -> pd.DataFrame:
    options = {key: more.pop(key) for key in ("shape", "resolution", "errors") if key in more}
    with gd.Session([config(**more)]) as session:
        return session.cems(pollutants, start, end, **options)


def check(frame: pd.DataFrame) -> None:
    """Two hours, minute by minute, begun at START."""
    rows = frame[frame["pollutant"] == "NOx"].reset_index(drop=True)
    begins = [(START + timedelta(minutes=n)).astimezone(UTC) for n in range(120)]
    assert rows["timestamp"].tolist() == begins
    for minute, row in enumerate(rows.to_dict("records")):
        meaning = FLAGS.get(flag(minute), "unknown:X")
        assert row["quality_flag"] == meaning
        if meaning in ("measured", "substituted"):
            assert row["concentration"] == nox(minute)
        else:
            assert pd.isna(row["concentration"])
            assert row["quality"] == "bad"
    assert rows["quality"][6] == "uncertain"
    assert set(rows["unit"]) == {"mg/Nm3"}
    assert set(rows["flow_rate"]) == {51234.5}
    assert dict(frame.attrs["provenance"]["metadata"]["basis"]["NOx"]) == {
        "moisture": "dry",
        "reference_oxygen": 11.0,
    }
    assert gd.verify(frame) == "intact"


def test_a_csv_export_is_read_as_its_map_says(tmp_path: Path) -> None:
    whole = lines()
    files = [
        write(tmp_path / "dahs_2.csv", [whole[0], *whole[61:]]),
        write(tmp_path / "dahs_1.csv", whole[:61]),
    ]
    check(read(["NOx", "O2"], files=files))
    check(read(["NOx", "O2"], files=[str(tmp_path / "dahs_?.csv")]))


def database(path: Path, stamp: Callable[[datetime], Any]) -> str:
    connection = sqlite3.connect(path)
    connection.execute(
        'CREATE TABLE minutes (Zeit, "NOx [mg/Nm3]" REAL, "NOx Status" TEXT, O2 REAL, Flow REAL)'
    )
    connection.executemany(
        "INSERT INTO minutes VALUES (?, ?, ?, ?, ?)",
        [
            (stamp(START.replace(tzinfo=None) + timedelta(minutes=m + 1)), nox(m), flag(m), 6.5,
             51234.5)
            for m in range(-300, 600)
        ],
    )  # fmt: skip
    connection.commit()
    connection.close()
    return str(path)


def test_an_sql_table_gives_the_same(tmp_path: Path) -> None:
    path = database(tmp_path / "dahs.sqlite", lambda one: one.strftime("%Y-%m-%d %H:%M:%S"))
    frame = read(
        ["NOx", "O2"], protocol="dahs_sql", database=path, table="minutes",
        timestamp_format="%Y-%m-%d %H:%M:%S",
    )  # fmt: skip
    check(frame)
    assert any("SELECT" in note for note in frame.attrs["provenance"]["notes"])


class Watched:
    """A DB-API connection of another paramstyle and of decimals, that notes what it is asked."""

    asked: list[tuple[str, Any]]

    def __init__(self) -> None:
        Watched.asked = []

    def cursor(self) -> Watched:
        return self

    def execute(self, text: str, values: Any) -> None:
        Watched.asked.append((text, values))

    def fetchmany(self, count: int) -> list[tuple[Any, ...]]:
        if len(Watched.asked) > 1:
            return []
        Watched.asked.append(("fetched", count))
        return [
            (START.replace(tzinfo=None) + timedelta(minutes=m + 1), Decimal(f"{nox(m):.2f}"),
             6.5, Decimal("51234.5"), flag(m))
            for m in range(120)
        ]  # fmt: skip

    def close(self) -> None:
        Watched.asked.append(("closed", None))


def test_any_db_api_connection_will_do() -> None:
    frame = read(
        ["NOx", "O2"], protocol="dahs_sql", connect=Watched, table="plant.minutes",
        paramstyle="pyformat",
    )  # fmt: skip
    # Written for one table with the columns of the map, so its order is that of the SELECT.
    check(frame)
    text, values = Watched.asked[0]
    assert text == (
        'SELECT Zeit, "NOx [mg/Nm3]", O2, Flow, "NOx Status" FROM plant.minutes '
        "WHERE Zeit >= %(first)s AND Zeit < %(last)s ORDER BY Zeit"
    )
    assert set(values) == {"first", "last"}
    assert ("closed", None) in Watched.asked


def test_the_database_cannot_be_written_to(tmp_path: Path) -> None:
    path = database(tmp_path / "dahs.sqlite", lambda one: one.strftime("%Y-%m-%d %H:%M"))
    before = Path(path).read_bytes()
    read(["NOx"], protocol="dahs_sql", database=path, table="minutes",
         timestamp_format="%Y-%m-%d %H:%M")  # fmt: skip
    assert Path(path).read_bytes() == before
    with pytest.raises(ValueError, match="table"):
        config(protocol="dahs_sql", database=path, table="minutes; DROP TABLE minutes")
    missing = tmp_path / "none.sqlite"
    with pytest.raises(gd.SourceError, match="refused"):
        read(["NOx"], protocol="dahs_sql", database=str(missing), table="minutes")
    assert not missing.exists()


def test_averages_leave_calibration_out(tmp_path: Path) -> None:
    files = [write(tmp_path / "dahs.csv", lines())]
    frame = read(["NOx"], files=files, resolution="hour")
    counted = [nox(m) for m in range(60) if flag(m) in ("G", "E")]
    first = frame.iloc[0]
    assert first["concentration"] == pytest.approx(sum(counted) / len(counted))
    assert (first["quality_flag"], first["quality"]) == ("partly_measured", "uncertain")
    assert frame.iloc[1]["quality_flag"] == "measured"


def test_an_average_over_missing_records_says_so(tmp_path: Path) -> None:
    whole = lines()
    files = [write(tmp_path / "dahs.csv", [*whole[:70], *whole[90:]])]
    with pytest.warns(gd.GreenLangWarning, match="20 of 120 records"):
        frame = read(["NOx"], files=files, resolution="hour")
    counted = [nox(m) for m in range(60, 120) if not 69 <= m < 89]
    assert frame.iloc[1]["concentration"] == pytest.approx(sum(counted) / len(counted))
    assert (frame.iloc[1]["quality_flag"], frame.iloc[1]["quality"]) == (
        "partly_measured",
        "uncertain",
    )
    files = [write(tmp_path / "dahs.csv", whole)]
    assert read(["NOx"], files=files, resolution="hour").iloc[1]["quality"] == "good"


@pytest.mark.parametrize("sql", [False, True])
def test_a_day_that_its_month_does_not_have_is_no_time(tmp_path: Path, sql: bool) -> None:
    written = "%Y-%m-%d %H:%M" if sql else "%d.%m.%Y %H:%M"
    window = (datetime(2025, 3, 3, tzinfo=BERLIN), datetime(2025, 3, 4, tzinfo=BERLIN))
    if sql:
        path = database(tmp_path / "dahs.sqlite", lambda one: "2025-03-03 24:00")
        with sqlite3.connect(path) as connection:
            connection.execute("DELETE FROM minutes WHERE rowid > 1")
            connection.execute("UPDATE minutes SET Zeit = '2025-02-31 10:00'")
        more: dict[str, Any] = {"protocol": "dahs_sql", "database": path, "table": "minutes"}
        window = (datetime(2025, 3, 1, tzinfo=BERLIN), window[1])
    else:
        line = "31.02.2025 10:00;1,0;G;6,5;1"
        more = {"files": [write(tmp_path / "dahs.csv", [lines()[0], line])]}
    with pytest.raises(gd.ProtocolError, match="31"):
        read(["NOx"], *window, timestamp_format=written, **more)
    for hours in ("3.3.2025 9:05", "03.03.2025 09:05"):
        files = [write(tmp_path / "fine.csv", [lines()[0], f"{hours};1,0;G;6,5;1"])]
        with pytest.warns(gd.GreenLangWarning, match="records"):
            fine = read(["NOx"], *window, files=files)
        assert fine["timestamp"].iloc[0] == datetime(2025, 3, 3, 8, 4, tzinfo=UTC)


@pytest.mark.parametrize("written", ["%Y-%m-%d %H:%M%z", "%d.%m.%Y %I:%M", "%d.%m.%Y %H:%M %p"])
def test_a_form_that_loses_a_zone_or_half_of_the_day_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"time_zone|belong together"):
        config(files=["a.csv"], timestamp_format=written)


def test_hours_that_the_clock_repeats_are_refused(tmp_path: Path) -> None:
    autumn = datetime(2025, 10, 26, tzinfo=BERLIN)
    files = [write(tmp_path / "dahs.csv", lines(240, autumn))]
    night = (autumn, autumn + timedelta(hours=4))
    with pytest.raises(gd.ProtocolError, match=r"skips or repeats.*standard_time"):
        read(["NOx"], *night, files=files)
    with pytest.warns(gd.GreenLangWarning, match="60 of 300 records"):
        frame = read(["NOx"], *night, files=files, standard_time=True)
    assert len(frame) == 240, "three hours of summer time had been there before this file began"
    assert frame["timestamp"].iloc[0] == datetime(2025, 10, 25, 23, tzinfo=UTC)
    far = (autumn - timedelta(days=30), autumn - timedelta(days=29))
    with pytest.warns(gd.GreenLangWarning, match="1440 of 1440 records"):
        assert len(read(["NOx"], *far, files=files)) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decimal": "."}, r"'120,25', and no number with decimal '\.'"),
        ({"delimiter": ","}, "no such CSV file"),
        ({"timestamp_format": "%Y-%m-%d %H:%M"}, "a time is not as"),
        ({"timestamp_column": "Time"}, "no column 'Time'.*It has Zeit"),
        ({"encoding": "no-such"}, "no such CSV file"),
        ({"null_values": ["", "120,25"]}, None),
    ],
)
def test_what_does_not_fit_the_map_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str | None
) -> None:
    files = [write(tmp_path / "dahs.csv", lines())]
    if message is None:
        frame = read(["NOx"], files=files, **change)
        assert frame.iloc[0]["quality_flag"] == "missing"
        assert pd.isna(frame.iloc[0]["concentration"])
        return
    with pytest.raises((gd.ProtocolError, gd.ConfigurationError), match=message):
        read(["NOx"], files=files, **change)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_files_are_read_in_the_encoding_that_they_have(tmp_path: Path, encoding: str) -> None:
    text = lines()
    path = tmp_path / "dahs.csv"
    path.write_bytes("\r\n".join([*text, ""]).encode(encoding))
    check(read(["NOx", "O2"], files=[str(path)], encoding=encoding))
    path.write_bytes("\r\n".join(text).encode(encoding)[:-1])
    with pytest.warns(gd.GreenLangWarning, match="1 of 120 records"):
        frame = read(["O2"], files=[str(path)], encoding=encoding)
    assert len(frame) == 119
    assert "the last line of dahs.csv has no end, so it is not used" in str(
        frame.attrs["provenance"]["notes"]
    )


def test_broken_files_are_refused_and_a_half_line_is_told(tmp_path: Path) -> None:
    whole = lines()
    for text, message in (
        ([*whole, "10.01.2025 02:01;12"], "no such CSV file"),
        ([*whole[:9], whole[9].replace("128,25", "12x"), *whole[10:]], "'12x'"),
        ([*whole, whole[5]], "twice"),
    ):
        with pytest.raises(gd.ProtocolError, match=message):
            read(["NOx"], files=[write(tmp_path / "dahs.csv", text)])
    path = write(tmp_path / "dahs.csv", [*whole[:-1], whole[-1][:-12]], end="")
    with pytest.warns(gd.GreenLangWarning, match="1 of 120 records"):
        frame = read(["NOx"], files=[path])
    notes = frame.attrs["provenance"]["notes"]
    assert len(frame) == 119
    assert "the last line of dahs.csv has no end, so it is not used" in notes
    assert (
        "1 of 120 records (the first of 2025-01-10T00:59:00Z) of the window are not there" in notes
    )


def test_line_ends_blank_lines_and_names_that_are_there_twice(tmp_path: Path) -> None:
    text = "\n".join(lines()) + "\n"
    for written in (text.replace("\n", "\r"), text.replace("\n", "\r\n"), f"\n{text}"):
        path = tmp_path / "dahs.csv"
        path.write_bytes(written.encode("latin-1"))
        check(read(["NOx"], files=[str(path)]))
    # A leading zero of a flag stays, also where no line tells Arrow that it is text.
    coded = [line.replace(",", ".").replace(";G;", ";001;") for line in lines(2)]
    files = [write(tmp_path / "coded.csv", ["", *coded])]
    end = START + timedelta(minutes=2)
    frame = read(["NOx"], START, end, files=files, decimal=".", flags={"001": "measured"})
    assert list(frame["quality_flag"]) == ["measured"] * 2
    path.write_text(text.replace("O2;Flow", "NOx [mg/Nm3];Flow"), encoding="latin-1")
    with pytest.raises(gd.ConfigurationError, match="more than one column"):
        read(["NOx"], files=[str(path)])


def test_without_a_flag_nothing_passes_for_measured(tmp_path: Path) -> None:
    files = [write(tmp_path / "dahs.csv", lines())]
    columns = [{**COLUMNS[0], "flag_column": None}]
    frame = read(["NOx"], files=files, columns=columns)
    assert set(frame["quality_flag"]) == {"unknown"}
    assert set(frame["quality"]) == {"uncertain"}


def test_nothing_has_a_default_that_would_be_a_guess(tmp_path: Path) -> None:
    files = [write(tmp_path / "dahs.csv", lines())]
    for key in ("delimiter", "decimal", "time_zone", "stamp", "period", "timestamp_format",
                "timestamp_column", "columns"):  # fmt: skip
        empty: Any = () if key == "columns" else None
        with pytest.raises(ValueError, match=f"{key} (is|are) needed for dahs_csv"):
            config(files=files, **{key: empty})
    with pytest.raises(ValueError, match="do not sort"):
        config(protocol="dahs_sql", database="x", table="t", timestamp_format="%d.%m.%Y %H:%M")
    with pytest.raises(ValueError, match="delimiter is for dahs_csv"):
        config(protocol="dahs_sql", database="x", table="t", delimiter=",")
    with pytest.raises(gd.UnknownTagError, match="no 'SO2'"):
        read(["SO2"], files=files)


@given(
    st.lists(st.decimals(-(10**6), 10**6, places=4), min_size=1, max_size=20),
    st.sampled_from([".", ","]),
    st.sampled_from(["{:f}", "{:E}", "{:+f}", " {:f} "]),
)
def test_numbers_are_what_is_written_and_nothing_else(
    numbers: list[Decimal], point: str, written: str
) -> None:
    settings = DahsSettings(connector_id="a", connector_type="cems", decimal=point)
    texts = [written.format(one).replace(".", point) for one in numbers]
    found = _numbers(pa.array(texts), "NOx", settings, "here", "dahs")
    assert found.to_pylist() == [float(one) for one in numbers]
    other = {".": ",", ",": "."}[point]
    for wrong in (f"1{other}5", f"1{point}000{point}5", "1e", "0x10", "nan", "12 5", "--1", "1_0"):
        with pytest.raises(gd.ProtocolError, match="no number"):
            _numbers(pa.array([*texts, wrong]), "NOx", settings, "here", "dahs")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-8"])
@pytest.mark.parametrize("told", [None, "utf-8"])
def test_a_byte_order_mark_says_how_a_file_is_written(
    tmp_path: Path, encoding: str, told: str | None
) -> None:
    path = tmp_path / "dahs.csv"
    path.write_bytes(("\ufeff" + "\r\n".join(lines()) + "\r\n").encode(encoding))
    frame = read(["NOx"], files=[str(path)], encoding=told or encoding)
    check(frame)
    notes = " ".join(frame.attrs["provenance"]["notes"])
    assert ("byte order mark" in notes) == (told is not None and encoding != "utf-8")


def test_utf_16_without_a_mark_is_read_when_it_is_configured(tmp_path: Path) -> None:
    path = tmp_path / "dahs.csv"
    whole = ("\n".join(lines()) + "\n").encode("utf-16-le")
    path.write_bytes(whole)
    check(read(["NOx"], files=[str(path)], encoding="utf-16-le"))
    with pytest.raises(gd.ProtocolError, match="set encoding to utf-16-le"):
        read(["NOx"], files=[str(path)], encoding="utf-8")
    # It is being written: half a line, and half a character.
    path.write_bytes(whole + "10.01.2025 02:01;1".encode("utf-16-le") + b"2")
    frame = read(["NOx"], files=[str(path)], encoding="utf-16-le")
    check(frame)
    assert "has no end" in " ".join(frame.attrs["provenance"]["notes"])


def test_a_window_with_records_missing_in_the_middle_warns(tmp_path: Path) -> None:
    whole = lines()
    path = write(tmp_path / "dahs.csv", [*whole[:31], *whole[41:]])
    told = r"10 of 120 records \(the first of 2025-01-09T23:30:00Z\)"
    with pytest.warns(gd.GreenLangWarning, match=told):
        frame = read(["NOx"], files=[path])
    assert len(frame) == 110


def test_records_that_are_some_seconds_early_or_late_are_not_missing(tmp_path: Path) -> None:
    head, *rest = lines()
    stamped = [
        line.replace(";", f":{(7 * minute) % 20 + 20};", 1) for minute, line in enumerate(rest)
    ]
    path = write(tmp_path / "dahs.csv", [head, *stamped[:60], *stamped[61:]])
    written = {"timestamp_format": "%d.%m.%Y %H:%M:%S"}
    with pytest.warns(gd.GreenLangWarning, match="1 of 120 records"):
        read(["NOx"], files=[path], **written)
