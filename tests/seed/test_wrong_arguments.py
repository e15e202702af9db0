"""A wrong argument is named with a remedy, before anything is asked of a source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from greenlang_data import ERPQuery, GreenLangError, SCADAQuery, Session
from tests.seed.systems import Question


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(mock=True) as opened:
        yield opened


WINDOW: dict[str, Any] = {"start": "2025-01-01", "end": "2025-01-02"}
BACKWARDS: dict[str, Any] = {"start": "2025-01-02", "end": "2025-01-01"}
MIXED: dict[str, Any] = {"start": "2025-01-01", "end": "2025-01-02T00:00:00+02:00"}
Call = Callable[[Session], object]


# What is asked, the argument that the message names, and a word of its remedy.
WRONG: dict[str, tuple[Call, str, str]] = {
    "no variant": (
        lambda s: Session(mock="flakey"),  # type: ignore[arg-type]
        "variant 'flakey'",
        "'flaky'",
    ),
    "no tag": (lambda s: s.scada([]), "tags", "at least one"),
    "no stored tag": (lambda s: s.historian([], **WINDOW), "tags", "at least one"),
    "nothing": (lambda s: s.scada(None), "tags", "name at least one|str"),  # type: ignore[arg-type]
    "a number": (lambda s: s.scada(7), "tags", "name at least one|str"),  # type: ignore[arg-type]
    "no connector": (
        lambda s: s.fetch(7, Question()),  # type: ignore[arg-type]
        "connector",
        "name|BaseConnector",
    ),
    "timeout in words": (
        lambda s: s.scada("Temperature", timeout="soon"),  # type: ignore[arg-type]
        "timeout",
        "seconds|Leave",
    ),
    "no pollutant": (lambda s: s.cems([], **WINDOW), "pollutants", "at least one"),
    "no entity": (lambda s: s.erp(""), "entity", "at least 1"),
    "tag twice": (lambda s: s.scada(["Flow", "Flow"]), "tags.*Flow", "once"),
    "stored tag twice": (
        lambda s: s.historian(["Flow", "Flow"], **WINDOW),
        "tags.*Flow",
        "once",
    ),
    "pollutant twice": (lambda s: s.cems(["CO2", "CO2"], **WINDOW), "pollutants.*CO2", "once"),
    "scada backwards": (lambda s: s.scada("Temperature", **BACKWARDS), "end", "Swap"),
    "historian backwards": (lambda s: s.historian("FlowRate", **BACKWARDS), "end", "Swap"),
    "cems backwards": (lambda s: s.cems("CO2", **BACKWARDS), "end", "Swap"),
    "erp backwards": (lambda s: s.erp("material", **BACKWARDS), "end", "Swap"),
    "cmms backwards": (lambda s: s.cmms("work_order", **BACKWARDS), "end", "Swap"),
    "mixed zones": (lambda s: s.historian("FlowRate", **MIXED), "start.*end", "both with"),
    "mixed zones of records": (lambda s: s.erp("material", **MIXED), "start.*end", "both with"),
    "no start": (lambda s: s.historian("FlowRate"), "start", "start="),
    "no time": (lambda s: s.cems("CO2", start="soon"), "start", "for example|ISO|such as"),
    "a word of pandas": (
        lambda s: s.historian("FlowRate", aggregation="mean", **WINDOW),  # type: ignore[arg-type]
        "^aggregation: 'mean' is not known; use 'avg'",
        "'time_avg'.* or 'plot'",
    ),
    "nearly a resolution": (
        lambda s: s.cems("CO2", resolution="hourly", **WINDOW),  # type: ignore[arg-type]
        "^resolution: 'hourly'",
        "did you mean 'hour'; use 'minute', 'hour' or 'day'",
    ),
    "no interval": (
        lambda s: s.historian("FlowRate", interval="blah", **WINDOW),
        "interval.*blah",
        "15min",
    ),
    "no aggregation": (
        lambda s: s.scada("Temperature", aggregation="median", **WINDOW),  # type: ignore[arg-type]
        "aggregation",
        "'avg', 'min'",
    ),
    "no kind of work": (lambda s: s.cmms("wrong"), "query_type", "'work_order'"),  # type: ignore[arg-type]
    "no limit": (lambda s: s.erp("material", limit=0), "limit", "1"),
    "no timeout": (lambda s: s.scada("Temperature", timeout=-1), "timeout", "Leave"),
    "no errors": (
        lambda s: s.scada("Temperature", errors="ignore"),  # type: ignore[arg-type]
        "errors.*ignore",
        "report",
    ),
    "no shape": (
        lambda s: s.historian("FlowRate", shape="round", **WINDOW),  # type: ignore[arg-type]
        "shape.*round",
        "wide",
    ),
    "unknown source": (lambda s: s.scada("Temperature", source="plnt"), "plnt", "scada"),
    "unknown named source": (
        lambda s: s.fetch("plnt", SCADAQuery(tag_ids=["a"])),
        "plnt",
        "scada",
    ),
    "source of another kind": (
        lambda s: s.scada("Temperature", source="erp"),
        "'erp'",
        "Use one of: scada",
    ),
    "query and argument": (
        lambda s: s.scada(SCADAQuery(tag_ids=["a"]), start="2025-01-01"),
        "start=",
        "into the query",
    ),
    "query of another kind": (
        lambda s: s.scada(ERPQuery(entity_type="material")),  # type: ignore[arg-type]
        "SCADAQuery.*ERPQuery",
        "Use",
    ),
    "fetch of another kind": (
        lambda s: s.fetch("erp", SCADAQuery(tag_ids=["a"])),
        "ERPQuery.*SCADAQuery",
        "Use|Ask|Make",
    ),
    "unknown entity": (lambda s: s.erp("nosuch"), "erp: .*nosuch", "material"),
    "unknown tag": (lambda s: s.scada("Temprature"), "scada: .*Temprature", "'Temperature'"),
    "unknown pollutant": (lambda s: s.cems("CO3", **WINDOW), "cems: .*CO3", "'CO'"),
    "unlike any tag": (lambda s: s.scada("Zzz"), "scada: .*Zzz", "(?i)correct|did you mean"),
}

# What only the source can know, or the connector checks as part of a request.
ASKED = {"no timeout", "unknown entity", "unknown tag", "unknown pollutant", "unlike any tag"}


@pytest.mark.parametrize("mistake", list(WRONG))
def test_a_wrong_argument_is_named_with_a_remedy(session: Session, mistake: str) -> None:
    ask, named, remedy = WRONG[mistake]
    with pytest.raises(GreenLangError) as caught:
        ask(session)
    assert re.search(named, str(caught.value))
    assert re.search(remedy, str(caught.value))


@pytest.mark.parametrize("mistake", [name for name in WRONG if name not in ASKED])
def test_a_wrong_argument_is_a_value_error_and_no_request(session: Session, mistake: str) -> None:
    with pytest.raises(ValueError, match=r".{10,}"):
        WRONG[mistake][0](session)
    assert session.status()["requests"].sum() == 0
