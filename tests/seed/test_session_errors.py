"""What goes wrong in a session is said with its source or argument, and with a remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pybreaker import CircuitBreakerError
from pydantic import BaseModel

from greenlang_data import GreenLangError, HistorianQuery, SCADAQuery, Session
from tests.seed.mocks import connector
from tests.seed.systems import Question, scripted


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(mock=True) as opened:
        yield opened


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime(2025, 1, 2, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)),
        (datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_window_of_a_typed_query_is_checked_too(
    session: Session, start: datetime, end: datetime
) -> None:
    ask: list[Callable[[], BaseModel]] = [
        lambda: SCADAQuery(tag_ids=["Temperature"], start_time=start, end_time=end),
        lambda: HistorianQuery(tag_names=["FlowRate"], start_time=start, end_time=end),
    ]
    for name, make in zip(("scada", "historian"), ask, strict=True):
        with pytest.raises(ValueError, match="end"):
            session.fetch(name, make())


def test_with_several_sources_of_a_kind_the_name_is_needed() -> None:
    configs = [connector("SCADA", name).config for name in ("plant1", "plant2")]
    with (
        Session(sources=configs) as session,
        pytest.raises(ValueError, match=r"source=") as caught,
    ):
        session.scada("Temperature")
    assert "plant1" in str(caught.value)
    assert "plant2" in str(caught.value)


def test_without_a_source_of_the_kind_the_error_says_so() -> None:
    with Session(sources=[connector("ERP", "sap").config]) as session:
        with pytest.raises(ValueError, match=r"no scada source.*Configure one"):
            session.scada("Temperature")
        with pytest.raises(ValueError, match=r"'sap'.*no scada source"):
            session.scada("Temperature", source="sap")


def test_one_config_instead_of_a_list_is_taken_or_refused_in_words() -> None:
    config = connector("SCADA", "plant1").config
    try:
        session = Session(sources=config)
    except GreenLangError as error:
        assert re.search(r"sources.*list|\[", str(error))  # noqa: PT017  # both are fine
    else:
        with session:
            assert list(session.sources) == ["plant1"]


def test_two_sources_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="plant1"):
        Session(sources=[connector(kind, "plant1").config for kind in ("SCADA", "ERP")])


def test_a_session_with_an_unknown_variant_says_which_there_are() -> None:
    with pytest.raises(ValueError, match="flaky"):
        Session(mock="shaky")  # type: ignore[arg-type]


def test_a_session_in_an_unknown_zone_names_it() -> None:
    with pytest.raises(ValueError, match="Mars/Base"):
        Session(mock=True, tz="Mars/Base")


def test_a_missing_file_is_named_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises((ValueError, OSError), match=r"nowhere\.toml"):
        Session.from_toml(tmp_path / "nowhere.toml")


def test_a_mistake_in_the_file_is_named_with_the_nearest_key(tmp_path: Path) -> None:
    path = tmp_path / "greenlang.toml"
    path.write_text('[sources.plant1]\nkind = "scada"\nmock_mod = true\n', encoding="utf-8")
    with pytest.raises(ValueError, match="mock_mod") as caught:
        Session.from_toml(path)
    for word in ("greenlang.toml", "plant1", "mock_mode"):
        assert word in str(caught.value)


def test_a_closed_session_says_so_and_closing_twice_is_fine() -> None:
    session = Session(mock=True)
    session.scada("Temperature")
    session.close()
    session.close()
    for ask in (
        lambda: session.scada("Temperature"),
        lambda: session.erp("material"),
        lambda: session.fetch("scada", SCADAQuery(tag_ids=["Temperature"])),
        lambda: session.fetch(scripted(), Question()),
    ):
        with pytest.raises(RuntimeError, match=r"closed.*Open a new one"):
            ask()


def test_the_errors_of_a_source_name_it() -> None:
    source = scripted("plant7", circuit_breaker_threshold=1, max_retries=0)
    with Session(sources=[source]) as session:
        source.delay = 5
        with pytest.raises(TimeoutError, match="plant7"):
            session.fetch("plant7", Question(), timeout=0.1)
        source.delay = 0
        source.script = [ConnectionError("refused")]
        with pytest.raises(ConnectionError, match="refused"):
            session.fetch("plant7", Question())
        with pytest.raises(CircuitBreakerError, match="plant7"):
            session.fetch("plant7", Question())


def test_with_report_the_rest_is_delivered_and_the_failures_are_listed(session: Session) -> None:
    frame = session.scada(["ns=2;s=Temperature", "Temprature"], errors="report")
    assert list(frame["tag_id"]) == ["ns=2;s=Temperature", "Temprature"]
    assert frame["value"].notna().tolist() == [True, False]
    assert frame["quality"].tolist()[0] == "good"
    assert frame["quality"].tolist()[1] != "good"
    failures = frame.attrs["provenance"]["failures"]
    assert list(failures) == ["Temprature"]
    assert "Temperature" in str(failures["Temprature"])
    whole = session.scada(["ns=2;s=Temperature"], errors="report")
    assert not whole.attrs["provenance"].get("failures")


def test_with_report_a_history_has_a_column_for_each_tag(session: Session) -> None:
    frame = session.historian(
        ["FlowRate", "FlowRat"], "2025-01-01", "2025-01-02", interval="1h", errors="report"
    )
    assert list(frame.columns) == ["FlowRate", "FlowRat"]
    assert frame["FlowRate"].notna().all()
    assert frame["FlowRat"].isna().all()
    assert list(frame.attrs["provenance"]["failures"]) == ["FlowRat"]
