"""What all queries share: strict fields, times that users write, windows in UTC."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from greenlang_data.connectors.names import LISTS_KEPT
from greenlang_data.errors import QueryError
from greenlang_data.nearest import nearest
from greenlang_data.times import is_relative, parse_moment, relative_moment, utc_window

# Those of OPC UA beside the five, which most sources have, go by the standard's own names.
Aggregation = Literal[
    "avg", "min", "max", "sum", "count",
    "AnnotationCount", "Delta", "DeltaBounds", "DurationBad", "DurationGood",
    "DurationInStateNonZero", "DurationInStateZero", "End", "EndBound", "Interpolative",
    "Maximum2", "MaximumActualTime", "MaximumActualTime2", "Minimum2", "MinimumActualTime",
    "MinimumActualTime2", "NumberOfTransitions", "PercentBad", "PercentGood", "Range", "Range2",
    "StandardDeviationPopulation", "StandardDeviationSample", "Start", "StartBound",
    "TimeAverage", "TimeAverage2", "Total", "Total2", "VariancePopulation", "VarianceSample",
    "WorstQuality", "WorstQuality2",
]  # fmt: skip

# A datetime, date, ISO 8601 string, pandas Timestamp or numpy datetime64; may be naive.
Moment = Annotated[datetime, BeforeValidator(parse_moment)]


def _reachable(moment: datetime) -> datetime:
    if not 1678 <= moment.year <= 2261:
        raise ValueError(f"{moment} has no 64-bit time stamp; stay between 1678 and 2261")
    return moment


StampedMoment = Annotated[Moment, AfterValidator(_reachable)]
"""A moment that a time stamp in nanoseconds can hold."""


def distinct(names: list[str]) -> list[str]:
    """``names`` unchanged. Raises QueryError when one is empty or there twice."""
    _check_distinct(tuple(names))
    return names


@lru_cache(maxsize=LISTS_KEPT)
def _check_distinct(names: tuple[str, ...]) -> None:
    # Without a loop of our own: there may be ten thousand.
    if not all(map(str.strip, names)):
        raise QueryError("an empty name in the list", remedy="Remove it.")
    if len(set(names)) < len(names):
        twice = next(name for name, times in Counter(names).items() if times > 1)
        raise QueryError(f"{twice!r} is named twice", remedy="Ask for it once.")


class Query(BaseModel):
    """Base of the typed queries. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    # The names of the two fields that bound the query in time.
    window_fields: ClassVar[tuple[str, str]] = ("start_time", "end_time")
    # Whether an end that is left out is the present; else there is none.
    ends_now: ClassVar[bool] = True

    @model_validator(mode="before")
    @classmethod
    def _one_present(cls, values: Any) -> Any:
        """Times counted from the present (``*-1d``, ``-7d``), all from the same one.

        It is that of the moment in which the query is made, in whole seconds; an end that is left
        out then is that moment.
        """
        if not isinstance(values, Mapping):
            return values
        first, second = cls.window_fields
        relative = [name for name in (first, second) if is_relative(values.get(name))]
        if not relative:
            return values
        now = datetime.now(UTC).replace(microsecond=0)
        found = {name: relative_moment(values[name], now) for name in relative}
        ends = cls.ends_now and second in cls.model_fields
        if first in found and values.get(second) is None and ends:
            found[second] = now
        return {**values, **found}

    def in_utc(self, zone: tzinfo = UTC) -> Self:
        """A copy whose times are UTC; naive ones are wall-clock time in ``zone``.

        A start without an end gets the present as its end. Raises QueryError for a window that
        ends before it starts, or with one naive and one aware end.
        """
        first, second = self.window_fields
        start, end = self._window(getattr(self, first), getattr(self, second), zone)
        return self.model_copy(update={first: start, second: end})

    def _window(
        self, start: datetime | None, end: datetime | None, zone: tzinfo
    ) -> tuple[datetime | None, datetime | None]:
        start, end = utc_window(start, end, zone)
        if start is not None and end is None:
            _, end = utc_window(start, datetime.now(UTC), zone)
        return start, end


