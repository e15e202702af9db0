"""What may still come on an RTU line, and when an answer is proven to be fresh.

A unit answers its requests in order, but an answer may come late or twice, and nothing in it says
which request it belongs to. What proves it is its shape. An answer whose shape no earlier request
can have brought about is fresh, and everything the unit had to say before it has been said. Hence

- after a request that was not answered, the unit is left alone as long again, should it answer out
  of turn; then it is asked something of another shape, and only when that has been answered,
  anything else (:meth:`Line.doubts`);
- answers to several requests of one shape in a row count only when an answer of another shape has
  followed: had one of them come twice, all that follow would be shifted by one, and the last of
  them would come where the other shape belongs. Until then nothing that comes unasked is dropped
  as a repeat, because it may be the answer that was pushed aside by one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from greenlang_data.drivers.modbus.plan import BIT_TABLES, Span
from greenlang_data.drivers.modbus.rtu_frames import Shape, shape_of

_LAST_ADDRESS = 65535


@dataclass(slots=True)
class Line:
    """State of one line; it outlives connections, because late answers do.

    ``owed`` are the shapes of answers that may still come, each with the time on the loop's clock
    before which the unit is not asked again; ``last`` is the last answer's shape.
    ``seconds_per_character`` and ``unit_seconds`` (None without limit) are as configured.
    """

    seconds_per_character: float = 0.0
    unit_seconds: float | None = None
    owed: dict[Shape, float] = field(default_factory=dict)
    last: Shape | None = None

    @property
    def gap(self) -> float:
        """The silence between frames: 3.5 characters, and 1.75 ms for fast lines."""
        return max(3.5 * self.seconds_per_character, 0.00175)

    def doubts(self, unit_id: int) -> bool:
        """Whether a late answer of this unit may still come."""
        return any(shape.unit_id == unit_id for shape in self.owed)

    def quiet_until(self, unit_id: int) -> float:
        """When a doubted unit may be asked again, on the loop's clock."""
        return max(until for shape, until in self.owed.items() if shape.unit_id == unit_id)

    def proven(self, shape: Shape) -> None:
        """An answer of ``shape`` came that could only be fresh."""
        self.last = shape
        self.owed = {
            owed: until for owed, until in self.owed.items() if owed.unit_id != shape.unit_id
        }

    def other_question(self, span: Span) -> Span:
        """A small request to the same unit, unlike ``span``, the last one, and those owed."""
        avoided: Collection[Shape | None] = {*self.owed, self.last, shape_of(span)}
        step = 8 if span.table in BIT_TABLES else 1
        quantity = 1
        while shape_of(span._replace(quantity=quantity)) in avoided:
            quantity += step
        address = min(span.address, _LAST_ADDRESS + 1 - quantity)
        return span._replace(address=address, quantity=quantity)
