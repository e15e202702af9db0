"""A connector's life: opening, closing, health, and use without either."""

from __future__ import annotations

import asyncio

import pytest

from greenlang_data import ConnectionState, HealthStatus, SCADAQuery, Session
from tests.seed.mocks import QUERIES, connector
from tests.seed.systems import Question, ScriptedConnector, config_for, scripted


def state(of: ScriptedConnector) -> ConnectionState:
    return of.get_metrics().connection_state


def test_an_async_with_block_opens_and_closes_once() -> None:
    async def use() -> None:
        source = scripted()
        assert state(source) == ConnectionState.DISCONNECTED
        async with source as entered:
            assert entered is source
            assert state(source) == ConnectionState.CONNECTED
            for _ in range(3):
                await source.fetch_data(Question())
            assert (source.connects, source.disconnects) == (1, 0)
        assert state(source) == ConnectionState.DISCONNECTED
        assert (source.connects, source.disconnects) == (1, 1)

    asyncio.run(use())


def test_an_async_with_block_closes_when_its_body_fails_and_passes_the_error_on() -> None:
    async def use(source: ScriptedConnector) -> None:
        async with source:
            raise KeyError("of the body")

    source = scripted()
    with pytest.raises(KeyError, match="of the body"):
        asyncio.run(use(source))
    assert source.disconnects == 1
    assert state(source) == ConnectionState.DISCONNECTED


def test_a_connector_can_be_opened_again() -> None:
    async def use() -> None:
        source = scripted()
        for times in (1, 2):
            async with source:
                payload, _ = await source.fetch_data(Question(number=times))
                assert payload.rows[0]["double"] == 2 * times
            assert (source.connects, source.disconnects) == (times, times)

    asyncio.run(use())


def test_a_plain_with_block_opens_and_closes_once() -> None:
    source = scripted()
    with source as entered:
        assert entered is source
        assert state(source) == ConnectionState.CONNECTED
        assert source.connects == 1
    assert state(source) == ConnectionState.DISCONNECTED
    assert (source.connects, source.disconnects) == (1, 1)


def test_a_plain_with_block_closes_when_its_body_fails() -> None:
    source = scripted()
    with pytest.raises(KeyError, match="of the body"), source:
        raise KeyError("of the body")
    assert (source.connects, source.disconnects) == (1, 1)


def test_a_session_fetches_within_a_plain_with_block_over_the_same_connection() -> None:
    source = scripted()
    with source, Session() as session:
        frame = session.fetch(source, Question(number=4))
        assert list(frame["double"]) == [8]
        assert source.connects == 1


def test_a_plain_with_block_serves_a_script_and_an_async_cell() -> None:
    async def cell(source: ScriptedConnector) -> int:
        payload, _ = await source.fetch_data(Question(number=3))
        doubled: int = payload.rows[0]["double"]
        return doubled

    async def cell_with_block(source: ScriptedConnector) -> int:
        with source:
            return await cell(source)

    source = scripted()
    with source:
        assert asyncio.run(cell(source)) == 6
    assert asyncio.run(cell_with_block(source)) == 6
    assert (source.connects, source.disconnects) == (2, 2)


def test_manual_opening_and_closing() -> None:
    async def use() -> None:
        source = scripted()
        assert await source.connect() is True
        assert state(source) == ConnectionState.CONNECTED
        await source.fetch_data(Question())
        assert source.connects == 1
        assert await source.disconnect() is True
        assert state(source) == ConnectionState.DISCONNECTED

    asyncio.run(use())


def test_a_request_opens_the_connection_when_nobody_did() -> None:
    async def use() -> None:
        source = scripted()
        await asyncio.gather(*(source.fetch_data(Question()) for _ in range(10)))
        assert source.connects == 1
        assert state(source) == ConnectionState.CONNECTED
        await source.disconnect()

    asyncio.run(use())


@pytest.mark.parametrize("family", list(QUERIES))
def test_the_built_in_connectors_open_close_and_answer(family: str) -> None:
    async def use() -> None:
        source = connector(family)
        async with source:
            assert source.get_metrics().connection_state == ConnectionState.CONNECTED
            payload, provenance = await source.fetch_data(QUERIES[family])
            assert provenance.connector_id == "test-" + family.lower()
            assert type(payload).__name__ == family + "Payload"
            assert await source.health_check() is True
        assert source.get_metrics().connection_state == ConnectionState.DISCONNECTED
        assert source.get_metrics().health_status == HealthStatus.HEALTHY

    asyncio.run(use())


@pytest.mark.parametrize("family", list(QUERIES))
def test_one_connector_serves_one_event_loop_after_another(family: str) -> None:
    source = connector(family)
    hashes = {asyncio.run(source.fetch_data(QUERIES[family]))[1].response_hash for _ in range(3)}
    assert len(hashes) == 1


def test_a_failed_opening_is_an_error_and_leaves_no_connection() -> None:
    class Closed(ScriptedConnector):
        """Its door is shut."""

        async def connect(self) -> bool:
            self.connects += 1
            raise ConnectionError("the door is shut")

    async def use() -> None:
        source = Closed(config_for())
        with pytest.raises(ConnectionError, match="the door is shut"):
            async with source:
                pytest.fail("the block was entered")
        assert state(source) == ConnectionState.ERROR
        with pytest.raises(ConnectionError, match="the door is shut"):
            await source.fetch_data(Question())
        assert source.attempts == 0

    asyncio.run(use())


def test_a_connect_that_says_false_is_a_failure() -> None:
    class Refusing(ScriptedConnector):
        """Says no."""

        async def connect(self) -> bool:
            return False

    source = Refusing(config_for())
    with pytest.raises(ConnectionError, match="plant1"):
        asyncio.run(source.fetch_data(Question()))
    assert source.attempts == 0


def test_a_query_of_the_wrong_kind_is_refused() -> None:
    source = connector("ERP")
    with pytest.raises((TypeError, ValueError), match="ERPQuery"):
        asyncio.run(source.fetch_data(SCADAQuery(tag_ids=["tag1"])))
