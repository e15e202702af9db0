"""Connectors that do as they are told, and readers of what Prometheus would see."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from greenlang_data.connectors.mock import MockConnector, MockPayload
from greenlang_data.settings import ConnectorConfig


class Ask(BaseModel):
    what: str = "anything"


class Scripted(MockConnector):
    """Fails with ``error`` while it is set, in reads and in checks."""

    error: Exception | None = None
    alive = True

    def __init__(self, config: ConnectorConfig) -> None:
        super().__init__(config)
        self.checks = 0
        self.loops: set[asyncio.AbstractEventLoop] = set()

    async def _health_check_impl(self) -> bool:
        self.checks += 1
        self.loops.add(asyncio.get_running_loop())
        if self.error is not None:
            raise self.error
        return self.alive

    async def _fetch_data_impl(self, query: BaseModel) -> MockPayload:
        if self.error is not None:
            raise self.error
        return await super()._fetch_data_impl(query)


class Hanging(Scripted):
    """Never answers a check; ignores its first ``stubborn`` cancellations."""

    stubborn = 0

    async def _health_check_impl(self) -> bool:
        self.checks += 1
        for _ in range(self.stubborn):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue
        await asyncio.Event().wait()
        return True


def config(name: str = "plant1", **options: Any) -> ConnectorConfig:
    quick = {"max_retries": 0, "retry_min_wait": 0, "timeout_seconds": 1}
    return ConnectorConfig(connector_id=name, connector_type="mock", **{**quick, **options})


def scripted(name: str = "plant1", **options: Any) -> Scripted:
    return Scripted(config(name, **options))


def value(registry: CollectorRegistry, metric: str, **labels: str) -> float | None:
    """One sample of plant1, or of another ``connector_id``; None when there is none."""
    return registry.get_sample_value(metric, {"connector_id": "plant1", **labels})


def requests(registry: CollectorRegistry, name: str = "plant1") -> tuple[float, float]:
    """Succeeded and failed requests."""
    metric = "connector_requests_total"
    succeeded = value(registry, metric, connector_id=name, status="success")
    failed = value(registry, metric, connector_id=name, status="failure")
    assert succeeded is not None
    assert failed is not None
    return succeeded, failed


def health(registry: CollectorRegistry, name: str = "plant1") -> float | None:
    return value(registry, "connector_health_status", connector_id=name, connector_type="mock")


@contextmanager
def loop_in_thread() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
