"""The five blocking calls, with keyword arguments and with typed queries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from greenlang_data import (
    CEMSQuery,
    CMMSQuery,
    ERPQuery,
    HistorianQuery,
    SCADAConfig,
    SCADAQuery,
    Session,
)
from tests.seed.mocks import connector
from tests.seed.systems import Question, scripted

START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, 6, tzinfo=UTC)
TAGS = ["ns=2;s=Temperature", "ns=2;s=Pressure"]
Call = Callable[[Session], pd.DataFrame]
PAIRS: dict[str, tuple[Call, Call]] = {
    "scada": (lambda s: s.scada(TAGS), lambda s: s.scada(SCADAQuery(tag_ids=TAGS))),
    "scada window": (
        lambda s: s.scada(TAGS, start=START, end=END, aggregation="max", interval="10min"),
        lambda s: s.scada(
            SCADAQuery(
                tag_ids=TAGS,
                start_time=START,
                end_time=END,
                aggregation="max",
                interval_seconds=600,
            )
        ),
    ),
    "historian": (
        lambda s: s.historian(
            ["ProcessTemp", "FlowRate"], start=START, end=END, interval="1h", aggregation="avg"
        ),
        lambda s: s.historian(
            HistorianQuery(
                tag_names=["ProcessTemp", "FlowRate"],
                start_time=START,
                end_time=END,
                interval="1h",
                aggregation="avg",
            )
        ),
    ),
    "cems": (
        lambda s: s.cems(["CO2", "NOx", "SO2"], start=START, end=END, resolution="minute"),
        lambda s: s.cems(
            CEMSQuery(pollutants=["CO2", "NOx", "SO2"], start_time=START, end_time=END)
        ),
    ),
    "erp": (
        lambda s: s.erp("material", filters={"plant_code": "1000"}, limit=1000),
        lambda s: s.erp(ERPQuery(entity_type="material", filters={"plant_code": "1000"})),
    ),
    "cmms": (
        lambda s: s.cmms("work_order", asset_ids=["ASSET-001"], status="completed"),
        lambda s: s.cmms(
            CMMSQuery(query_type="work_order", asset_ids=["ASSET-001"], status="completed")
        ),
    ),
}


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(mock=True) as opened:
        yield opened


@pytest.mark.parametrize("name", list(PAIRS))
def test_keyword_arguments_and_a_typed_query_are_the_same_question(
    session: Session, name: str
) -> None:
    by_words, by_query = (call(session) for call in PAIRS[name])
    assert len(by_words) > 0
    pd.testing.assert_frame_equal(by_words, by_query)
    first, second = by_words.attrs["provenance"], by_query.attrs["provenance"]
    assert first["query_hash"] == second["query_hash"]
    assert first["response_hash"] == second["response_hash"]
    assert first["mode"] == "mock"
    assert first["connector_id"] == name.split(maxsplit=1)[0]
    assert gd.verify(by_words) == "intact"


def test_a_snapshot_has_a_row_per_tag_in_the_order_asked(session: Session) -> None:
    frame = session.scada(TAGS[::-1])
    assert list(frame["tag_id"]) == TAGS[::-1]
    columns = "tag_id tag_name value unit quality status timestamp data_type".split()
    assert [column for column in frame.columns if column in columns] == columns
    assert str(frame["timestamp"].dtype).endswith("UTC]")


def test_a_window_is_wide_by_default_and_long_when_asked(session: Session) -> None:
    window: dict[str, Any] = {"start": START, "end": END, "interval": "1h"}
    wide = session.historian(["ProcessTemp", "FlowRate"], **window)
    assert list(wide.columns) == ["ProcessTemp", "FlowRate"]
    assert wide.index.name == "timestamp"
    assert isinstance(wide.index, pd.DatetimeIndex)
    assert str(wide.index.tz) == "UTC"
    assert (wide.index[0], len(wide)) == (pd.Timestamp(START), 6)
    long = session.historian(["ProcessTemp", "FlowRate"], shape="long", **window)
    assert list(long.columns) == ["tag", "timestamp", "value", "quality", "status", "unit"]
    assert len(long) == 12
    assert list(long["value"][:6]) == list(wide["ProcessTemp"])


def test_emissions_are_long_by_default_and_wide_when_asked(session: Session) -> None:
    long = session.cems(["CO2", "NOx"], start=START, end=END)
    columns = ["timestamp", "pollutant", "concentration", "unit", "flow_rate", "quality_flag"]
    assert list(long.columns)[:6] == columns
    wide = session.cems(["CO2", "NOx"], start=START, end=END, shape="wide")
    assert {"CO2", "NOx"} <= set(wide.columns)
    assert (len(long), len(wide)) == (720, 360)


def test_records_keep_leading_zeros_and_exact_prices(session: Session) -> None:
    frame = session.erp("material", filters={"plant_code": "1000"}, fields=["material", "price"])
    assert list(frame.columns) == ["material", "price"]
    assert frame["material"].str.startswith("0").all()
    assert "decimal" in str(frame["price"].dtype)


def test_a_limit_that_cuts_says_so(session: Session) -> None:
    with pytest.warns(gd.GreenLangWarning, match="first 3 records"):
        frame = session.erp("material", limit=3)
    assert len(frame) == 3
    assert "limit of 3" in str(frame.attrs["provenance"]["notes"])


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2025-01-01", "2025-01-02"),
        (date(2025, 1, 1), date(2025, 1, 2)),
        (datetime(2025, 1, 1), datetime(2025, 1, 2)),  # the session's zone
        (pd.Timestamp("2025-01-01"), pd.Timestamp("2025-01-02", tz=None)),
        (pd.Timestamp("2025-01-01", tz="UTC"), datetime(2025, 1, 2, tzinfo=UTC)),
        ("2025-01-01T01:00:00+01:00", "2025-01-02T00:00:00Z"),
    ],
)
def test_a_window_may_be_written_in_many_ways(session: Session, start: Any, end: Any) -> None:
    expected = session.historian(
        "ProcessTemp", start="2025-01-01T00:00Z", end="2025-01-02T00:00Z", interval="1h"
    )
    frame = session.historian("ProcessTemp", start=start, end=end, interval="1h")
    pd.testing.assert_frame_equal(frame, expected)


def test_naive_times_are_in_the_zone_of_the_session() -> None:
    with Session(mock=True, tz="Europe/Berlin") as session:
        frame = session.historian("ProcessTemp", "2025-01-01", "2025-01-02", interval="1h")
    assert frame.index[0] == pd.Timestamp("2024-12-31T23:00Z")
    assert str(frame.index.tz) == "UTC"  # type: ignore[attr-defined]


def test_any_connector_answers_its_own_query(session: Session) -> None:
    by_name = session.fetch("scada", SCADAQuery(tag_ids=TAGS))
    pd.testing.assert_frame_equal(by_name, session.scada(TAGS))
    by_connector = session.fetch(connector("SCADA"), SCADAQuery(tag_ids=TAGS))
    pd.testing.assert_frame_equal(by_connector, by_name)
    own = session.fetch(scripted(), Question(number=21))
    assert own.to_dict("records") == [{"number": 21, "double": 42}]
    assert own.attrs["provenance"]["connector_id"] == "plant1"
    assert gd.verify(own) == "intact"


def test_a_cell_that_makes_its_connector_anew_can_be_run_again(session: Session) -> None:
    made = [scripted() for _ in range(3)]
    for number, source in enumerate(made):
        frame = session.fetch(source, Question(number=number))
        assert list(frame["double"]) == [2 * number]
    session.close()
    assert [source.disconnects for source in made] == [1, 1, 1]


def test_the_sources_are_the_live_configs() -> None:
    configs = [connector("SCADA", name).config for name in ("plant1", "plant2")]
    with Session(sources=configs) as session:
        assert list(session.sources) == ["plant1", "plant2"]
        session.sources["plant1"].timeout_seconds = 60
        assert session.connector("plant1").config.timeout_seconds == 60
        assert session.connector("plant2").config.timeout_seconds == 30
        with pytest.raises(ValueError, match="timeout_seconds"):
            session.sources["plant1"].timeout_seconds = 0
        status = session.status()
        assert list(status["source"]) == ["plant1", "plant2"]


def test_a_source_is_chosen_by_name() -> None:
    configs = [connector("SCADA", name).config for name in ("plant1", "plant2")]
    with Session(sources=[*configs, connector("ERP", "sap").config]) as session:
        for name in ("plant1", "plant2"):
            frame = session.scada(TAGS, source=name)
            assert frame.attrs["provenance"]["connector_id"] == name
        assert session.erp("plant").attrs["provenance"]["connector_id"] == "sap"


def test_sources_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "greenlang.toml"
    path.write_text(
        'tz = "Europe/Berlin"\n[defaults]\ntimeout_seconds = 20\n'
        '[sources.plant1]\nkind = "scada"\nmock_mode = true\n'
        '[sources.pi]\nkind = "historian"\nmock_mode = true\ntimeout_seconds = 40\n',
        encoding="utf-8",
    )
    with Session.from_toml(path) as session:
        assert list(session.sources) == ["plant1", "pi"]
        assert isinstance(session.sources["plant1"], SCADAConfig)
        assert session.sources["plant1"].timeout_seconds == 20
        assert session.sources["pi"].timeout_seconds == 40
        assert session.scada(TAGS).attrs["provenance"]["connector_id"] == "plant1"
        frame = session.historian("ProcessTemp", "2025-01-01", "2025-01-02", interval="1h")
        assert frame.index[0] == pd.Timestamp("2024-12-31T23:00Z")


def test_the_load_budget_is_about_records_that_come_and_not_about_the_limit(
    session: Session,
) -> None:
    session.sources["erp"].max_points = 500
    assert len(session.erp("material", filters={"plant_code": "1000"})) == 480
    with pytest.raises(gd.LoadBudgetExceeded):
        session.erp("material")
