"""Health checks, uptime and several requests at once."""

from __future__ import annotations

import asyncio

from greenlang_data import HealthStatus
from tests.seed.systems import Question, ScriptedConnector, config_for, scripted


def test_the_uptime_grows_while_connected_only() -> None:
    async def use() -> None:
        source = scripted()
        assert source.get_metrics().uptime_seconds == 0
        async with source:
            await asyncio.sleep(0.05)
            first = source.get_metrics().uptime_seconds
            await asyncio.sleep(0.05)
            second = source.get_metrics().uptime_seconds
        assert 0.04 <= first < 1
        assert 0.04 <= second - first < 1
        closed = source.get_metrics().uptime_seconds
        await asyncio.sleep(0.05)
        assert source.get_metrics().uptime_seconds == closed

    asyncio.run(use())


def test_a_health_check_tells_by_its_answer_and_in_the_metrics() -> None:
    class Raising(ScriptedConnector):
        """Its health check raises."""

        async def _health_check_impl(self) -> bool:
            raise OSError("no reply")

    async def use() -> None:
        source = scripted()
        assert source.get_metrics().health_status == HealthStatus.UNKNOWN
        assert await source.health_check() is True
        assert source.get_metrics().health_status == HealthStatus.HEALTHY
        source.is_well = False
        assert await source.health_check() is False
        assert source.get_metrics().health_status == HealthStatus.UNHEALTHY
        raising = Raising(config_for())
        assert await raising.health_check() is False
        assert raising.get_metrics().health_status == HealthStatus.UNHEALTHY

    asyncio.run(use())


def test_background_health_checks_start_and_stop() -> None:
    async def use() -> None:
        before = len(asyncio.all_tasks())
        async with scripted(health_check_interval=10) as source:
            await source.start_health_monitoring()
            await source.start_health_monitoring()
            for _ in range(200):
                if source.get_metrics().health_status == HealthStatus.HEALTHY:
                    break
                await asyncio.sleep(0.01)
            assert source.get_metrics().health_status == HealthStatus.HEALTHY
            await source.stop_health_monitoring()
            await source.stop_health_monitoring()
            assert len(asyncio.all_tasks()) == before

    asyncio.run(use())


def test_several_queries_at_once_give_their_answers_in_order() -> None:
    async def use() -> None:
        async with scripted(connection_pool_size=3) as source:
            source.delay = 0.01
            answers = await asyncio.gather(
                *(source.fetch_data(Question(number=number)) for number in range(20))
            )
        assert [payload.rows[0]["number"] for payload, _ in answers] == list(range(20))
        assert source.get_metrics().total_requests == 20

    asyncio.run(use())


def test_no_more_requests_run_at_once_than_the_pool_has_places() -> None:
    class Counting(ScriptedConnector):
        """Knows how many requests it is working on."""

        running = 0
        most = 0

        async def _fetch_data_impl(self, query: Question) -> object:  # type: ignore[override]
            self.running += 1
            self.most = max(self.most, self.running)
            await asyncio.sleep(0.01)
            self.running -= 1
            return await super()._fetch_data_impl(query)

    async def use() -> None:
        source = Counting(config_for(connection_pool_size=3))
        await asyncio.gather(*(source.fetch_data(Question()) for _ in range(12)))
        assert source.most == 3
        await source.disconnect()

    asyncio.run(use())
