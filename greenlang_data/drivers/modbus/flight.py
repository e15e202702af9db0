"""Requests of one call on their way over Modbus TCP."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.modbus.link import Outcome
from greenlang_data.drivers.modbus.plan import Span


class Flight:
    """Which of ``spans`` are waiting, on their way, or answered; indices stand for the spans.

    ``spans_sent`` and ``index_of`` are by transaction id. A request that is asked again has two
    ids, and either answer is right. ``flying`` are those in flight, ``alone`` those to be asked
    again with nothing else in flight, and ``asked_again`` by index the ids of the second requests.
    ``burst`` were in flight after the last sending, and ``lonely`` says that it was one into
    silence. ``touched`` is when something was last sent into silence or received, on the loop's clock.
    """

    def __init__(self, spans: Sequence[Span], log: ReadLog, now: float) -> None:
        self.spans = spans
        self.log = log
        self.outcomes: list[Outcome | None] = [None] * len(spans)
        self.waiting = deque(range(len(spans)))
        self.spans_sent: dict[int, Span] = {}
        self.index_of: dict[int, int] = {}
        self.flying: set[int] = set()
        self.alone: deque[int] = deque()
        self.asked_again: dict[int, int] = {}
        self.burst = 0
        self.lonely = False
        self.left = len(spans)
        self.touched = now
        # Holds an error as a result, so that asyncio has nothing to report if nobody waits.
        self.done: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def next_alone(self) -> int | None:
        """The next to be asked again, unless its first request was answered meanwhile."""
        while self.alone:
            index = self.alone.popleft()
            if self.outcomes[index] is None:
                return index
        return None

    def sent(self, index: int, transaction: int) -> None:
        """The request for ``index`` is on its way."""
        self.flying.add(index)
        self.spans_sent[transaction] = self.spans[index]
        self.index_of[transaction] = index
        self.log.requests += 1

    def take(self, transaction: int) -> int:
        """The index that an expected answer is for; it is expected no more."""
        del self.spans_sent[transaction]
        return self.index_of.pop(transaction)

    def settle(self, index: int, outcome: Outcome) -> None:
        """Keep the outcome of ``index``, which has none yet."""
        self.outcomes[index] = outcome
        self.flying.discard(index)
        self.left -= 1
        if not self.left:
            self.end(None)

    def end(self, error: Exception | None) -> None:
        """Everything is answered, or the connection has ended."""
        if not self.done.done():
            self.done.set_result(error)
