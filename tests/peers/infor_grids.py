"""How the Infor EAM emulator reads a grid request and writes a row."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo

from .infor_rows import Grid, Row

Test = Callable[[Row], bool]
_DATES = {"DATE", "DATETIME"}
_NUMBERS = {"NUMBER", "DECIMAL", "CURRENCY", "DURATION"}
_FORMATS = {
    "oracle": ("%d-%b-%Y", "%d-%b-%Y %H:%M"),
    "iso": ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S"),
    "us": ("%m/%d/%Y", "%m/%d/%Y %H:%M"),
    "german": ("%d.%m.%Y", "%d.%m.%Y %H:%M"),
}


class GridFault(Exception):
    """What the server cannot do; ``name`` is that of its Java exception."""

    def __init__(self, message: str, name: str = "com.dstm.mp.MPException") -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True)
class Dialect:
    """How values are written."""

    zone: ZoneInfo
    dates: str = "oracle"
    numbers: str = "english"  # english: 1,234.50; german: 1.234,50; plain: 1234.50
    true: str = "-1"

    def text(self, value: Any, kind: str) -> str:
        """A value as a grid writes it; nothing is an empty text."""
        if value is None:
            return ""
        if kind in _DATES:
            return self._local(value).strftime(_FORMATS[self.dates][kind == "DATETIME"]).upper()
        if kind == "CHKBOOLEAN":
            return self.true if value else "0"
        if kind in _NUMBERS:
            return self._number(value)
        return str(value)

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone) if moment.tzinfo else moment

    def _number(self, value: Decimal) -> str:
        if self.numbers == "plain":
            return f"{value:f}"
        text = f"{value:,f}"
        return text if self.numbers == "english" else text.translate(str.maketrans(",.", ".,"))

    def comparable(self, value: Any, kind: str) -> Any:
        """A row's value as filters and sorting see it."""
        if kind in _DATES:
            local = self._local(value).replace(tzinfo=None, second=0, microsecond=0)
            return local.replace(hour=0, minute=0) if kind == "DATE" else local
        return value

    def parsed(self, text: str, kind: str) -> Any:
        """A filter's value."""
        try:
            if kind in _DATES:
                return self._moment(text)
            if kind in _NUMBERS:
                return Decimal(text.replace(",", ""))
        except (InvalidOperation, ValueError) as error:
            raise GridFault(f"The value {text} is not valid for a {kind}.") from error
        if kind == "CHKBOOLEAN":
            return text in {"-1", "1", "+", "true", "Y"}
        return text

    def _moment(self, text: str) -> datetime:
        for form in reversed(_FORMATS[self.dates]):
            try:
                return datetime.strptime(text.title(), form)  # noqa: DTZ007 - the wire has no zone
            except ValueError:
                continue
        raise ValueError(text)


def _compare(name: str) -> Callable[[Any, Any], bool]:
    table: dict[str, Callable[[Any, Any], bool]] = {
        "=": lambda found, value: bool(found == value),
        "!=": lambda found, value: bool(found != value),
        "<": lambda found, value: bool(found < value),
        ">": lambda found, value: bool(found > value),
        "<=": lambda found, value: bool(found <= value),
        ">=": lambda found, value: bool(found >= value),
        "BEGINS": lambda found, value: str(found).upper().startswith(str(value).upper()),
        "ENDS": lambda found, value: str(found).upper().endswith(str(value).upper()),
        "CONTAINS": lambda found, value: str(value).upper() in str(found).upper(),
        "NOTCONTAINS": lambda found, value: str(value).upper() not in str(found).upper(),
        "LIKE": lambda found, value: fnmatchcase(
            str(found).upper(), re.sub(r"([*?\[])", r"[\1]", str(value).upper()).replace("%", "*")
        ),
        "IN": lambda found, value: str(found) in [part.strip(" '") for part in value.split(",")],
    }
    if name not in table:
        raise GridFault(f"The operator {name} is not valid.")
    return table[name]


def _test(entry: dict[str, Any], grid: Grid, dialect: Dialect) -> Test:
    name, relation = entry.get("ALIAS_NAME", ""), str(entry.get("OPERATOR", "")).upper()
    if name not in grid.fields:
        raise GridFault(f"The field {name} is not part of the grid.")
    kind = grid.fields[name]
    if relation in {"IS EMPTY", "NOT EMPTY"}:
        return lambda row: (row[name] is None) == (relation == "IS EMPTY")
    compare = _compare(relation)
    wanted = dialect.parsed(str(entry.get("VALUE", "")), kind if relation in "!=<>=" else "VARCHAR")

    def test(row: Row) -> bool:
        value = row[name]
        return value is not None and compare(dialect.comparable(value, kind), wanted)

    return test


def filters(body: dict[str, Any], grid: Grid, dialect: Dialect) -> Test:
    """All filters of a request; ``AND`` binds more than ``OR``, brackets more than both."""
    entries = (body.get("MULTIADDON_FILTERS") or {}).get("MADDON_FILTER") or []
    entries = entries if isinstance(entries, list) else [entries]
    entries = sorted(entries, key=lambda entry: int(entry.get("SEQNUM", 0)))
    words: list[Any] = []
    for place, entry in enumerate(entries):
        words += ["("] * (str(entry.get("LPAREN", "")).lower() == "true")
        words.append(_test(entry, grid, dialect))
        words += [")"] * (str(entry.get("RPAREN", "")).lower() == "true")
        if place < len(entries) - 1:
            words.append(str(entry.get("JOINER") or "AND").upper())
    if not words:
        return lambda _: True
    test = _any(words)
    if words:
        raise GridFault("The brackets of the filters do not match.")
    return test


def _any(words: list[Any]) -> Test:
    tests = [_all(words)]
    while words[:1] == ["OR"]:
        words.pop(0)
        tests.append(_all(words))
    return lambda row: any(test(row) for test in tests)


def _all(words: list[Any]) -> Test:
    tests = [_single(words)]
    while words[:1] == ["AND"]:
        words.pop(0)
        tests.append(_single(words))
    return lambda row: all(test(row) for test in tests)


def _single(words: list[Any]) -> Test:
    word = words.pop(0) if words else None
    if word == "(":
        inner = _any(words)
        if words[:1] != [")"]:
            raise GridFault("The brackets of the filters do not match.")
        words.pop(0)
        return inner
    if not callable(word):
        raise GridFault("The filters cannot be read.")
    test: Test = word
    return test


def sorting(body: dict[str, Any], grid: Grid) -> list[tuple[str, bool]]:
    """The fields that a request sorts by and whether each goes down."""
    sort = body.get("ADDON_SORT") or {}
    entries = sort if isinstance(sort, list) else [sort] if sort else []
    order = [(e.get("ALIAS_NAME", ""), str(e.get("TYPE")).upper() == "DESC") for e in entries]
    for name, _ in order:
        if name not in grid.fields:
            raise GridFault(f"The field {name} is not part of the grid.")
    return order


def sort_key(row: Row, name: str, grid: Grid, dialect: Dialect) -> tuple[bool, Any]:
    """What a row is sorted by; nothing is above everything."""
    value = row[name]
    return (value is None, 0 if value is None else dialect.comparable(value, grid.fields[name]))


def record(row: Row, grid: Grid, dialect: Dialect) -> dict[str, Any]:
    """A ``DATARECORD``."""
    return {
        "DATAFIELD": [
            {"FIELDNAME": name, "DATATYPE": kind, "FIELDVALUE": dialect.text(row[name], kind)}
            for name, kind in grid.fields.items()
        ]
    }
