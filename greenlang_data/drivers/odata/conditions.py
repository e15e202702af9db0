"""What a request filters by: written for the server, or applied here where it cannot."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.literals import literal, typed
from greenlang_data.drivers.odata.values import is_calendar_date
from greenlang_data.drivers.windows import check_instants
from greenlang_data.errors import QueryError

_DATE_LENGTH: Final = len("2024-01-31")
_INSTANTS: Final = ("Edm.DateTimeOffset", "Edm.DateTime")


@dataclass(frozen=True, slots=True)
class Condition(ABC):
    """A condition on one column, which the caller calls ``name``."""

    name: str
    column: Property

    @abstractmethod
    def rendered(self, version: int) -> str:
        """As a part of ``$filter``."""

    @abstractmethod
    def mask(self, values: pa.Array) -> pa.Array:
        """Which of ``values``, as they were decoded, fit."""


@dataclass(frozen=True, slots=True)
class OneOf(Condition):
    """The column equals one of ``values``; None among them is a missing value."""

    values: tuple[Any, ...]

    def rendered(self, version: int) -> str:
        tests = [f"{self.column.name} eq {literal(self.column, v, version)}" for v in self.values]
        return tests[0] if len(tests) == 1 else f"({' or '.join(tests)})"

    def mask(self, values: pa.Array) -> pa.Array:
        return pc.is_in(values, value_set=_holdable(self.values, values.type))


@dataclass(frozen=True, slots=True)
class Between(Condition):
    """``low`` and ``high`` bound the column; ``high`` itself fits if it is ``included``.

    With ``or_missing`` a missing value fits too.
    """

    low: Any
    high: Any
    included: bool
    or_missing: bool = False

    def rendered(self, version: int) -> str:
        tests = self.tests(
            lambda column, value: literal(column, value, version), least="ge", most="le", below="lt"
        )
        both = " and ".join(tests)
        return f"({both} or {self.column.name} eq null)" if self.or_missing else both

    def tests(
        self,
        write: Callable[[Property, Any], str],
        *,
        least: str = ">=",
        most: str = "<=",
        below: str = "<",
    ) -> list[str]:
        """One for each bound; ``write`` makes a literal, and the signs are the language's own."""
        name, tests = self.column.name, []
        if self.low is not None:
            tests.append(f"{name} {least} {write(self.column, self.low)}")
        if self.high is not None:
            sign = most if self.included else below
            tests.append(f"{name} {sign} {write(self.column, self.high)}")
        return tests

    def mask(self, values: pa.Array) -> pa.Array:
        fits = pc.is_valid(values)
        if self.low is not None:
            fits = pc.and_kleene(fits, pc.greater_equal(values, pa.scalar(self.low, values.type)))
        if self.high is not None:
            test = pc.less_equal if self.included else pc.less
            fits = pc.and_kleene(fits, test(values, pa.scalar(self.high, values.type)))
        return pc.or_(fits, pc.is_null(values)) if self.or_missing else fits


def _holdable(wanted: Collection[Any], kind: pa.DataType) -> pa.Array:
    """Those of ``wanted`` that the type can hold; no value of it equals any other."""
    found = []
    for one in wanted:
        try:
            found.append(pa.array([one], kind))
        except (pa.ArrowInvalid, OverflowError):
            continue
    return pa.concat_arrays(found) if found else pa.array([], kind)


def one_of(name: str, column: Property, wanted: Any, source: str) -> OneOf:
    """The condition of a filter. Raises QueryError for a value that the column cannot hold."""
    several = isinstance(wanted, Collection) and not isinstance(wanted, str | bytes)
    choices = list(wanted) if several else [wanted]
    if not choices:
        raise QueryError(
            f"the filter {name!r} is empty, so nothing could fit",
            source=source,
            remedy="Give values.",
        )
    if column.told_at_noon:
        choices = [moment for choice in choices for moment in _moments_of_day(choice)]
    try:
        found = [typed(column, choice) for choice in choices]
    except ValueError as error:
        raise QueryError(
            f"cannot filter {name!r} by {wanted!r}: {error}",
            source=source,
            remedy="Give a value of that type.",
        ) from None
    return OneOf(name, column, tuple(dict.fromkeys(found)))


def changed_since(name: str, column: Property, low: datetime) -> Between:
    """The condition of rows that were changed at ``low`` or later, or at no time that is told."""
    return Between(name, column, typed(column, low), None, False, or_missing=True)


def between(
    name: str,
    column: Property,
    start: datetime | date | None,
    end: datetime | date | None,
    log: ReadLog,
    source: str,
) -> Between:
    """The condition of a window. Raises QueryError for a column that holds no dates.

    Calendar dates are bounded by the dates of ``start`` and ``end`` in their own time zones, both
    included; points in time by the instants themselves, ``end`` excluded.
    """
    if is_calendar_date(column):
        return Between(name, column, _day(start), _day(end), True)
    if column.told_at_noon:
        last = _day(end)
        after = None if last is None else last + timedelta(days=1)
        return Between(name, column, _utc(_day(start)), _utc(after), False)
    low, high = _utc(start), _utc(end)
    if low and high and column.type in _INSTANTS:
        check_instants(low, high, source)
    if column.type == "Edm.DateTimeOffset":
        return Between(name, column, low, high, False)
    if column.type != "Edm.DateTime":
        raise QueryError(
            f"{name!r} holds no dates ({column.type}), so start and end cannot bound it",
            source=source,
            remedy="Leave start and end out, or configure another date column.",
        )
    log.note(f"the times of {name!r} have no zone; start and end were taken as UTC for it")
    return Between(
        name,
        column,
        low and low.replace(tzinfo=None),
        high and high.replace(tzinfo=None),
        False,
    )


def _moments_of_day(choice: Any) -> list[Any]:
    """Noon and midnight of a calendar date; anything else as it is."""
    if isinstance(choice, str) and len(choice) == _DATE_LENGTH:
        choice = date.fromisoformat(choice)
    if not isinstance(choice, date) or isinstance(choice, datetime):
        return [choice]
    return [datetime.combine(choice, time(hour), UTC) for hour in (0, 12)]


def _day(bound: datetime | date | None) -> date | None:
    return bound.date() if isinstance(bound, datetime) else bound


def _utc(bound: datetime | date | None) -> datetime | None:
    if bound is None or isinstance(bound, datetime):
        return bound and bound.astimezone(UTC)
    return datetime(bound.year, bound.month, bound.day, tzinfo=UTC)
