"""What may still come on an RTU line, and when an answer is proven to be fresh.

A unit answers its requests in order, but an answer may come late, twice or never, and nothing in it
says which request it belongs to. What proves it is its shape: an answer is fresh when no earlier
request can have brought about one of that shape, and then everything the unit had to say before has
been said. Hence

- two requests in a row never ask for the same shape, or the first answer, if it came twice, would be
  taken for the second. Requests are put into an order in which their shapes take turns
  (:func:`alternating`); where there is no other, a small question comes between them;
- after a request that was not answered, the unit is left alone as long again, should it answer out
  of turn; then it is asked something of another shape, and only when that has been answered,
  anything else (:meth:`Line.doubts`).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Sequence
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

    @property
    def refused_last(self) -> bool:
        """Whether the last answer was an exception; those of one unit and function are all alike."""
        return self.last is not None and self.last.size < 0

    def doubts(self, span: Span) -> bool:
        """Whether what comes after a request for ``span`` may be the answer to an earlier one."""
        late = any(shape.unit_id == span.unit_id for shape in self.owed)
        return late or shape_of(span) == self.last

    def quiet_until(self, unit_id: int) -> float:
        """When a unit may be asked again, on the loop's clock; 0 if it owes nothing."""
        late = (until for shape, until in self.owed.items() if shape.unit_id == unit_id)
        return max(late, default=0.0)

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


def alternating(shapes: Sequence[Shape], last: Shape | None) -> Iterator[int]:
    """All indices of ``shapes``, in an order in which equal shapes meet as rarely as can be.

    >>> one, other = Shape(1, 3, 2), Shape(1, 3, 4)
    >>> list(alternating([one, one, other], None))
    [0, 2, 1]
    """
    places: dict[Shape, deque[int]] = defaultdict(deque)
    for index, shape in enumerate(shapes):
        places[shape].append(index)
    while places:
        choice = [shape for shape in places if shape != last] or list(places)
        last = max(choice, key=lambda shape: len(places[shape]))
        yield places[last].popleft()
        if not places[last]:
            del places[last]
