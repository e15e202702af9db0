"""How many requests an endpoint takes at once, and how long it takes; kept over reconnects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MOST_IN_FLIGHT: Final = 16
"""The largest number of transactions that the Modbus TCP guide lets a client start."""

_FIRST_PATIENCE: Final = 1.0
_LEAST_PATIENCE: Final = 0.1
_PATIENCE_FACTOR: Final = 4.0
_FORGETTING: Final = 0.99


@dataclass(slots=True)
class Pace:
    """What is configured and what was learned about one endpoint.

    ``configured`` is the most the user allows, ``unit_seconds`` how long a request may go
    unanswered (None without limit). ``reached`` requests at once were all answered; of more than
    ``ceiling`` some were not.
    """

    configured: int = MOST_IN_FLIGHT
    unit_seconds: float | None = None
    reached: int = 1
    ceiling: int = MOST_IN_FLIGHT
    slowest: float | None = None

    @property
    def limit(self) -> int:
        """The most requests that may be in flight."""
        return min(self.configured, self.ceiling)

    @property
    def patience(self) -> float:
        """Seconds without any answer after which several requests are asked again one by one."""
        if self.slowest is None:
            return _FIRST_PATIENCE
        return max(_LEAST_PATIENCE, _PATIENCE_FACTOR * self.slowest)

    def waited(self, seconds: float) -> None:
        """An answer came after ``seconds`` in which there was none."""
        self.slowest = max(seconds, _FORGETTING * (self.slowest or 0.0))

    def lost_one_of(self, in_flight: int) -> None:
        """Of so many at once one was not answered, and alone it was."""
        self.ceiling = max(1, min(self.ceiling, in_flight // 2))
        self.reached = min(self.reached, self.ceiling)
