"""Provenance and mock data: the same question, answer and hashes on every machine."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from greenlang_data import (
    BaseConnector,
    ConnectorConfig,
    ConnectorProvenance,
    ERPQuery,
    HistorianQuery,
    MockConnector,
    SCADAQuery,
)
from tests.seed.mocks import QUERIES, connector
from tests.seed.systems import Answer, Question, scripted

SOURCES = [*QUERIES, "mock", "own"]
ROOT = Path(__file__).parents[2]
FIELDS = {
    "connector_id",
    "connector_type",
    "connector_version",
    "query_hash",
    "response_hash",
    "timestamp",
    "request_id",
    "mode",
    "source_system",
    "metadata",
}


def provenance_of(asked: Any, query: Any) -> ConnectorProvenance:
    _, provenance = asyncio.run(asked.fetch_data(query))
    assert isinstance(provenance, ConnectorProvenance)
    return provenance


def mock_connector() -> MockConnector:
    return MockConnector(ConnectorConfig(connector_id="mock1", connector_type="mock"))


def answer_of(source: str) -> list[str]:
    """Both hashes and the whole answer of one source, as text."""
    asked: Any
    if source in QUERIES:
        asked, query = connector(source), QUERIES[source]
    elif source == "mock":
        asked, query = mock_connector(), QUERIES["SCADA"]
    else:
        asked, query = scripted(), Question(number=7)
    payload, provenance = asyncio.run(asked.fetch_data(query))
    data = payload.model_dump(mode="json", exclude={"query_time"})
    return [provenance.query_hash, provenance.response_hash, json.dumps(data)]


def everything() -> dict[str, list[str]]:
    """The answers of all sources; an error in place of one that fails."""
    found = {}
    for source in SOURCES:
        try:
            found[source] = answer_of(source)
        except Exception as error:
            found[source] = [repr(error)]
    return found


@cache
def elsewhere(hash_seed: str) -> dict[str, list[str]]:
    """The same from another process, with another order of sets, zone and locale."""
    code = "import json; from tests.seed.test_provenance import everything\n"
    code += "print(json.dumps(everything()))"
    variables = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed, "TZ": "Asia/Kolkata"}
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found: dict[str, list[str]] = json.loads(run.stdout)
    return found


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
@pytest.mark.parametrize("source", SOURCES)
def test_answers_and_hashes_are_the_same_in_every_process(source: str, hash_seed: str) -> None:
    assert elsewhere(hash_seed)[source] == answer_of(source)


@pytest.mark.parametrize("family", list(QUERIES))
def test_the_provenance_of_a_mock_is_complete(family: str) -> None:
    before = datetime.now(UTC)
    provenance = provenance_of(connector(family), QUERIES[family])
    assert set(ConnectorProvenance.model_fields) >= FIELDS
    assert provenance.connector_id == "test-" + family.lower()
    assert provenance.connector_type == family.lower()
    assert provenance.connector_version == "1.0.0"
    assert provenance.mode == "mock"
    assert provenance.source_system
    assert provenance.timestamp.utcoffset() == timedelta(0)
    assert before <= provenance.timestamp <= datetime.now(UTC)
    for digest in (provenance.query_hash, provenance.response_hash):
        assert len(digest) == 64
        assert set(digest) <= set("0123456789abcdef")


def test_the_provenance_of_a_connector_of_ones_own_says_live_and_its_version() -> None:
    provenance = provenance_of(scripted("plant7"), Question(number=1))
    assert (provenance.connector_id, provenance.connector_type) == ("plant7", "scripted")
    assert (provenance.connector_version, provenance.mode) == ("1.2.3", "live")


def test_every_request_has_an_id_of_its_own() -> None:
    asked = connector("SCADA")
    ids = {provenance_of(asked, QUERIES["SCADA"]).request_id for _ in range(20)}
    assert len(ids) == 20
    assert all(ids)


def test_equal_queries_have_equal_hashes() -> None:
    berlin = timezone(timedelta(hours=1))
    window: dict[str, Any] = {"tag_names": ["ProcessTemp"], "interval": "1h"}
    pairs = [
        (
            "ERP",
            ERPQuery(entity_type="material", filters={"plant_code": "1000", "currency": "EUR"}),
            ERPQuery(filters={"currency": "EUR", "plant_code": "1000"}, entity_type="material"),
        ),
        (
            "Historian",
            HistorianQuery(
                start_time=datetime(2025, 1, 1, tzinfo=UTC),
                end_time=datetime(2025, 1, 2, tzinfo=UTC),
                **window,
            ),
            HistorianQuery(
                start_time=datetime(2025, 1, 1, 1, tzinfo=berlin),
                end_time=datetime(2025, 1, 2, 1, tzinfo=berlin),
                **window,
            ),
        ),
    ]
    for family, first, second in pairs:
        assert first == second
        asked = connector(family)
        assert provenance_of(asked, first).query_hash == provenance_of(asked, second).query_hash


def test_different_queries_have_different_hashes() -> None:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    queries = [
        SCADAQuery(tag_ids=["tag1"]),
        SCADAQuery(tag_ids=["tag2"]),
        SCADAQuery(tag_ids=["tag1", "tag2"]),
        SCADAQuery(tag_ids=["tag2", "tag1"]),
        SCADAQuery(tag_ids=["tag1"], start_time=start, end_time=start + timedelta(minutes=1)),
        SCADAQuery(tag_ids=["tag1"], start_time=start, end_time=start + timedelta(minutes=2)),
        *(
            SCADAQuery(
                tag_ids=["tag1"],
                start_time=start,
                end_time=start + timedelta(minutes=1),
                aggregation=aggregation,
            )
            for aggregation in ("avg", "min", "max", "sum", "count")
        ),
    ]
    asked = connector("SCADA")
    hashes = {provenance_of(asked, query).query_hash for query in queries}
    assert len(hashes) == len(queries)


def test_the_response_hash_follows_the_content_only() -> None:
    def hash_of(answer: list[dict[str, Any]], connector_id: str = "plant1") -> str:
        class Fixed(BaseConnector[Question, Answer, ConnectorConfig]):
            """Always answers the same."""

            connector_id = "fixed"
            connector_version = "1.0.0"

            async def connect(self) -> bool:
                return True

            async def disconnect(self) -> bool:
                return True

            async def _health_check_impl(self) -> bool:
                return True

            async def _fetch_data_impl(self, query: Question) -> Answer:
                return Answer(rows=answer)

        config = ConnectorConfig(connector_id=connector_id, connector_type="fixed")
        return provenance_of(Fixed(config), Question()).response_hash

    assert hash_of([{"a": 1, "b": 2}]) == hash_of([{"b": 2, "a": 1}], "plant2")
    answers: list[list[dict[str, Any]]] = [[], [{"a": 1}], [{"a": 2}], [{"a": "1"}], [{"b": 1}]]
    assert len({hash_of(answer) for answer in answers}) == len(answers)


def test_the_mock_connector_answers_each_query_in_its_own_way() -> None:
    asked = mock_connector()
    first, _ = asyncio.run(asked.fetch_data(SCADAQuery(tag_ids=["tag1"])))
    second, _ = asyncio.run(asked.fetch_data(SCADAQuery(tag_ids=["tag2"])))
    again, _ = asyncio.run(asked.fetch_data(SCADAQuery(tag_ids=["tag1"])))
    assert again == first
    assert first != second


def test_without_provenance_the_answer_comes_all_the_same() -> None:
    payload, provenance = asyncio.run(
        connector("SCADA", enable_provenance=False).fetch_data(QUERIES["SCADA"])
    )
    assert payload.total_tags == 2
    assert provenance.connector_id == "test-scada"
