"""``$filter`` and ``$orderby`` of OData V2 and V4, for the emulators of business systems."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from .odata_types import Moment

Row = dict[str, Any]
Value = Callable[[Row], Any]
Test = Callable[[Row], bool]


class BadFilter(Exception):
    """What the server cannot read."""


_WORDS = re.compile(
    r"""\s*(?:
    (?P<typed>[A-Za-z_][\w.]*'(?:[^']|'')*')
  | (?P<text>'(?:[^']|'')*')
  | (?P<guid>[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})
  | (?P<moment>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[-+]\d\d:\d\d)?)
  | (?P<date>\d{4}-\d\d-\d\d)
  | (?P<time>\d\d:\d\d(?::\d\d(?:\.\d+)?)?)
  | (?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?[MmLlDdFf]?)
  | (?P<name>[A-Za-z_][\w/]*)
  | (?P<mark>[(),])
    )""",
    re.VERBOSE,
)
_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "gt": lambda a, b: a is not None and b is not None and bool(a > b),
    "ge": lambda a, b: a is not None and b is not None and bool(a >= b),
    "lt": lambda a, b: a is not None and b is not None and bool(a < b),
    "le": lambda a, b: a is not None and b is not None and bool(a <= b),
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "substringof": lambda part, text: text is not None and part in text,
    "contains": lambda text, part: text is not None and part in text,
    "startswith": lambda text, part: text is not None and text.startswith(part),
    "endswith": lambda text, part: text is not None and text.endswith(part),
    "tolower": lambda text: text and text.lower(),
    "toupper": lambda text: text and text.upper(),
}


def normal(value: Any) -> Any:
    """A value in the form that comparisons use: numbers exact, times naive in UTC."""
    if isinstance(value, Moment):
        value = value.moment
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(value)
    return value


def parse_filter(text: str, columns: Iterable[str]) -> Test:
    """A test of rows; a column that there is not is an error."""
    reader = _Reader(text, set(columns))
    test = reader.any_of()
    if reader.words:
        raise BadFilter(f"The filter cannot be read at {reader.words[0][1]!r}.")
    return lambda row: bool(test(row))


def parse_order(text: str, columns: Iterable[str]) -> list[tuple[str, bool]]:
    """Columns and whether each goes down."""
    known, order = set(columns), []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, way = part.partition(" ")
        if name not in known:
            raise BadFilter(f"Property {name} does not exist.")
        if way.strip() not in {"", "asc", "desc"}:
            raise BadFilter(f"The order cannot be read: {part}")
        order.append((name, way.strip() == "desc"))
    return order


def literal(kind: str, word: str) -> Any:
    """The value of a literal of either version."""
    try:
        return _literal(kind, word)
    except (ArithmeticError, ValueError) as error:
        raise BadFilter(f"The value {word} cannot be read.") from error


def _literal(kind: str, word: str) -> Any:
    if kind == "text":
        return word[1:-1].replace("''", "'")
    if kind == "guid":
        return uuid.UUID(word)
    if kind in {"moment", "date"}:
        return normal(datetime.fromisoformat(word))
    if kind == "time":
        return time.fromisoformat(word)
    if kind == "number":
        return Decimal(word.rstrip("MmLlDdFf"))
    prefix, _, inner = word[:-1].partition("'")
    if prefix in {"datetime", "datetimeoffset"}:
        return normal(datetime.fromisoformat(inner))
    if prefix == "time":
        return duration(inner)
    if prefix == "guid":
        return uuid.UUID(inner)
    return inner  # an enumeration's member, Namespace.Type'Member'


def duration(text: str) -> time:
    """``PT13H20M00S`` as a time of day."""
    found = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?", text)
    if not found:
        raise ValueError(text)
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return time(hours, minutes, seconds)


class _Reader:
    """A reader of words that goes from the weakest binding to the strongest."""

    def __init__(self, text: str, columns: set[str]) -> None:
        self.words: list[tuple[str, str]] = []
        self._columns = columns
        place = 0
        text = text.rstrip()
        while place < len(text):
            found = _WORDS.match(text, place)
            if not found:
                raise BadFilter(f"The filter cannot be read at {text[place:][:20]!r}.")
            kind = str(found.lastgroup)
            self.words.append((kind, found[kind]))
            place = found.end()

    def _next_is(self, *words: str) -> bool:
        return bool(self.words) and self.words[0][1] in words and self.words[0][0] != "text"

    def _take(self, *words: str) -> tuple[str, str]:
        if not self.words or (words and not self._next_is(*words)):
            raise BadFilter(f"The filter lacks one of {' '.join(words) or 'a value'}.")
        return self.words.pop(0)

    def any_of(self) -> Value:
        found = [self._all_of()]
        while self._next_is("or"):
            self._take()
            found.append(self._all_of())
        return found[0] if len(found) == 1 else lambda row: any(test(row) for test in found)

    def _all_of(self) -> Value:
        found = [self._one()]
        while self._next_is("and"):
            self._take()
            found.append(self._one())
        return found[0] if len(found) == 1 else lambda row: all(test(row) for test in found)

    def _one(self) -> Value:
        if self._next_is("not"):
            self._take()
            inner = self._one()
            return lambda row: not inner(row)
        left = self._value()
        if self._next_is("in"):
            self._take()
            members = self._members()
            return lambda row: left(row) in [member(row) for member in members]
        if not self._next_is(*_RELATIONS):
            return left
        compare = _RELATIONS[self._take()[1]]
        right = self._value()

        def test(row: Row) -> bool:
            try:
                return compare(left(row), right(row))
            except TypeError as error:
                raise BadFilter("The filter compares values of different types.") from error

        return test

    def _members(self) -> list[Value]:
        self._take("(")
        found = [self.any_of()]
        while self._next_is(","):
            self._take()
            found.append(self.any_of())
        self._take(")")
        return found

    def _value(self) -> Value:
        if self._next_is("("):
            return self._members()[0]
        kind, word = self._take()
        if kind == "mark":
            raise BadFilter(f"The filter has a {word} too many.")
        if kind != "name":
            value = literal(kind, word)
            return lambda _: value
        if word in {"true", "false", "null"}:
            constant = {"true": True, "false": False, "null": None}[word]
            return lambda _: constant
        if self._next_is("("):
            return self._call(word)
        if word not in self._columns:
            raise BadFilter(f"Property {word} does not exist.")
        return lambda row: normal(row[word])

    def _call(self, name: str) -> Value:
        function = _FUNCTIONS.get(name)
        if function is None:
            raise BadFilter(f"The function {name} is not known.")
        arguments = self._members()
        return lambda row: function(*(argument(row) for argument in arguments))
