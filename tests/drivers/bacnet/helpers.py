"""What the BACnet tests share: configs, and one call from start to end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import pyarrow as pa

from greenlang_data.connectors.scada import SCADAConfig
from greenlang_data.drivers.bacnet import BacnetDriver
from greenlang_data.drivers.base import ReadLog
from tests.drivers.common import rows_of, use_connected
from tests.peers.launch_bacnet import BacnetPeer

Rows = dict[str, dict[str, Any]]
T = TypeVar("T")


def config(peer: BacnetPeer | str, **changed: Any) -> SCADAConfig:
    """A config for a device on the loopback."""
    endpoint = peer if isinstance(peer, str) else peer.address
    fields = {"endpoint": endpoint, "timeout_seconds": 8, "max_retries": 0, **changed}
    return SCADAConfig(connector_id="plant", connector_type="scada", protocol="bacnet", **fields)


def with_driver(settings: SCADAConfig, use: Callable[[BacnetDriver], Awaitable[T]]) -> T:
    """Run ``use`` with a connected driver, and close it."""
    return use_connected(BacnetDriver(settings), use)


async def snapshot(driver: BacnetDriver, tags: Iterable[str], log: ReadLog | None = None) -> Rows:
    """The rows of one snapshot by tag."""
    return await rows_of(driver, tags, log)


def read_once(settings: SCADAConfig, tags: Iterable[str]) -> Rows:
    """Connect, take one snapshot, close."""
    return with_driver(settings, lambda driver: snapshot(driver, tags))


async def listed(driver: BacnetDriver, log: ReadLog) -> list[dict[str, Any]]:
    """All the tags that a device tells."""
    batches: list[pa.RecordBatch] = [batch async for batch in driver.list_tags(log)]
    return [row for batch in batches for row in batch.to_pylist()]
