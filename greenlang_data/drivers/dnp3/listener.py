"""What somebody who watches has not seen yet."""

from __future__ import annotations

import asyncio

from greenlang_data.drivers.dnp3.inbox import Block
from greenlang_data.errors import SourceError

News = Block | str
"""Values, or the status of a gap: from here on events may be missing."""


class Listener:
    """Collects what is reported, in the order of arrival; used on the loop only."""

    def __init__(self) -> None:
        self._news: list[News] = []
        self._error: SourceError | None = None
        self._arrived = asyncio.Event()

    def add(self, news: News) -> None:
        """Something was reported."""
        self._news.append(news)
        self._arrived.set()

    def end(self, error: SourceError) -> None:
        """Nothing will be reported any more."""
        self._error = error
        self._arrived.set()

    async def wait(self, seconds: float) -> None:
        """Until something is there, or for so long."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._arrived.wait()
        except TimeoutError:
            return

    def take(self) -> list[News]:
        """What has arrived since the last time. Raises what ended it, after the last news."""
        news, self._news = self._news, []
        if not news and self._error is not None:
            raise self._error
        if self._error is None:
            self._arrived.clear()
        return news
