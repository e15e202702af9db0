"""Calls of one owner that end when it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, NoReturn, TypeVar

from greenlang_data.errors import SessionClosedError

T = TypeVar("T")

_GRACE_SECONDS: Final = 5.0


class UnderWay:
    """What is being awaited for an owner; all of it on one loop."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()
        self._is_over = False
        self._ending = asyncio.Lock()

    async def awaited(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of ``work``. Raises what it raises, and SessionClosedError once it is ended."""
        if self._is_over:
            work.close()
            self._refuse()
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            return await work
        except asyncio.CancelledError:
            if not self._is_over:
                raise
            self._refuse()
        finally:
            self._tasks.discard(task)

    @asynccontextmanager
    async def ended(self) -> AsyncIterator[None]:
        """Cancel all of it, and wait a few seconds for what it has to clean up; one at a time."""
        self._is_over = True
        async with self._ending:
            tasks = self._tasks - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=_GRACE_SECONDS)
            yield

    def _refuse(self) -> NoReturn:
        raise SessionClosedError(
            "the session was closed during the call", remedy="Open a new one."
        ) from None
