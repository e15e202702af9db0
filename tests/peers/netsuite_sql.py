"""SuiteQL of the NetSuite emulator, answered by sqlite."""

from __future__ import annotations

import contextlib
import itertools
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from .erp_live import GONE_EVERY, LATE_EVERY
from .erp_rows import mixed
from .netsuite_rows import Kind

_KEPT_RESULTS = 4
_PARTS = {"YYYY": "%Y", "MM": "%m", "DD": "%d", "HH24": "%H", "MI": "%M", "SS": "%S", "MON": "%b"}
# The line tables change; their rows of these places come late or go early.
_CHANGING = {"transactionline", "transaction", "transactionaccountingline"}


# A query whose last order is in no brackets.
_ORDERED = re.compile(r".*\bORDER\s+BY\b[^()]*(?:\([^()]*\)[^()]*)*", re.DOTALL | re.IGNORECASE)
_LIMIT = re.compile(r"\s*(\bLIMIT \d+)?\s*$")
Result = tuple[list[str], list[tuple[Any, ...]]]


class BadQuery(Exception):
    """What SuiteQL cannot read."""


def strftime_of(pattern: str) -> str:
    """An Oracle date pattern as one of ``strftime``; a text in double quotes stays."""
    words = re.findall(r'"[^"]*"|YYYY|HH24|MON|MM|DD|MI|SS|.', pattern, re.DOTALL)
    return "".join(w[1:-1] if w[:1] == '"' else _PARTS.get(w, w) for w in words)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _to_char(value: Any, pattern: str | None = None) -> str | None:
    if value is None:
        return None
    if pattern is None or not isinstance(value, str):
        return _number_text(value)
    return _moment(value).strftime(strftime_of(pattern))


def _to_date(text: str | None, pattern: str) -> str | None:
    if text is None:
        return None
    moment = datetime.strptime(text, strftime_of(pattern))  # noqa: DTZ007 - SuiteQL has no zones
    return moment.isoformat(" ") if "HH24" in pattern else moment.date().isoformat()


