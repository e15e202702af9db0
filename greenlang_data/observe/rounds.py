"""Background checks at an interval, on one event loop, from start to stop."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeAlias

Checks: TypeAlias = Mapping[str, Callable[[], Coroutine[Any, Any, object]]]


class Rounds:
    """Begins every check at once, and again after each interval, on the running event loop.

    A check that is still under way is left out of the round, so one that hangs delays itself only.

    Parameters
    ----------
    checks : asked at each round for what to check, by name; must end soon after a cancellation.
    interval : asked after each round for the seconds until the next.
    """

    def __init__(self, checks: Callable[[], Checks], interval: Callable[[], float]) -> None:
        self.loop = asyncio.get_running_loop()
        self._checks = checks
        self._interval = interval
        self._under_way: dict[str, asyncio.Task[object]] = {}
        self._begin()
        self._ticker = asyncio.create_task(self._tick())

    @property
    def alive(self) -> bool:
        """Whether further rounds will come."""
        return not self._ticker.done() and self.loop.is_running()

    async def first(self, seconds: float) -> None:
        """Wait for the checks under way, at most so many seconds."""
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=seconds)

    async def stop(self) -> None:
        """Cancel what is under way, and wait until it has ended."""
        tasks = [self._ticker, *self._under_way.values()]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._interval())
            self._begin()

    def _begin(self) -> None:
        for name, check in self._checks().items():
            if name not in self._under_way:
                task = self._under_way[name] = asyncio.create_task(check())
                task.add_done_callback(functools.partial(self._ended, name))

    def _ended(self, name: str, _: asyncio.Task[object]) -> None:
        del self._under_way[name]