class DatedQuery(Query):
    """A query of business records, whose entity's own date may be a calendar day.

    A day has no instant: 2025-01-01 in Berlin starts on the day before in UTC. So the times stay
    in the zone in which they were meant, and a driver takes the day or the instant from them.

    Records may be dated after the present, such as deliveries, so without an end there is none. A
    start that is also the end is one calendar day.
    """

    window_fields = ("start_date", "end_date")
    ends_now = False

    def in_utc(self, zone: tzinfo = UTC) -> Self:
        """A copy whose times have a zone, checked as a window: their own, ``zone`` for naive ones.

        Raises QueryError as :meth:`Query.in_utc` does.
        """
        window = super().in_utc(zone)
        updates = {}
        for name in self.window_fields:
            moment, instant = getattr(self, name), getattr(window, name)
            if instant is not None:
                own = moment.tzinfo if moment is not None and moment.tzinfo is not None else zone
                updates[name] = instant.astimezone(own)
        return window.model_copy(update=updates)

    def _window(
        self, start: datetime | None, end: datetime | None, zone: tzinfo
    ) -> tuple[datetime | None, datetime | None]:
        is_day = start is not None and start == end
        first, last = utc_window(start, None if is_day else end, zone)
        return first, first if is_day else last


# How the facade calls what the models name.
_KEYWORDS = {
    "start_time": "start",
    "start_date": "start",
    "end_time": "end",
    "end_date": "end",
    "tag_ids": "tags",
    "tag_names": "tags",
    "interval_seconds": "interval",
    "for_seconds": "for_",
    "every_seconds": "every",
    "entity_type": "entity",
}

TQuery = TypeVar("TQuery", bound=Query)


def build_query(
    model: type[TQuery],
    first: Any,
    name: str,
    /,
    *,
    none_counts: Collection[str] = (),
    **given: Any,
) -> TQuery:
    """A typed query from the keyword arguments of a call, or the typed query that it got.

    ``first`` is the call's first argument, the model's field ``name``. Arguments that are None
    are left out, except those in ``none_counts``. Raises QueryError naming the argument.
    """
    if isinstance(first, Query):
        return _typed(model, first, given, none_counts)
    if get_origin(model.model_fields[name].annotation) is list:
        first = _names(first, _KEYWORDS.get(name, name))
    values = {key: value for key, value in given.items() if value is not None or key in none_counts}
    try:
        return model(**{name: first}, **values)
    except ValidationError as error:
        problems = error.errors()
        missing = [_place(one) for one in problems if one["type"] == "missing"]
        raise QueryError(
            "; ".join(map(_problem, problems)),
            remedy=f"Give {'=, '.join(missing)}=." if missing else "",
        ) from None


def _names(value: Any, argument: str) -> list[Any]:
    if isinstance(value, str):
        return [value]
    if not isinstance(value, Iterable):
        raise QueryError(
            f"{argument} is a {type(value).__name__}, not a name (str) or several",
            remedy="Give a list, and name at least one.",
        )
    return list(value)


def _typed(
    model: type[TQuery], query: Query, given: Mapping[str, Any], none_counts: Collection[str]
) -> TQuery:
    if not isinstance(query, model):
        raise QueryError(
            f"this call takes a {model.__name__}, not a {type(query).__name__}",
            remedy="Use the call of that query's own kind.",
        )
    extra = [key for key, value in given.items() if value is not None and key not in none_counts]
    if extra:
        raise QueryError(
            f"a typed query and {_KEYWORDS.get(extra[0], extra[0])}= beside it",
            remedy="Put everything into the query.",
        )
    return query


def _place(error: ErrorDetails) -> str:
    return ".".join(_KEYWORDS.get(str(part), str(part)) for part in error["loc"])


def _problem(error: ErrorDetails) -> str:
    place = _place(error)
    if error["type"] == "missing":
        return f"{place} is missing"
    if error["type"] == "too_short":
        return f"{place} is empty; name at least one"
    if error["type"] == "literal_error":
        return f"{place}: {_no_choice(error)}"
    message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def _no_choice(error: ErrorDetails) -> str:
    given, choices = error["input"], error["ctx"]["expected"]
    close = nearest(str(given), re.findall("'([^']*)'", choices))
    hint = f"; did you mean {close[0]!r}" if close else ""
    return f"{given!r} is not known{hint}; use {choices}"
