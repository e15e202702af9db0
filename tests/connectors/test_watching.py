"""Watching with ``await``: on one's own loop, and on that of a session."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import ClassVar

import pyarrow as pa
import pytest

import greenlang_data as gd
from greenlang_data import drivers
from greenlang_data.drivers.base import ReadLog, Watch
from greenlang_data.drivers.mock import MockDriver

QUERY = gd.WatchQuery(tag_ids=["Temperature", "Pressure"], for_seconds=0.5, every_seconds=0.1)
ENDLESS = QUERY.model_copy(update={"for_seconds": None})


def config(**fields: object) -> gd.SCADAConfig:
    return gd.SCADAConfig(
        connector_id="plant", connector_type="scada", mock_mode=True, retry_min_wait=0.01,
        retry_multiplier=0.01, retry_max_wait=0.02, timeout_seconds=1, **fields,
    )  # fmt: skip


class Breaking(MockDriver):
    """Raises the errors of a list, each after two looks, and then goes on."""

    errors: ClassVar[list[Exception]] = []
    ended: ClassVar[int] = 0

    async def watch(self, request: Watch, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        looks = 0
        try:
            async for batch in super().watch(request, log):
                yield batch
                looks += 1
                if looks == 2 and self.errors:
                    raise self.errors.pop(0)
        finally:
            Breaking.ended += 1


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> type[Breaking]:
    monkeypatch.setitem(drivers._BUILT_IN, "mock", (f"{__name__}:Breaking", ""))
    monkeypatch.setattr(Breaking, "errors", [])
    monkeypatch.setattr(Breaking, "ended", 0)
    return Breaking


def test_record_and_watch() -> None:
    async def run() -> None:
        async with gd.SCADAConnector(config()) as connector:
            payload, provenance = await connector.record(QUERY)
            assert {tag.tag_id for tag in payload.tags} == {"Temperature", "Pressure"}
            assert provenance.metadata["partial"] is None
            assert len(provenance.response_hash) == 64
            rows = 0
            async with aclosing(connector.watch(ENDLESS)) as batches:
                async for batch in batches:
                    rows += batch.num_rows
                    if rows >= 6:
                        break
            assert len((await connector.list_tags())[0].tags) > 40
            with pytest.raises(gd.QueryError, match="needs an end"):
                await connector.record(ENDLESS)

    asyncio.run(run())


def test_beside_a_session_that_has_it_open() -> None:
    with gd.Session(mock=True) as s:
        s.scada("Temperature")
        connector = s.connector("scada")
        assert isinstance(connector, gd.SCADAConnector)

        async def run() -> int:
            payload, _ = await connector.record(QUERY)
            assert len(payload.tags) >= 4
            assert len((await connector.list_tags())[0].tags) > 40
            async with aclosing(connector.watch(ENDLESS)) as batches:
                async for batch in batches:
                    return int(batch.num_rows)
            return 0

        assert asyncio.run(run()) == 2
        assert len(s.scada("Temperature")) == 1


@pytest.mark.parametrize(
    "error",
    [
        gd.SourceUnreachable("cut"),
        gd.ProtocolError("garbage"),
        ConnectionResetError("by a driver of one's own"),
    ],
    ids=["cut", "garbage", "foreign"],
)
def test_what_may_pass_is_a_gap(error: Exception, breaking: type[Breaking]) -> None:
    breaking.errors.append(error)

    async def run() -> None:
        async with gd.SCADAConnector(config()) as connector:
            payload, provenance = await connector.record(QUERY)
            (gap,) = provenance.metadata["gaps"]
            assert gap["end"] is not None
            assert gap["reason"] in ("cut", "garbage", "ConnectionResetError")
            bad = [tag for tag in payload.tags if tag.quality == "bad"]
            assert [tag.value for tag in bad] == [None, None]
            assert provenance.metadata["attempts"] == 2

    asyncio.run(run())
    assert breaking.ended == 2  # no watch is left behind


@pytest.mark.parametrize(
    ("error", "why"),
    [(gd.AuthenticationError("refused"), "refused"), (KeyError("s3cret"), "KeyError")],
)
def test_what_cannot_pass_ends_it_with_what_was_heard(
    error: Exception, why: str, breaking: type[Breaking], caplog: pytest.LogCaptureFixture
) -> None:
    breaking.errors.append(error)

    async def run() -> None:
        async with gd.SCADAConnector(config()) as connector:
            with caplog.at_level(logging.ERROR):
                payload, provenance = await connector.record(
                    QUERY.model_copy(update={"for_seconds": 60})
                )
            assert provenance.metadata["partial"] == why
            assert [tag.quality for tag in payload.tags] == ["good"] * 4

    asyncio.run(run())
    # A fault of a driver is not hushed up.
    assert ("unexpected error" in caplog.text) == (why == "KeyError")


def test_a_cancellation_ends_the_watch(breaking: type[Breaking]) -> None:
    async def run() -> None:
        async with gd.SCADAConnector(config()) as connector:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.4):
                    await connector.record(QUERY.model_copy(update={"for_seconds": 60}))
            assert breaking.ended == 1
            others = asyncio.all_tasks() - {asyncio.current_task()}
            assert not others

    asyncio.run(run())
