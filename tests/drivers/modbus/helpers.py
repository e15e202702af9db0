"""What the Modbus tests share: configs, registers, and one read from start to end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from greenlang_data.connectors.scada import SCADAConfig
from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.modbus import ModbusDriver
from greenlang_data.settings.register import Register
from tests.drivers.common import rows_of, use_connected

Rows = dict[str, dict[str, Any]]
T = TypeVar("T")


def register(tag: str, **changed: Any) -> Register:
    """An unsigned holding register at address 0, unless ``changed`` says otherwise."""
    return Register(**{"tag": tag, "table": "holding", "address": 0, "type": "uint16", **changed})


def words(first: int, stop: int, **changed: Any) -> list[Register]:
    """Unsigned registers ``W<address>`` from ``first`` up to ``stop``."""
    return [register(f"W{at}", address=at, **changed) for at in range(first, stop)]


def holding_word(address: int) -> int:
    """Content of the peers' holding registers where nothing else is documented."""
    return (address * 31 + 7) & 0xFFFF


def config(port: int, registers: Iterable[Register] = (), **changed: Any) -> SCADAConfig:
    """A config for a peer on the loopback."""
    fields = {"endpoint": f"127.0.0.1:{port}", "timeout_seconds": 4, **changed}
    return SCADAConfig(
        connector_id="plant",
        connector_type="scada",
        protocol="modbus",
        registers=tuple(registers),
        **fields,
    )


async def snapshot(
    driver: ModbusDriver, tags: Iterable[str] | None = None, log: ReadLog | None = None
) -> Rows:
    """The rows of one snapshot by tag; all tags of the map unless ``tags`` are given."""
    asked = tuple(one.tag for one in driver.config.registers) if tags is None else tuple(tags)
    return await rows_of(driver, asked, log)


def with_driver(settings: SCADAConfig, use: Callable[[ModbusDriver], Awaitable[T]]) -> T:
    """Run ``use`` with a connected driver, and close it."""
    return use_connected(ModbusDriver(settings), use)


def read_once(settings: SCADAConfig, tags: Iterable[str] | None = None) -> Rows:
    """Connect, take one snapshot, close."""
    return with_driver(settings, lambda driver: snapshot(driver, tags))


def values(rows: Rows) -> dict[str, float | None]:
    """The column ``value`` by tag."""
    return {tag: row["value"] for tag, row in rows.items()}
