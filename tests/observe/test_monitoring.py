from __future__ import annotations

import asyncio
import time

from prometheus_client import CollectorRegistry

from greenlang_data import HealthMonitor, HealthStatus

from .fakes import Hanging, Scripted, config, health, loop_in_thread, scripted


def monitoring(*connectors: Scripted, interval: float = 0.02) -> HealthMonitor:
    monitor = HealthMonitor(interval, enable_prometheus=False)
    for connector in connectors:
        monitor.register_connector(connector)
    return monitor


def test_checks_go_on_until_stopped() -> None:
    async def run() -> tuple[int, int]:
        connector = scripted()
        monitor = monitoring(connector)
        await monitor.start_monitoring()
        await asyncio.sleep(0.3)
        await monitor.stop_monitoring()
        stopped = connector.checks
        # A check that the stop cancels was counted by the connector and is not in the history.
        assert stopped - len(monitor.get_health_history("plant1")) in (0, 1)
        await asyncio.sleep(0.1)
        return stopped, connector.checks

    stopped, later = asyncio.run(run())
    assert 5 <= stopped <= 16
    assert later == stopped


def test_the_interval_is_kept() -> None:
    async def run() -> int:
        connector = scripted()
        monitor = monitoring(connector, interval=60)
        await monitor.start_monitoring()
        await asyncio.sleep(0.1)
        await monitor.stop_monitoring()
        return connector.checks

    assert asyncio.run(run()) == 1


def test_after_starting_the_first_verdicts_are_there() -> None:
    async def run() -> HealthMonitor:
        monitor = monitoring(scripted("one"), scripted("other"), interval=60)
        await monitor.start_monitoring()
        await monitor.stop_monitoring()
        return monitor

    found = asyncio.run(run()).get_aggregated_health()
    assert (found.healthy_count, found.total_connectors) == (2, 2)


def test_starting_twice_checks_once_and_stopping_twice_is_fine() -> None:
    async def run() -> int:
        connector = scripted()
        monitor = monitoring(connector, interval=60)
        await monitor.stop_monitoring()
        await asyncio.gather(monitor.start_monitoring(), monitor.start_monitoring())
        await monitor.start_monitoring()
        assert len(asyncio.all_tasks()) == 2
        await monitor.stop_monitoring()
        await monitor.stop_monitoring()
        assert len(asyncio.all_tasks()) == 1
        return connector.checks

    assert asyncio.run(run()) == 1


def test_it_can_be_started_again() -> None:
    async def run() -> int:
        connector = scripted()
        monitor = monitoring(connector, interval=60)
        for _ in range(2):
            await monitor.start_monitoring()
            await monitor.stop_monitoring()
        return connector.checks

    assert asyncio.run(run()) == 2


def test_it_can_be_started_again_on_another_loop_after_the_first_has_ended() -> None:
    connector = scripted()
    monitor = monitoring(connector, interval=60)
    asyncio.run(monitor.start_monitoring())
    asyncio.run(monitor.stop_monitoring())
    asyncio.run(monitor.start_monitoring())
    asyncio.run(monitor.start_monitoring())
    assert connector.checks == 3


def test_it_can_be_started_again_while_the_first_loop_stands_still() -> None:
    connector = scripted()
    monitor = monitoring(connector, interval=60)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(monitor.start_monitoring())
    asyncio.run(asyncio.wait_for(monitor.start_monitoring(), 5))
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert connector.checks == 2


def test_it_can_be_stopped_from_another_thread() -> None:
    connector = scripted()
    monitor = monitoring(connector, interval=60)
    with loop_in_thread() as loop:
        asyncio.run_coroutine_threadsafe(monitor.start_monitoring(), loop).result(10)
        assert len(asyncio.all_tasks(loop)) == 1
        asyncio.run(asyncio.wait_for(monitor.stop_monitoring(), 5))
        assert not asyncio.all_tasks(loop)


def test_a_hanging_connector_delays_neither_the_others_nor_the_stop() -> None:
    async def run() -> tuple[float, int, int]:
        hanging, quick = Hanging(config("hanging", timeout_seconds=300)), scripted("quick")
        monitor = monitoring(hanging, quick)
        starting = asyncio.create_task(monitor.start_monitoring())
        await asyncio.sleep(0.3)
        begun = time.monotonic()
        await monitor.stop_monitoring()
        stopped = time.monotonic() - begun
        await asyncio.wait_for(starting, 1)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return stopped, quick.checks, hanging.checks

    stopped, quick, hanging = asyncio.run(run())
    assert stopped < 0.2
    assert quick >= 5
    assert hanging == 1, "a check under way is not begun again"


def test_a_check_that_ignores_its_cancellation_does_not_block_the_stop() -> None:
    async def run() -> float:
        stubborn = Hanging(config(timeout_seconds=300))
        stubborn.stubborn = 1
        monitor = monitoring(stubborn)
        starting = asyncio.create_task(monitor.start_monitoring())
        await asyncio.sleep(0.05)
        begun = time.monotonic()
        await monitor.stop_monitoring()
        waited = time.monotonic() - begun
        await asyncio.wait_for(starting, 1)
        return waited

    assert asyncio.run(run()) < 1.5


def test_stopping_waits_for_the_clean_up_of_a_check() -> None:
    class Tidy(Hanging):
        tidy = False

        async def _health_check_impl(self) -> bool:
            try:
                return await super()._health_check_impl()
            finally:
                await asyncio.sleep(0.2)
                self.tidy = True

    async def run() -> bool:
        connector = Tidy(config())
        monitor = monitoring(connector)
        starting = asyncio.create_task(monitor.start_monitoring())
        await asyncio.sleep(0.05)
        await monitor.stop_monitoring()
        await starting
        return connector.tidy

    assert asyncio.run(run())


def test_connectors_may_come_and_go_while_monitoring() -> None:
    async def run() -> None:
        one, other = scripted("one"), scripted("other")
        monitor = monitoring(one)
        await monitor.start_monitoring()
        monitor.register_connector(other)
        await asyncio.sleep(0.1)
        assert monitor.get_health_status("other") is HealthStatus.HEALTHY
        monitor.unregister_connector("one")
        await asyncio.sleep(0.1)  # for the round that had begun
        gone = one.checks
        await asyncio.sleep(0.1)
        assert one.checks == gone
        await monitor.stop_monitoring()

    asyncio.run(run())


def test_an_outage_and_its_end_are_seen() -> None:
    async def run() -> list[str]:
        registry, connector = CollectorRegistry(), scripted()
        monitor = HealthMonitor(0.02, registry=registry)
        monitor.register_connector(connector)
        await monitor.start_monitoring()
        seen = [health(registry)]
        for error in (ConnectionError("gone"), None):
            connector.error = error
            await asyncio.sleep(0.15)
            seen.append(health(registry))
        await monitor.stop_monitoring()
        assert seen == [1, 3, 1]
        return [one.health_status.value for one in monitor.get_health_history("plant1")]

    kinds = asyncio.run(run())
    assert "unhealthy" in kinds
    assert kinds[0] == kinds[-1] == "healthy"
