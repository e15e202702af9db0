"""Connectors that override more than they must."""

from __future__ import annotations

import asyncio
from typing import Any

from greenlang_data import (
    BaseConnector,
    Session,
)
from tests.seed.systems import (
    Question,
    ScriptedConnector,
    config_for,
)


class CachedConnector(ScriptedConnector):
    """Overrides ``fetch_data`` as the guide does, with a dictionary for its cache."""

    connector_id = "cached"

    async def fetch_data(self, query: Question) -> Any:  # type: ignore[override]
        if not hasattr(self, "cache"):
            self.cache: dict[str, Any] = {}
        key = query.model_dump_json()
        if key not in self.cache:
            self.cache[key] = await super().fetch_data(query)
        return self.cache[key]


def test_a_connector_may_override_fetch_data_to_cache() -> None:
    async def use() -> None:
        async with CachedConnector(config_for()) as connector:
            for number in (1, 2, 1, 2, 1):
                payload, _ = await connector.fetch_data(Question(number=number))
                assert payload.rows[0]["number"] == number
            assert connector.attempts == 2
            assert connector.get_metrics().total_requests == 2

    asyncio.run(use())


def test_a_session_uses_the_overridden_fetch_data() -> None:
    connector = CachedConnector(config_for())
    with Session() as session:
        for _ in range(3):
            assert list(session.fetch(connector, Question(number=3))["double"]) == [6]
    assert connector.attempts == 1


def test_a_connector_may_have_a_constructor_of_its_own() -> None:
    class Pooled(BaseConnector[Question, Any, Any]):
        """Keeps a pool, as the guide shows."""

        connector_id = "pooled"
        connector_version = "1.0.0"

        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self._connection_pool = asyncio.Queue[int](maxsize=config.connection_pool_size)

        async def connect(self) -> bool:
            for place in range(self._connection_pool.maxsize):
                self._connection_pool.put_nowait(place)
            return True

        async def disconnect(self) -> bool:
            return True

        async def _health_check_impl(self) -> bool:
            return True

        async def _fetch_data_impl(self, query: Question) -> Any:
            place = await self._connection_pool.get()
            self._connection_pool.put_nowait(place)
            return Question(number=place)

    async def use() -> list[int]:
        async with Pooled(config_for(connection_pool_size=2)) as connector:
            results = await asyncio.gather(*(connector.fetch_data(Question()) for _ in range(4)))
        return [payload.number for payload, _ in results]

    assert set(asyncio.run(use())) <= {0, 1}