def _number_text(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


class Database:
    """The tables in memory, and the results of the last few queries."""

    def __init__(self, kinds: dict[str, Kind]) -> None:
        self._lock = threading.Lock()
        self._kinds = kinds
        self._results: dict[tuple[str, int, int], Result] = {}
        self._draws = itertools.count()
        # Dates come back as dates where a column is taken as it is, as text from functions.
        self._database = sqlite3.connect(
            ":memory:", check_same_thread=False, detect_types=sqlite3.PARSE_DECLTYPES
        )
        sqlite3.register_converter("DATE", lambda raw: date.fromisoformat(raw.decode()))
        sqlite3.register_converter("DATETIME", lambda raw: _moment(raw.decode()))
        sqlite3.register_converter("FLAG", lambda raw: raw.decode())
        self._define()
        for name, kind in kinds.items():
            self._fill(name, kind)
        self._database.execute("PRAGMA query_only = ON")

    def _define(self) -> None:
        make = self._database.create_function
        make("TO_CHAR", -1, _to_char, deterministic=True)
        make("TO_DATE", 2, _to_date, deterministic=True)
        make("TO_NUMBER", 1, lambda x: None if x is None else float(x), deterministic=True)
        make("NVL", 2, lambda x, y: y if x is None else x, deterministic=True)
        make("BUILTIN_DF", 1, lambda x: None if x is None else f"DF {x}", deterministic=True)
        make("TIE_", 0, lambda: mixed(next(self._draws), 1) >> 2)
        self._database.execute("CREATE TABLE live_ (inserting INTEGER, come INTEGER, gone INTEGER)")
        self._database.execute("INSERT INTO live_ VALUES (0, 0, 0)")

    def _fill(self, name: str, kind: Kind) -> None:
        columns = ", ".join(f'"{column}" {type_}' for column, type_ in kind.columns.items())
        self._database.execute(f'CREATE TABLE "{name}_" (place_ INTEGER PRIMARY KEY, {columns})')
        if "id" in kind.columns:
            self._database.execute(f'CREATE INDEX "{name}_id" ON "{name}_" (id)')
        marks = ",".join("?" * (len(kind.columns) + 1))
        rows = ((index, *map(_cell, kind.make(index).values())) for index in range(kind.rows))
        self._database.executemany(f'INSERT INTO "{name}_" VALUES ({marks})', rows)
        listed = ", ".join(f'"{column}"' for column in kind.columns)
        test = _IS_THERE if name in _CHANGING else "1"
        self._database.execute(
            f'CREATE VIEW "{name}" AS SELECT {listed} FROM "{name}_" WHERE {test}'
        )

    def turn(self, come: int, gone: int, *, inserting: bool) -> None:
        """Which rows there are from now on."""
        with self._lock:
            self._database.execute("PRAGMA query_only = OFF")
            self._database.execute(
                "UPDATE live_ SET inserting=?, come=?, gone=?", (inserting, come, gone)
            )
            self._database.execute("PRAGMA query_only = ON")
            self._results.clear()

    def run(self, text: str, most: int, shuffle: int = 0) -> Result:
        """The lower-case names and at most so many rows of a query.

        With ``shuffle``, rows that the order holds equal come in an order of chance.
        """
        key = (text, most, shuffle)
        with self._lock:
            if key not in self._results:
                if len(self._results) >= _KEPT_RESULTS:
                    self._results.pop(next(iter(self._results)))
                try:
                    cursor = self._execute(translated(text), shuffle)
                    names = [column[0].lower() for column in cursor.description or ()]
                    self._results[key] = (names, cursor.fetchmany(most))
                except (sqlite3.Error, sqlite3.Warning, TypeError, ValueError) as error:
                    raise BadQuery(
                        f"Invalid search query. Detailed unprocessed description: {error}"
                    ) from error
            return self._results[key]

    def _execute(self, text: str, shuffle: int) -> sqlite3.Cursor:
        limit = _LIMIT.search(text)
        ordered = text[: limit.start()] if limit else text
        if shuffle and _ORDERED.fullmatch(ordered):
            self._draws = itertools.count(shuffle << 32)
            # The order of a union takes nothing more; it stays as it is.
            with contextlib.suppress(sqlite3.Error):
                return self._database.execute(
                    f"{ordered}, TIE_() {limit[1] or '' if limit else ''}"
                )
        return self._database.execute(text)


_IS_THERE = (
    f"NOT (place_ % {LATE_EVERY} = {LATE_EVERY - 1} AND (SELECT inserting FROM live_)"
    f" AND place_ >= {LATE_EVERY} * (SELECT come FROM live_))"
    f" AND NOT (place_ % {GONE_EVERY} = {GONE_EVERY - 1}"
    f" AND place_ < {GONE_EVERY} * (SELECT gone FROM live_))"
)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return value.isoformat() if isinstance(value, date) else value


def translated(text: str) -> str:
    """SuiteQL as sqlite reads it; texts in quotes are left alone."""
    if not re.match(r"\s*(SELECT|WITH)\b", text, re.IGNORECASE):
        raise BadQuery("Invalid search query. Only SELECT is supported.")
    parts = re.split(r"('(?:[^']|'')*'|\"[^\"]*\")", text)
    return "".join(part if place % 2 else _plain(part) for place, part in enumerate(parts))


def _plain(text: str) -> str:
    if re.search(r"\b(LIMIT|ROWNUM)\b", text, re.IGNORECASE):
        raise BadQuery("Invalid search query. LIMIT and ROWNUM are not supported here.")
    text = re.sub(r"\btransaction\b", '"transaction"', text, flags=re.IGNORECASE)
    text = re.sub(r"\bBUILTIN\.DF\b", "BUILTIN_DF", text, flags=re.IGNORECASE)
    return re.sub(
        r"\bFETCH\s+(?:FIRST|NEXT)\s+(\d+)\s+ROWS?\s+ONLY\b", r"LIMIT \1", text, flags=re.IGNORECASE
    )


def items(
    names: list[str], rows: Iterable[tuple[Any, ...]], date_format: str
) -> Iterator[dict[str, Any]]:
    """Rows as NetSuite writes them: texts, dates in the user's format, nothing left out."""
    pattern = strftime_of(date_format)
    for row in rows:
        told: dict[str, Any] = {"links": []}
        for name, value in zip(names, row, strict=True):
            if value is not None:
                told[name] = (
                    value.strftime(pattern) if isinstance(value, date) else _number_text(value)
                )
        yield told
