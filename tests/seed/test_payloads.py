"""Payloads and their items: every field with its default, made by hand and as fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

import greenlang_data
from greenlang_data import (
    CEMSDataPoint,
    CEMSPayload,
    CMMSPayload,
    CMMSWorkOrder,
    ERPPayload,
    ERPQuery,
    ERPRecord,
    HistorianDataPoint,
    HistorianPayload,
    SCADAPayload,
    SCADATag,
)
from tests.seed.mocks import QUERIES, connector

NOW = datetime(2025, 1, 1, 12, tzinfo=UTC)
ITEMS: list[tuple[type[BaseModel], dict[str, Any], dict[str, Any]]] = [
    (
        SCADATag,
        {"tag_id": "ns=2;s=T", "tag_name": "T", "value": 21.5, "timestamp": NOW},
        {"quality": "good", "unit": None, "data_type": None},
    ),
    (
        ERPRecord,
        {"record_id": "0001", "entity_type": "material", "data": {"plant_code": "0100"}},
        {"created_at": None, "updated_at": None},
    ),
    (
        CEMSDataPoint,
        {
            "timestamp": NOW,
            "pollutant": "CO2",
            "concentration": Decimal("12.240"),
            "unit": "%",
            "flow_rate": 11447.5,
            "quality_flag": "measured",
        },
        {},
    ),
    (
        HistorianDataPoint,
        {"tag_name": "T", "timestamp": NOW, "value": Decimal("0.1")},
        {"quality": "good"},
    ),
    (
        CMMSWorkOrder,
        {
            "work_order_id": "WO-1",
            "asset_id": "ASSET-001",
            "description": "Repair",
            "status": "open",
            "created_date": NOW,
        },
        {"completed_date": None},
    ),
]
MADE: list[tuple[type[BaseModel], str, dict[str, Any], dict[str, Any]]] = [
    (SCADAPayload, "tags", {"query_time": NOW, "total_tags": 1}, {"aggregation_applied": None}),
    (
        ERPPayload,
        "records",
        {"total_records": 1, "entity_type": "material", "query_time": NOW},
        {},
    ),
    (CEMSPayload, "data_points", {"stack_id": "STACK-001", "total_points": 1}, {}),
    (HistorianPayload, "data_points", {"total_points": 1, "interval": "1h"}, {}),
    (CMMSPayload, "work_orders", {"total_records": 1}, {}),
]


@pytest.mark.parametrize(("kind", "given", "defaults"), ITEMS)
def test_items_keep_what_they_are_given_and_have_these_defaults(
    kind: type[BaseModel], given: dict[str, Any], defaults: dict[str, Any]
) -> None:
    item = kind(**given)
    expected = {**given, **defaults}
    assert {name: getattr(item, name) for name in expected} == expected
    assert kind.model_validate_json(item.model_dump_json()) == item


@pytest.mark.parametrize(("kind", "given", "defaults"), ITEMS)
def test_items_need_their_first_field(
    kind: type[BaseModel], given: dict[str, Any], defaults: dict[str, Any]
) -> None:
    first = next(iter(given))
    assert first not in defaults
    with pytest.raises(ValidationError, match=first):
        kind(**{name: value for name, value in given.items() if name != first})


@pytest.mark.parametrize(("made", "item"), list(zip(MADE, ITEMS, strict=True)))
def test_payloads_can_be_made_of_a_list_of_items(made: Any, item: Any) -> None:
    kind, field, given, defaults = made
    one = item[0](**item[1])
    payload = kind(**{field: [one], **given})
    assert list(getattr(payload, field)) == [one]
    expected = {**given, **defaults}
    assert {name: getattr(payload, name) for name in expected} == expected


def test_a_concentration_and_a_stored_value_lose_nothing() -> None:
    point = CEMSDataPoint.model_validate({**ITEMS[2][1], "concentration": "12.240"})
    assert str(point.concentration) == "12.240"
    exact = "123456789.123456789123456789"
    sample = HistorianDataPoint(tag_name="T", timestamp=NOW, value=Decimal(exact))
    assert str(sample.value) == exact
    assert exact in sample.model_dump_json()


def test_a_number_that_is_not_finite_is_a_value_too() -> None:
    for text in ("Infinity", "-Infinity", "NaN"):
        sample = HistorianDataPoint(tag_name="T", timestamp=NOW, value=Decimal(text))
        assert str(sample.value) == text
        point = CEMSDataPoint.model_validate({**ITEMS[2][1], "concentration": Decimal(text)})
        assert str(point.concentration) == text


FETCHED = [
    ("SCADA", "tags", "total_tags", SCADATag, 2),
    ("ERP", "records", "total_records", ERPRecord, 5),
    ("CEMS", "data_points", "total_points", CEMSDataPoint, 180),
    ("Historian", "data_points", "total_points", HistorianDataPoint, 6),
    ("CMMS", "work_orders", "total_records", CMMSWorkOrder, None),
]


@pytest.mark.parametrize(("family", "field", "total", "item", "expected"), FETCHED)
def test_a_fetched_payload_is_a_sequence_of_its_items_and_knows_their_number(
    family: str, field: str, total: str, item: type[BaseModel], expected: int | None
) -> None:
    payload, _ = asyncio.run(connector(family).fetch_data(QUERIES[family]))
    assert isinstance(payload, getattr(greenlang_data, family + "Payload"))
    rows = getattr(payload, field)
    assert isinstance(rows, Sequence)
    assert len(rows) == getattr(payload, total) == len(list(rows)) > 0
    if expected is not None:
        assert len(rows) == expected
    assert all(isinstance(row, item) for row in rows)
    assert rows[0] == next(iter(rows))
    assert rows[-1] == list(rows)[-1]
    assert list(rows[:2]) == list(rows)[:2]
    with pytest.raises(IndexError):
        rows[len(rows)]


@pytest.mark.parametrize("family", list(QUERIES))
def test_a_fetched_payload_survives_json(family: str) -> None:
    payload, _ = asyncio.run(connector(family).fetch_data(QUERIES[family]))
    text = payload.model_dump_json()
    again = type(payload).model_validate_json(text)
    assert again.model_dump_json() == text


def test_a_scada_payload_says_what_was_asked_and_when() -> None:
    before = datetime.now(UTC)
    payload, _ = asyncio.run(connector("SCADA").fetch_data(QUERIES["SCADA"]))
    assert [tag.tag_id for tag in payload.tags] == ["ns=2;s=Temperature", "ns=2;s=Pressure"]
    assert [tag.tag_name for tag in payload.tags] == ["Temperature", "Pressure"]
    assert before <= payload.query_time <= datetime.now(UTC)
    for tag in payload.tags:
        assert tag.timestamp.utcoffset() == timedelta(0)
        assert tag.quality == "good"
        assert isinstance(tag.value, float)
        assert tag.unit


def test_the_other_payloads_say_what_was_asked() -> None:
    erp, _ = asyncio.run(connector("ERP").fetch_data(QUERIES["ERP"]))
    assert erp.entity_type == "material"
    assert {record.data["plant_code"] for record in erp.records} == {"1000"}
    assert isinstance(erp.records[0].data["price"], Decimal)
    cems, _ = asyncio.run(connector("CEMS", stack_id="STACK-002").fetch_data(QUERIES["CEMS"]))
    assert cems.stack_id == "STACK-002"
    assert [point.pollutant for point in cems.data_points[::60]] == ["CO2", "NOx", "SO2"]
    assert all(isinstance(point.concentration, Decimal) for point in cems.data_points)
    historian, _ = asyncio.run(connector("Historian").fetch_data(QUERIES["Historian"]))
    assert historian.interval == "1h"
    assert isinstance(historian.data_points[0].value, Decimal)
    cmms, _ = asyncio.run(connector("CMMS").fetch_data(QUERIES["CMMS"]))
    # Finished work: some systems close what was completed, others do not.
    assert {order.status for order in cmms.work_orders} == {"completed", "closed"}
    assert {order.asset_id for order in cmms.work_orders} <= {"ASSET-001", "ASSET-002"}


def test_a_record_is_known_by_its_number_or_not_at_all() -> None:
    def first(fields: list[str]) -> ERPRecord:
        query = ERPQuery(entity_type="material", fields=fields, limit=1)
        payload, _ = asyncio.run(connector("ERP").fetch_data(query))
        record: ERPRecord = payload.records[0]
        return record

    assert first([]).record_id == "000000000000001000"
    assert first(["description", "material"]).record_id == "000000000000001000"
    assert first(["description"]).record_id is None
