"""Queries: every field with its default and its limits."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from greenlang_data import CEMSQuery, CMMSQuery, ERPQuery, HistorianQuery, SCADAQuery
from greenlang_data.times import parse_interval

START = datetime(2025, 1, 1, tzinfo=UTC)
END = datetime(2025, 1, 2, tzinfo=UTC)
NEEDED: dict[type[BaseModel], dict[str, Any]] = {
    SCADAQuery: {"tag_ids": ["Temperature"]},
    ERPQuery: {"entity_type": "material"},
    CEMSQuery: {"pollutants": ["CO2"], "start_time": START, "end_time": END},
    HistorianQuery: {"tag_names": ["ProcessTemp"], "start_time": START, "end_time": END},
    CMMSQuery: {"query_type": "work_order"},
}
DEFAULTS: dict[type[BaseModel], dict[str, Any]] = {
    SCADAQuery: {
        "start_time": None,
        "end_time": None,
        "aggregation": None,
        "interval_seconds": None,
    },
    ERPQuery: {"filters": {}, "fields": [], "start_date": None, "end_date": None, "limit": 1000},
    CEMSQuery: {"resolution": "minute"},
    HistorianQuery: {"interval": "1h", "aggregation": None},
    CMMSQuery: {"asset_ids": [], "start_date": None, "end_date": None, "status": None},
}
AGGREGATIONS = ["avg", "min", "max", "sum", "count"]


def make(kind: type[BaseModel], **fields: Any) -> Any:
    return kind(**{**NEEDED[kind], **fields})


@pytest.mark.parametrize("kind", list(NEEDED))
def test_the_needed_fields_are_kept_and_the_others_have_defaults(kind: type[BaseModel]) -> None:
    query = make(kind)
    expected = {**NEEDED[kind], **DEFAULTS[kind]}
    assert {name: getattr(query, name) for name in expected} == expected


@pytest.mark.parametrize("kind", [SCADAQuery, ERPQuery, CEMSQuery, HistorianQuery])
def test_what_is_asked_for_is_required(kind: type[BaseModel]) -> None:
    asked = next(iter(NEEDED[kind]))
    fields = {name: value for name, value in NEEDED[kind].items() if name != asked}
    with pytest.raises(ValidationError, match=asked):
        kind(**fields)


@pytest.mark.parametrize("kind", [CEMSQuery, HistorianQuery])
def test_a_history_needs_a_start(kind: type[BaseModel]) -> None:
    asked = next(iter(NEEDED[kind]))
    with pytest.raises(ValidationError, match="start_time"):
        kind(**{asked: ["CO2"], "end_time": END})


@pytest.mark.parametrize(
    ("kind", "field"),
    [(SCADAQuery, "tag_ids"), (CEMSQuery, "pollutants"), (HistorianQuery, "tag_names")],
)
def test_lists_of_names_have_at_least_one_and_none_twice_or_empty(
    kind: type[BaseModel], field: str
) -> None:
    assert getattr(make(kind, **{field: ["one", "two"]}), field) == ["one", "two"]
    for refused in ([], ["one", "two", "one"], ["one", ""], "one", None):
        with pytest.raises(ValidationError, match=field):
            make(kind, **{field: refused})


@pytest.mark.parametrize("kind", [SCADAQuery, HistorianQuery])
def test_aggregations_are_the_five(kind: type[BaseModel]) -> None:
    for aggregation in AGGREGATIONS:
        query = make(kind, start_time=START, aggregation=aggregation)
        assert query.aggregation == aggregation
    with pytest.raises(ValidationError, match="aggregation"):
        make(kind, start_time=START, aggregation="median")


@pytest.mark.parametrize("refused", [0, -1, "often"])
def test_the_interval_of_a_scada_query_is_a_positive_number(refused: object) -> None:
    query = make(SCADAQuery, start_time=START, aggregation="avg", interval_seconds=60)
    assert query.interval_seconds == 60
    with pytest.raises(ValidationError, match="interval_seconds"):
        make(SCADAQuery, start_time=START, aggregation="avg", interval_seconds=refused)


@pytest.mark.parametrize("interval", ["1h", "15min", "10s", "1d"])
def test_the_interval_of_a_historian_query_is_text(interval: str) -> None:
    assert make(HistorianQuery, interval=interval).interval == interval


@pytest.mark.parametrize(
    "seconds", [1_234_567, 2_592_001.0, 0.1234567, timedelta(days=400, seconds=1)]
)
def test_an_interval_given_as_a_number_keeps_every_digit(seconds: Any) -> None:
    exact = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
    assert parse_interval(make(HistorianQuery, interval=seconds).interval) == exact


@pytest.mark.parametrize("refused", ["", "soon", "-1h", "0s"])
def test_a_historian_interval_that_is_none_is_refused(refused: str) -> None:
    with pytest.raises(ValidationError, match="interval"):
        make(HistorianQuery, interval=refused)


@pytest.mark.parametrize("limit", [1, 1000, 10_000, 10_001, 5_000_000, None])
def test_the_limit_of_an_erp_query_has_no_cap(limit: int | None) -> None:
    assert make(ERPQuery, limit=limit).limit == limit


@pytest.mark.parametrize("refused", [0, -1, "many"])
def test_the_limit_of_an_erp_query_is_positive(refused: object) -> None:
    with pytest.raises(ValidationError, match="limit"):
        make(ERPQuery, limit=refused)


def test_an_erp_query_needs_the_name_of_an_entity() -> None:
    with pytest.raises(ValidationError, match="entity_type"):
        ERPQuery(entity_type="")


def test_the_default_containers_are_not_shared() -> None:
    first, second = make(ERPQuery), make(ERPQuery)
    first.filters["plant_code"] = "1000"
    first.fields.append("material")
    assert (second.filters, second.fields) == ({}, [])


@pytest.mark.parametrize("query_type", ["work_order", "asset", "pm"])
def test_the_three_kinds_of_cmms_query(query_type: str) -> None:
    assert make(CMMSQuery, query_type=query_type).query_type == query_type
    with pytest.raises(ValidationError, match="query_type"):
        make(CMMSQuery, query_type=query_type + "s")


def test_the_resolution_of_a_cems_query_is_checked() -> None:
    assert make(CEMSQuery, resolution="hour").resolution == "hour"
    with pytest.raises(ValidationError, match="resolution"):
        make(CEMSQuery, resolution="fortnight")


@pytest.mark.parametrize("kind", list(NEEDED))
def test_an_unknown_field_is_refused_by_name(kind: type[BaseModel]) -> None:
    with pytest.raises(ValidationError, match="colour"):
        make(kind, colour="red")


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("2025-01-01T00:00:00Z", START),
        ("2025-01-01T02:00:00+02:00", START),
        (datetime(2025, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), START),
        (date(2025, 1, 1), datetime(2025, 1, 1)),  # a date has no zone
    ],
)
@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (SCADAQuery, "start_time"),
        (CEMSQuery, "start_time"),
        (HistorianQuery, "start_time"),
        (ERPQuery, "start_date"),
        (CMMSQuery, "start_date"),
    ],
)
def test_times_are_moments_however_they_are_written(
    kind: type[BaseModel], field: str, given: object, moment: datetime
) -> None:
    assert getattr(make(kind, **{field: given}), field) == moment


@pytest.mark.parametrize("kind", list(NEEDED))
def test_a_query_survives_json(kind: type[BaseModel]) -> None:
    query = make(kind)
    assert kind.model_validate_json(query.model_dump_json()) == query
