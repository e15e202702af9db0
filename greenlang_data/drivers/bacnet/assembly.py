"""An answer in segments, put together in order."""

from __future__ import annotations

from typing import Final, NamedTuple

from greenlang_data.drivers.bacnet.messages import MAX_SEGMENTS, Message
from greenlang_data.drivers.bacnet.tags import BrokenAnswerError

_SEQUENCES: Final = 256
_MAX_WINDOW: Final = 127


class Confirmation(NamedTuple):
    """What to tell the device: the last segment that is in place, and whether to go back to it."""

    sequence: int
    window: int
    negative: bool


class Assembly:
    """The segments of one answer; takes no more than were declared welcome."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._in_window = 0
        self.whole = False

    @property
    def body(self) -> bytes:
        """What has come so far."""
        return b"".join(self._parts)

    def add(self, message: Message) -> Confirmation | None:
        """Take a segment; returns what to tell the device, if anything.

        Raises BrokenAnswerError for more than 64 segments or an impossible window.
        """
        window = message.window
        if not 1 <= window <= _MAX_WINDOW:
            raise BrokenAnswerError(f"it has segments in windows of {window}")
        if message.sequence != len(self._parts) % _SEQUENCES:
            return self._out_of_turn(message)
        if len(self._parts) >= MAX_SEGMENTS:
            raise BrokenAnswerError(f"it has more than {MAX_SEGMENTS} segments")
        self._parts.append(message.body)
        self._in_window += 1
        self.whole = not message.more
        first = len(self._parts) == 1
        if self.whole or first or self._in_window >= window:
            self._in_window = 0
            return Confirmation(self._last, window, negative=False)
        return None

    @property
    def _last(self) -> int:
        return (len(self._parts) - 1) % _SEQUENCES

    def _out_of_turn(self, message: Message) -> Confirmation | None:
        if not self._parts:
            return None  # the first is still on its way, or is sent again
        self._in_window = 0
        behind = (self._last - (message.sequence or 0)) % _SEQUENCES
        # A segment that is there already only needs its confirmation again.
        return Confirmation(self._last, message.window, negative=behind >= message.window)
