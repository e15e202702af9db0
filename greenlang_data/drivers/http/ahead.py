"""Requests that are under way before their answers are needed, a few at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """Runs ``starts`` in order, at most ``width`` ahead of what :meth:`next` has given out.

    An async context manager: leaving it cancels what nobody will ask for.
    """

    def __init__(self, starts: Sequence[Callable[[], Awaitable[T]]], width: int = 4) -> None:
        self._waiting = deque(starts)
        self._running: deque[asyncio.Task[T]] = deque()
        self._width = width

    async def next(self) -> T:
        """The next answer. Raises what its request raised."""
        while self._waiting and len(self._running) < self._width:
            task = asyncio.create_task(_awaited(self._waiting.popleft()))
            task.add_done_callback(ignored)
            self._running.append(task)
        return await self._running.popleft()

    @property
    def is_ready(self) -> bool:
        """Whether the next answer has come already."""
        return bool(self._running) and self._running[0].done()

    def end(self) -> None:
        """Cancel what nobody will ask for."""
        for task in self._running:
            task.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()


async def _awaited(start: Callable[[], Awaitable[T]]) -> T:
    return await start()


def ignored(task: asyncio.Task[T]) -> None:
    """Keep asyncio from reporting an error that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
