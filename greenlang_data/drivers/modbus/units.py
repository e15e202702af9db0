"""Units behind one connection that do not answer, and are left alone for a while."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import NamedTuple

from greenlang_data.errors import SourceUnreachable


class Failure(NamedTuple):
    """Why a tag has no value: a short name for the column ``status``, and a sentence."""

    status: str | None
    text: str


class Units:
    """Which of a source's units have failed; a breaker for each where there are several.

    ``configured`` are all units of the register map, ``seconds`` how long one is left alone after
    it failed. When all have failed, it is the source that is out of reach: nothing is kept, and
    the next read asks anew.
    """

    def __init__(self) -> None:
        self.configured: Collection[int] = ()
        self.seconds = 0.0
        self._failed: dict[int, tuple[float, Failure]] = {}

    @property
    def any_failed(self) -> bool:
        """Whether there is a unit that may have to be left alone."""
        return bool(self._failed)

    def failed(self, unit: int, failure: Failure) -> None:
        """``unit`` did not answer."""
        self._failed[unit] = (time.monotonic(), failure)

    def failure(self, unit: int) -> Failure | None:
        """Why ``unit`` is not to be asked now, or None."""
        known = self._failed.get(unit)
        if known is None:
            return None
        since, failure = known
        passed = time.monotonic() - since
        if passed >= self.seconds:
            del self._failed[unit]
            return None
        text = f"{failure.text}; it is left alone for another {self.seconds - passed:.0f} s"
        return failure._replace(text=text)

    def raise_if_all_failed(self, asked: Collection[int], source: str) -> None:
        """Raise SourceUnreachable when no unit that was asked, and none that there is, answers."""
        if not asked or not set(asked) | set(self.configured) <= self._failed.keys():
            return
        reasons = "; ".join(self._failed[unit][1].text for unit in sorted(asked))
        self._failed.clear()
        raise SourceUnreachable(
            reasons, source=source, remedy="Check the unit id and the line behind it."
        )
