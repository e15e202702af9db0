from __future__ import annotations

import asyncio
import time

import pytest

import greenlang_data as gd
from greenlang_data import HealthMonitor, HealthStatus
from greenlang_data.connectors.registry import AnyConnector
from greenlang_data.observe.check import start_on

from .fakes import Ask, Scripted, config, loop_in_thread, scripted


def _monitoring(connector: AnyConnector) -> HealthMonitor:
    monitor = HealthMonitor(enable_prometheus=False)
    monitor.register_connector(connector)
    return monitor


def test_a_connector_in_use_on_another_loop_is_checked_there() -> None:
    connector = scripted()
    monitor = _monitoring(connector)
    with loop_in_thread() as loop:
        asyncio.run_coroutine_threadsafe(connector.fetch_data(Ask()), loop).result(10)
        result = asyncio.run(monitor.check_connector_health("plant1"))
        assert result.health_status is HealthStatus.HEALTHY, result.error_message
        assert connector.loops == {loop}
        connector.error = OSError("pulled the plug")
        result = asyncio.run(monitor.check_connector_health("plant1"))
        assert result.error_message == "OSError: pulled the plug"
        asyncio.run_coroutine_threadsafe(connector.health_check(), loop).result(10)


def test_a_connector_whose_loop_has_ended_is_checked_here() -> None:
    connector = scripted()
    monitor = _monitoring(connector)
    with loop_in_thread() as loop:
        asyncio.run_coroutine_threadsafe(connector.fetch_data(Ask()), loop).result(10)
    result = asyncio.run(monitor.check_connector_health("plant1"))
    assert result.health_status is HealthStatus.HEALTHY, result.error_message
    assert loop not in connector.loops


def test_a_connector_whose_loop_stands_still_is_checked_here() -> None:
    connector = scripted()
    monitor = _monitoring(connector)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(connector.fetch_data(Ask()))
    result = asyncio.run(monitor.check_connector_health("plant1"))
    loop.close()
    assert result.health_status is HealthStatus.HEALTHY, result.error_message


def test_a_loop_that_was_closed_a_moment_ago_leaves_the_work_here() -> None:
    loop = asyncio.new_event_loop()
    loop.close()

    async def here() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def run() -> bool:
        return await start_on(loop, here()) is asyncio.get_running_loop()

    assert asyncio.run(run())


def test_a_check_whose_loop_ends_meanwhile_is_a_result() -> None:
    class Slow(Scripted):
        async def _health_check_impl(self) -> bool:
            await asyncio.sleep(60)
            return True

    connector = Slow(config(timeout_seconds=30))
    monitor = _monitoring(connector)

    async def run(loop: asyncio.AbstractEventLoop) -> gd.HealthCheckResult:
        checking = asyncio.create_task(monitor.check_connector_health("plant1"))
        await asyncio.sleep(0.1)
        loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
        return await checking

    with loop_in_thread() as loop:
        asyncio.run_coroutine_threadsafe(connector.fetch_data(Ask()), loop).result(10)
        result = asyncio.run(run(loop))
    assert result.health_status is HealthStatus.UNHEALTHY
    assert result.error_message is not None
    assert "the health check was cancelled" in result.error_message


def test_a_blocked_loop_elsewhere_does_not_block_the_check() -> None:
    connector = scripted()
    monitor = _monitoring(connector)
    with loop_in_thread() as loop:
        asyncio.run_coroutine_threadsafe(connector.fetch_data(Ask()), loop).result(10)
        loop.call_soon_threadsafe(time.sleep, 2.7)
        begun = time.monotonic()
        result = asyncio.run(monitor.check_connector_health("plant1"))
        assert time.monotonic() - begun < 2.5
    assert result.health_status is HealthStatus.UNHEALTHY
    assert result.error_message is not None
    assert "blocking call" in result.error_message


@pytest.mark.parametrize("name", ["scada", "historian", "cems", "erp", "cmms"])
def test_a_sessions_connectors_are_checked_and_stay_the_sessions(name: str) -> None:
    async def watch(session: gd.Session) -> gd.HealthCheckResult:
        monitor = HealthMonitor(0.02, enable_prometheus=False)
        monitor.register_connector(session.connector(name))
        await monitor.start_monitoring()
        await asyncio.sleep(0.05)
        assert len(session.scada(["ns=2;s=Temperature"])) == 1
        await monitor.stop_monitoring()
        return monitor.get_health_history(name)[-1]

    with gd.Session(mock=True) as session:
        _read(session, name)
        result = asyncio.run(watch(session))
        assert result.health_status is HealthStatus.HEALTHY, result.error_message
        _read(session, name)


def _read(session: gd.Session, name: str) -> None:
    start, end = "2025-01-01", "2025-01-02"
    calls = {
        "scada": lambda: session.scada(["ns=2;s=Temperature"]),
        "historian": lambda: session.historian(["ProcessTemp"], start, end, "1h"),
        "cems": lambda: session.cems(["CO2"], start, end, "hour"),
        "erp": lambda: session.erp("material", limit=None),
        "cmms": lambda: session.cmms("asset"),
    }
    assert len(calls[name]()) > 0


def test_a_sessions_connector_may_be_monitored_before_the_first_call() -> None:
    async def run() -> int:
        with gd.Session(mock=True) as session:
            monitor = _monitoring(session.connector("scada"))
            await monitor.check_all_connectors()
            return len(session.scada(["ns=2;s=Temperature"]))

    assert asyncio.run(run()) == 1
