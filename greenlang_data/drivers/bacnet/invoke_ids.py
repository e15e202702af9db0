"""The numbers by which answers find their requests."""

from __future__ import annotations

import time
from collections import deque
from typing import Final

_NUMBERS: Final = 256
# How long after a request was given up, or sent twice, an answer to it may still come.
LATEST_SECONDS: Final = 60.0


class InvokeIds:
    """Hands out the number that was free for the longest time.

    One whose request may still be answered rests for a minute, also across connections.
    """

    def __init__(self) -> None:
        self._free: deque[int] = deque(range(_NUMBERS))
        self._resting: deque[tuple[float, int]] = deque()

    def take(self) -> int | None:
        """A number, or None while all rest."""
        now = time.monotonic()
        while self._resting and self._resting[0][0] <= now:
            self._free.append(self._resting.popleft()[1])
        return self._free.popleft() if self._free else None

    def give_back(self, number: int, *, answer_may_come: bool) -> None:
        """Return a number that was taken."""
        if answer_may_come:
            self._resting.append((time.monotonic() + LATEST_SECONDS, number))
        else:
            self._free.append(number)
