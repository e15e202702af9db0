"""One watch of a driver, pulled by a task of its own, so that nobody waits for it for ever."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import pyarrow as pa

from greenlang_data.errors import ProtocolError

_CLOSE_SECONDS: Final = 1.0
_MOST_WAITING: Final = 64  # batches, after which the driver has to wait


class Feed:
    """The batches of ``watch``, which lives in one task from its first step to its last."""

    def __init__(self, watch: AsyncIterator[pa.RecordBatch], source: str) -> None:
        self._source = source
        self._waiting: asyncio.Queue[pa.RecordBatch | Exception] = asyncio.Queue(_MOST_WAITING)
        self._task = asyncio.create_task(self._pump(watch))

    async def next(self, seconds: float) -> pa.RecordBatch | None:
        """The next batch, or None when there is none within ``seconds``.

        Raises what the watch raised.
        """
        try:
            async with asyncio.timeout(seconds):
                item = await self._waiting.get()
        except TimeoutError:
            return None
        if isinstance(item, Exception):
            raise item
        return item

    async def close(self) -> None:
        """End the watch, within a second; closing twice is fine."""
        self._task.cancel()
        await asyncio.wait((self._task,), timeout=_CLOSE_SECONDS)

    async def _pump(self, watch: AsyncIterator[pa.RecordBatch]) -> None:
        try:
            async for batch in watch:
                await self._waiting.put(batch)
            end: Exception = ProtocolError(
                "the watch ended by itself",
                source=self._source,
                remedy="Report this with the driver's name.",
            )
        except Exception as error:
            end = error
        finally:
            if hasattr(watch, "aclose"):
                # What is left of it belongs to a line that is lost, or to a watch that is over.
                with contextlib.suppress(Exception):
                    await watch.aclose()
        await self._waiting.put(end)
