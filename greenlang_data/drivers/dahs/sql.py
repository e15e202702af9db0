"""Records in a table of an SQL database, over any DB-API connection; one SELECT and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Window
from greenlang_data.drivers.dahs.records import RawRecords, moments_of
from greenlang_data.drivers.standard_time import standard_offset
from greenlang_data.errors import GreenLangError, ProtocolError, SourceError
from greenlang_data.settings.dahs import DahsSettings

_ROWS: Final = 10_000
_MARKS: Final[dict[str, tuple[str, str]]] = {
    "qmark": ("?", "?"),
    "format": ("%s", "%s"),
    "pyformat": ("%(first)s", "%(last)s"),
    "named": (":first", ":last"),
    "numeric": (":1", ":2"),
}
_BY_NAME: Final = frozenset({"pyformat", "named"})


def read_table(
    settings: DahsSettings, names: Sequence[str], window: Window, log: ReadLog, source: str
) -> RawRecords:
    """The columns ``names`` of the window's rows, in the order of their times.

    Raises SourceError for what the database says, and ProtocolError for a time that is none.
    """
    connect = _connector(settings)
    first, last = bounds(settings, window)
    text = statement(settings, names)
    values: Any = (first, last)
    if settings.paramstyle in _BY_NAME:
        values = {"first": first, "last": last}
    try:
        with closing(connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(text, values)
            rows: list[Sequence[Any]] = []
            while part := cursor.fetchmany(_ROWS):
                rows += part
    except GreenLangError:
        raise
    except Exception as error:  # each database has its own; what it says may quote a password
        raise SourceError(
            f"the database refused ({type(error).__name__})"
            + (f": {error}" if isinstance(error, sqlite3.Error) else ""),
            source=source,
            remedy="Check database or connect, table, columns and paramstyle.",
        ) from error
    log.requests += 1
    log.note(f"read by: {text}")
    return _records(rows, names, settings, source)


def statement(settings: DahsSettings, names: Sequence[str]) -> str:
    """The one SELECT. Names are quoted as in standard SQL where they are no plain ones."""
    time_column = _quoted(str(settings.timestamp_column))
    columns = ", ".join([time_column, *map(_quoted, names)])
    first, last = _MARKS[settings.paramstyle]
    return (
        f"SELECT {columns} FROM {settings.table} "  # noqa: S608  (checked and quoted names only)
        f"WHERE {time_column} >= {first} AND {time_column} < {last} ORDER BY {time_column}"
    )


def bounds(settings: DahsSettings, window: Window) -> tuple[Any, Any]:
    """The window's ends as the table's times are, a day wider on both sides.

    Exact ends are cut afterwards, when the times are instants.
    """
    day = timedelta(days=1)
    ends = [_local(window.start, settings) - day, _local(window.end, settings) + day]
    if settings.timestamp_format is None:
        return ends[0], ends[1]
    return ends[0].strftime(settings.timestamp_format), ends[1].strftime(settings.timestamp_format)


def _local(moment: datetime, settings: DahsSettings) -> datetime:
    zone = ZoneInfo(str(settings.time_zone))
    if settings.standard_time:
        return (moment.astimezone(UTC) + standard_offset(zone, moment.year)).replace(tzinfo=None)
    return moment.astimezone(zone).replace(tzinfo=None)


def _connector(settings: DahsSettings) -> Callable[[], Any]:
    if settings.connect is not None:
        return settings.connect
    path = Path(str(settings.database)).absolute()
    return lambda: sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)


def _records(
    rows: list[Sequence[Any]], names: Sequence[str], settings: DahsSettings, source: str
) -> RawRecords:
    columns = list(zip(*rows, strict=True)) or [()] * (len(names) + 1)
    where = f"table {settings.table}"
    try:
        moments = _moments(list(columns[0]), settings.timestamp_format)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise ProtocolError(
            f"{where} has a time that cannot be understood: {' '.join(str(error).split())[:150]}",
            source=source,
            remedy="Correct timestamp_format, or leave it out if the column holds timestamps.",
        ) from None
    texts = {
        name: pa.array([None if one is None else str(one) for one in column], pa.string())
        for name, column in zip(names, columns[1:], strict=True)
    }
    return RawRecords(moments, texts, where)


def _moments(values: list[Any], written: str | None) -> pa.Array:
    if written is not None:
        return moments_of(pa.array(values, pa.string()), written)
    if any(getattr(one, "tzinfo", None) is not None for one in values):
        raise ValueError("it has times with a zone of their own; select them without")
    return pa.array(values, pa.timestamp("us")).cast(pa.timestamp("ns"))


def _quoted(name: str) -> str:
    if name.isidentifier() and name.isascii():
        return name
    return '"' + name.replace('"', '""') + '"'
