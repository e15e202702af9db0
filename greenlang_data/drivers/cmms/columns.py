"""From the values that web systems send to typed columns; nothing is guessed on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.cmms.entities import Entity, Kind

_MILLIONTH: Final = Decimal("0.000001")
# As many digits as a NUMBER has.
_CONTEXT: Final = Context(prec=28, rounding=ROUND_HALF_EVEN)
_YES: Final = frozenset({"true", "1", "-1", "+", "yes"})
_NO: Final = frozenset({"false", "0", "", "no"})
_DATE_LENGTH: Final = len("2026-03-01")

Values = Sequence[Any]


class Moments(NamedTuple):
    """A column of instants, and which of them are calendar dates, as Arrow arrays."""

    instants: pa.Array
    are_dates: pa.Array


def make_batch(
    entity: Entity,
    columns: Mapping[str, Values | pa.Array | Moments],
    native: Mapping[str, Kind],
    log: ReadLog,
) -> pa.RecordBatch:
    """A batch of ``entity`` with the system's own columns after the canonical ones.

    ``columns`` has the values of a canonical or native column by its name, all of one length; one
    that is not there is null. Instants are ISO 8601 texts, with an offset or of the date alone, or
    Arrow's dates or timestamps with a zone.

    Raises ValueError, naming the column, for a value that is not of its kind.
    """
    rows = len(columns[entity.record_id])
    arrays: list[pa.Array] = []
    flags: list[pa.Array] = []
    for name, kind in entity.columns.items():
        if kind is Kind.INSTANT:
            found = columns.get(name)
            values = pa.nulls(rows, kind.value) if found is None else found
            instants, are_dates = _named(name, _instants, values)
            arrays.append(instants)
            flags.append(are_dates)
        else:
            arrays.append(_column(name, kind, columns, rows, log))
    others = [_column(name, kind, columns, rows, log) for name, kind in native.items()]
    return pa.RecordBatch.from_arrays([*arrays, *flags, *others], schema=entity.schema(native))


def _column(
    name: str,
    kind: Kind,
    columns: Mapping[str, Values | pa.Array | Moments],
    rows: int,
    log: ReadLog,
) -> pa.Array:
    values = columns.get(name)
    if values is None:
        return pa.nulls(rows, kind.value)
    if kind is Kind.NUMBER:
        return _named(name, lambda some: _numbers(name, some, log), values)
    if isinstance(values, pa.Array):
        return _named(name, lambda some: some.cast(kind.value), values)
    return _named(name, _MAKERS[kind], values)


def _named(name: str, make: Callable[[Any], Any], values: Any) -> Any:
    try:
        return make(values)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"column {name}: {str(error)[:120]}") from None


def text_of(value: Any) -> str | None:
    """A scalar as its exact text; empty text is kept.

    >>> text_of("0042"), text_of(Decimal("1.10")), text_of(True)
    ('0042', '1.10', 'true')
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    raise ValueError(f"{value!r} is no plain value")


def number_of(value: Any) -> Decimal | None:
    """An int, Decimal or text of one, exactly; None for null and empty text.

    >>> number_of("1.728E5")
    Decimal('1.728E+5')
    """
    if value is None or value == "":
        return None
    exact = isinstance(value, int | Decimal | str) and not isinstance(value, bool)
    try:
        number = Decimal(value) if exact else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise ValueError(f"{value!r} is no exact number")
    return number


def flag_of(value: Any) -> bool | None:
    """True or false, in whichever way systems write it; None for null."""
    if value is None or isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise ValueError(f"{value!r} is neither true nor false")


def _texts(values: Values) -> pa.Array:
    return pa.array([text_of(value) for value in values], pa.string())


def _numbers(name: str, values: Values, log: ReadLog) -> pa.Array:
    fitted = []
    for value in values:
        number = number_of(value)
        if number is not None:
            number = _fitted(number, name, log)
        fitted.append(number)
    return pa.array(fitted, Kind.NUMBER.value)


def _fitted(number: Decimal, name: str, log: ReadLog) -> Decimal:
    try:
        rounded = number.quantize(_MILLIONTH, context=_CONTEXT)
    except InvalidOperation:
        raise ValueError(f"{number} is too large") from None
    if rounded != number:
        log.note(f"{name}: numbers with more than six decimals were rounded to six")
    return rounded


def _instants(values: Values | pa.Array | Moments) -> Moments:
    """Instants, and which of them are calendar dates."""
    if isinstance(values, Moments):
        return values
    if isinstance(values, pa.Array):
        dates = pa.types.is_date(values.type)
        flags = pc.if_else(pc.is_valid(values), pa.scalar(dates), pa.scalar(None, pa.bool_()))
        return Moments(
            values.cast(pa.timestamp("us") if dates else Kind.INSTANT.value).cast(
                Kind.INSTANT.value
            ),
            flags,
        )
    texts = pa.array([value or None for value in values], pa.string())
    are_dates = pc.equal(pc.utf8_length(texts), _DATE_LENGTH)
    midnights = pc.binary_join_element_wise(texts, "T00:00:00Z", "")
    return Moments(pc.if_else(are_dates, midnights, texts).cast(Kind.INSTANT.value), are_dates)


def _days(values: Values) -> pa.Array:
    """Calendar dates as written: of an instant the date that its own offset has."""
    texts = pa.array([value or None for value in values], pa.string())
    return pc.utf8_slice_codeunits(texts, 0, _DATE_LENGTH).cast(pa.date32())


_MAKERS: Final[Mapping[Kind, Callable[[Values], pa.Array]]] = {
    Kind.TEXT: _texts,
    Kind.TEXTS: lambda values: pa.array(values, Kind.TEXTS.value),
    Kind.INSTANT: lambda values: _instants(values).instants,
    Kind.DAY: _days,
    Kind.FLAG: lambda values: pa.array([flag_of(value) for value in values], pa.bool_()),
}
