"""From the library's thread to the event loop: messages in order, handed over in bulk."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Block(NamedTuple):
    """Values under one object header, as columns.

    ``times`` are the source's, ns since 1970 and 0 where it has none yet, or None where the
    variation has none;
    ``synchronized`` says whether the source vouches for its clock. ``received`` is the client's.
    """

    group: int
    variation: int
    event: bool
    indices: NDArray[np.int32]
    values: NDArray[np.float64]
    texts: list[str] | None
    flags: NDArray[np.int16]
    times: NDArray[np.int64] | None
    synchronized: bool
    received: int

    @property
    def has_times(self) -> bool:
        """Whether every value has the source's time."""
        return self.times is not None and bool(self.times.all())

    def only(self, positions: NDArray[np.intp]) -> Block:
        """The values at these positions."""
        return self._replace(
            indices=self.indices[positions],
            values=self.values[positions],
            texts=self.texts and [self.texts[position] for position in positions.tolist()],
            flags=self.flags[positions],
            times=None if self.times is None else self.times[positions],
        )


class Started(NamedTuple):
    """The library began the task with this name."""

    task: str


class Completed(NamedTuple):
    """The library ended a task, well or not; the indications of a good one come after it."""

    task: str
    result: str


class Indications(NamedTuple):
    """The internal indications of one response, first octet in the low byte."""

    bits: int


class Broken(NamedTuple):
    """Something that came could not be understood."""

    reason: str


Message = Block | Started | Completed | Indications | Broken


class Inbox:
    """``put`` is called in the library's thread, ``take`` on the loop, for one message each."""

    def __init__(self, take: Callable[[Message], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._take = take
        self._messages: deque[Message] = deque()
        self._closed = False

    def put(self, message: Message) -> None:
        """Keep a message until :meth:`flush`; any thread."""
        self._messages.append(message)

    def flush(self) -> None:
        """Wake the loop; any thread, never blocks."""
        if not self._closed:
            # A loop that is closed or gone has nobody who waits for the message.
            try:
                self._loop.call_soon_threadsafe(self._drain)
            except RuntimeError:
                self._closed = True

    def close(self) -> None:
        """Take what is still there, because it was confirmed, and nothing after that."""
        self._drain()
        self._closed = True

    def _drain(self) -> None:
        while self._messages and not self._closed:
            self._take(self._messages.popleft())
