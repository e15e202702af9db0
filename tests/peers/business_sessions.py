"""Sessions that emulators open at a login and lose again."""

from __future__ import annotations

import itertools
import threading
import time


class Sessions:
    """The sessions that logins have opened."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._good: dict[str, tuple[float, int]] = {}

    def clear(self) -> None:
        """End all sessions."""
        with self._lock:
            self._good.clear()

    def open(self, seconds: float, uses: int) -> str:
        """A new session's id."""
        with self._lock:
            name = f"0000session{next(self._numbers)}s3cret"
            self._good[name] = (time.monotonic() + seconds, uses or 1 << 60)
            return name

    def end(self, name: str) -> None:
        """End one session."""
        with self._lock:
            self._good.pop(name, None)

    def use(self, name: str) -> bool:
        """Whether a session is good for one more request."""
        with self._lock:
            end, uses = self._good.get(name, (0.0, 0))
            if uses < 1 or time.monotonic() >= end:
                return False
            self._good[name] = (end, uses - 1)
            return True
