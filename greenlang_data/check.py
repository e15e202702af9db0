"""``greenlang-data check``: is each source there, and if not, why not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import perf_counter

from greenlang_data.connectors.registry import AnyConnector
from greenlang_data.runtime import get_runtime
from greenlang_data.session import Session


def run_check(file: Path) -> int:
    """Connect to every source of ``file`` at the same time and print a line about each.

    Returns 0 when all answer, else 1. Raises ConfigurationError for a wrong file.
    """
    with Session.from_toml(file) as session:
        connectors = [session.connector(name) for name in session.sources]
        results = get_runtime().run(_try_all(connectors))
    width = max(len(one.config.connector_id) for one in connectors)
    for connector, (seconds, problem) in zip(connectors, results, strict=True):
        name = connector.config.connector_id.ljust(width)
        if problem is None:
            print(f"{name}  ok      {connector.config.source_system} ({seconds * 1000:.0f} ms)")
        else:
            print(f"{name}  FAILED  {problem}")
    return 1 if any(problem for _, problem in results) else 0


async def _try_all(connectors: list[AnyConnector]) -> list[tuple[float, str | None]]:
    results = await asyncio.gather(*map(_try, connectors))
    # Here and not in the session's close, which leaves alone what no call of its own opened.
    await asyncio.gather(*(one.disconnect() for one in connectors), return_exceptions=True)
    return results


async def _try(connector: AnyConnector) -> tuple[float, str | None]:
    started = perf_counter()
    try:
        await connector.ping()
    except Exception as error:  # whatever it is, it belongs on this source's line
        text = " ".join(str(error).split()) or type(error).__name__
        return perf_counter() - started, text.removeprefix(f"{connector.config.connector_id}: ")
    return perf_counter() - started, None
