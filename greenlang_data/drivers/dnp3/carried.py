"""What is carried over from one connection to the next, so that each event is told once.

An outstation forgets an event when the confirmation arrives. If the connection breaks just then,
it reports the events of that one fragment again over the next connection; and if it still reports
by itself there, events may come before anybody watches.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from greenlang_data.drivers.dnp3.inbox import Block
from greenlang_data.drivers.dnp3.listener import News
from greenlang_data.drivers.dnp3.points import BY_GROUP

_Event = tuple[str, int, int, int, bytes]


class Carried:
    """Kept by the driver; a new connection begins with :meth:`reconnected`."""

    def __init__(self) -> None:
        self.unheard: list[News] = []
        self._fragment: list[Block] = []
        self._fragment_is_over = False
        self._suspects: Counter[_Event] = Counter()

    def reconnected(self) -> None:
        """The last fragment with events may come again, in other fragments and variations."""
        self._suspects = Counter(
            event for block in self._fragment for event in _events(block) if event is not None
        )
        self._fragment = []

    def end_of_fragment(self) -> None:
        """What comes next belongs to another fragment, so this one was confirmed."""
        self._fragment_is_over = True

    def all_read(self) -> None:
        """The outstation has reported all that was waiting: nothing comes again any more."""
        self._suspects.clear()

    def without_repeats(self, block: Block) -> Block:
        """The events of ``block`` that are not those of the last fragment coming again."""
        if self._fragment_is_over:
            self._fragment, self._fragment_is_over = [], False
        self._fragment.append(block)
        if not self._suspects:
            return block
        new = [self._is_new(event) for event in _events(block)]
        return block if all(new) else block.only(np.flatnonzero(new))

    def _is_new(self, event: _Event | None) -> bool:
        if event is None or not self._suspects[event]:
            return True
        self._suspects[event] -= 1
        return False


def _events(block: Block) -> list[_Event | None]:
    """What makes an event the same; None for those without a time, which nothing tells apart."""
    if block.times is None:
        return [None] * len(block.indices)
    kind = str(BY_GROUP[block.group].name)
    texts = block.texts or [""] * len(block.indices)
    # As single floats, because the variation may be another one the second time.
    with np.errstate(all="ignore"):
        values = block.values.astype(np.float32)
    rows = zip(block.indices.tolist(), block.times.tolist(), block.flags.tolist(), strict=True)
    return [
        (kind, index, stamp, flags, value.tobytes() + text.encode()) if stamp else None
        for (index, stamp, flags), value, text in zip(rows, values, texts, strict=True)
    ]
