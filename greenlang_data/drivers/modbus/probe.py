"""Which word order gives plausible values: all are scored, and a tie is not decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, get_args

import numpy as np

from greenlang_data.drivers.modbus.decode import Decoder
from greenlang_data.drivers.modbus.exceptions import RefusedError
from greenlang_data.drivers.modbus.link import Answer, Outcome
from greenlang_data.drivers.modbus.places import Place
from greenlang_data.drivers.modbus.plan import Span
from greenlang_data.errors import QueryError, SourceTimeout
from greenlang_data.settings.register import Register, RegisterType, Table, WordOrder

_NUMBER_TYPES: Final = tuple(
    kind for kind in get_args(RegisterType) if kind not in ("bool", "string")
)
_SMALLEST_NORMAL: Final = {
    "float32": float(np.finfo(np.float32).tiny),
    "float64": float(np.finfo(np.float64).tiny),
}


@dataclass(frozen=True, slots=True)
class OrderProbe:
    """What to read: values of ``type`` at zero-based ``addresses``, ``samples`` times.

    ``low`` and ``high`` bound what is plausible, ``every`` is in seconds, and ``unit_id`` is the
    source's unless given. The narrower the bounds and the more the values vary, the clearer.
    """

    addresses: tuple[int, ...]
    type: RegisterType
    low: float
    high: float
    table: Table = "holding"
    unit_id: int | None = None
    samples: int = 3
    every: float = 0.2

    def __post_init__(self) -> None:
        """Raise QueryError for what cannot be asked."""
        problem = self._problem()
        if problem:
            raise QueryError(problem)

    def _problem(self) -> str | None:
        if self.type not in _NUMBER_TYPES:
            return f"type is {self.type!r}; write one of {', '.join(_NUMBER_TYPES)}"
        if self.table not in ("holding", "input"):
            return f"table is {self.table!r}; numbers are in holding and input"
        if not self.addresses:
            return "there is no address to read"
        width = _register(self.type, "ABCD").width
        if not all(0 <= address <= 65536 - width for address in self.addresses):
            return f"an address is not within 0 and {65536 - width}"
        if not self.low <= self.high:
            return f"low {self.low:g} is not below high {self.high:g}"
        if not (1 <= self.samples <= 1000 and 0 <= self.every <= 60):
            return "samples has to be 1 to 1000, and every 0 to 60 seconds"
        return None

    def spans(self, unit_id: int) -> list[Span]:
        """What is asked for, each value whole."""
        unit = unit_id if self.unit_id is None else self.unit_id
        width = _register(self.type, "ABCD").width
        return [Span(unit, self.table, address, width) for address in self.addresses]


class OrderScore(NamedTuple):
    """The values that ``order`` gives (None: no finite number), and which share is plausible."""

    order: WordOrder
    values: tuple[float | None, ...]
    plausible: float


class OrderScores(NamedTuple):
    """All orders, best first; ``order`` is None when the values do not decide. ``reason`` why."""

    order: WordOrder | None
    reason: str
    scores: tuple[OrderScore, ...]


def score_orders(
    samples: Sequence[bytes], kind: RegisterType, low: float, high: float
) -> OrderScores:
    """Decode ``samples``, as they came over the wire, in each order, and count what is plausible.

    Plausible is a finite value within ``low`` and ``high`` that is no denormal float, which wrong
    orders of small numbers look like. An order is chosen only when all its values are plausible
    and no other order has as many.

    >>> scores = score_orders([bytes.fromhex("e97942f6")], "float32", 100, 200)
    >>> scores.order, scores.scores[0].plausible
    ('CDAB', 1.0)
    """
    width = _register(kind, "ABCD").width
    # In one word there are only two orders, under two names each.
    orders: Sequence[WordOrder] = ("ABCD", "BADC") if width == 1 else get_args(WordOrder)
    scores = [_score(samples, kind, order, low, high) for order in orders]
    scores.sort(key=lambda score: -score.plausible)
    return _decided(tuple(scores))


def answered(span: Span, outcome: Outcome, source: str) -> bytes:
    """The data of an answer. Raises QueryError for a refusal, SourceTimeout for silence."""
    if isinstance(outcome, Answer):
        return outcome.data
    if isinstance(outcome, RefusedError):
        raise QueryError(
            f"unit {span.unit_id} refused {span} ({outcome})",
            source=source,
            remedy="Check table and address; addresses count from 0 here.",
        )
    raise SourceTimeout(
        f"unit {span.unit_id} did not answer within {outcome.seconds:g} s", source=source
    )


def _score(
    samples: Sequence[bytes], kind: RegisterType, order: WordOrder, low: float, high: float
) -> OrderScore:
    register = _register(kind, order)
    size = 2 * register.width
    places = [Place(row, register, row * size) for row in range(len(samples))]
    decoded = Decoder(places, len(samples)).decode(np.frombuffer(b"".join(samples), np.uint8))
    values: list[float | None] = [
        None if row in decoded.statuses else float(decoded.texts.get(row, value))
        for row, value in enumerate(decoded.values.tolist())
    ]
    tiny = _SMALLEST_NORMAL.get(kind, 0.0)
    plausible = [
        value is not None and low <= value <= high and not 0 < abs(value) < tiny for value in values
    ]
    return OrderScore(order, tuple(values), sum(plausible) / len(plausible))


def _decided(scores: tuple[OrderScore, ...]) -> OrderScores:
    best, second = scores[:2]
    if best.plausible == 0:
        return OrderScores(None, "no order gives a plausible value", scores)
    if best.plausible == second.plausible:
        tied = ", ".join(one.order for one in scores if one.plausible == best.plausible)
        reason = (
            f"{tied} give equally many plausible values; narrow low and high, or probe values "
            "that differ more"
        )
        return OrderScores(None, reason, scores)
    if best.plausible < 1:
        reason = f"{best.order} is the best, but only {best.plausible:.0%} of it is plausible"
        return OrderScores(None, reason, scores)
    return OrderScores(best.order, f"only {best.order} gives plausible values throughout", scores)


def _register(kind: RegisterType, order: WordOrder) -> Register:
    return Register(tag="probe", table="holding", address=0, type=kind, word_order=order)
