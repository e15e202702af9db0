"""A window of the past: what the recorder heard in it, and nothing else."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.analyser.coverage import Span, gaps, joined, shown, within
from greenlang_data.drivers.analyser.store import Part, failed, reading
from greenlang_data.drivers.averages import averaged, nanoseconds
from greenlang_data.drivers.base import ReadLog, Window
from greenlang_data.drivers.http.worker import on_thread
from greenlang_data.drivers.schema import TIMESTAMP, UNKNOWN_TAG, failed_series, series_batch
from greenlang_data.errors import ExportError, ProtocolError, QueryError, UnsupportedError
from greenlang_data.settings.analyser import AnalyserSettings

_SECOND: Final = 1_000_000_000
_PARTS: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Recorded:
    table: pa.Table | None
    spans: list[Span]


async def read_history(
    settings: AnalyserSettings, window: Window, log: ReadLog, source: str
) -> AsyncIterator[pa.RecordBatch]:
    """The readings of ``window`` from the recording, a batch per measurand.

    Where the recorder did not hear the analyser all the time, the series have a failure that says
    when it did. An average counts every good reading once.

    Raises UnsupportedError when nothing was recorded in the window, and QueryError when what was
    recorded stood on another basis than is configured now.
    """
    span = Span(nanoseconds(window.start), nanoseconds(window.end))
    path = _path(settings, source)
    found = await on_thread(lambda _: _read(path, span, window.tags, settings, source))
    if found.table is None:
        known = f"recorded are {shown(found.spans)}" if found.spans else "nothing is recorded yet"
        raise UnsupportedError(
            f"an analyser remembers nothing, and of this window nothing was recorded: {known}",
            source=source,
            remedy="Ask for a window that was recorded, or for one that ends in the future.",
        )
    missing = gaps(found.spans, span)
    failure = None
    if missing:
        failure = f"recorded only {shown(within(found.spans, span))}"
    log.note(f"read from the recording {path.name}")
    known_tags = {one.tag for one in settings.measurands}
    for tag in window.tags:
        if tag not in known_tags:
            yield failed_series(tag, f"{UNKNOWN_TAG}: there is no measurand {tag!r}")
            continue
        readings = _of_tag(found.table, tag, failure, source)
        for batch in averaged(readings, window) if window.interval else [readings]:
            yield batch


def _path(settings: AnalyserSettings, source: str) -> Path:
    if settings.recording is None:
        raise UnsupportedError(
            "an analyser remembers nothing, and nothing records it",
            source=source,
            remedy="Set recording= to a file and let `greenlang-data record` run; or ask for a "
            "window that ends in the future, which is sampled.",
        )
    path = Path(settings.recording)
    if not path.is_file():
        raise UnsupportedError(
            f"an analyser remembers nothing, and there is no recording {str(path)!r} yet",
            source=source,
            remedy="Let `greenlang-data record` run.",
        )
    return path


def _read(
    path: Path, span: Span, tags: Sequence[str], settings: AnalyserSettings, source: str
) -> _Recorded:
    wanted = pa.array(tags, pa.string())
    spans, tables, used = [], [], set()
    try:
        with reading(path) as connection:
            runs = _runs(connection, source)
            chain = _Chain(connection, path)
            cursor = connection.execute(
                "SELECT part, run, began, until, rows, samples, digest FROM parts "
                "WHERE until >= ? AND began < ? ORDER BY part",
                (span.began - _longest(runs), span.until),
            )
            # Some at a time, so that what was not asked for is never all there at once.
            while rows := cursor.fetchmany(_PARTS):
                chain.check(rows)
                used |= {row[1] for row in rows}
                spans += [_span(runs, row[1], row[2], row[3]) for row in rows]
                tables.append(_of_window([Part(*row[1:6]).table() for row in rows], wanted, span))
            if not tables:
                return _Recorded(None, _all_spans(connection, runs))
    except sqlite3.Error as error:
        raise failed(path, error) from error
    _check_basis([runs[one] for one in used], settings, source)
    spans = joined(spans)
    if not within(spans, span):
        return _Recorded(None, spans)
    return _Recorded(pa.concat_tables(tables).unify_dictionaries(), spans)


def _runs(
    connection: sqlite3.Connection, source: str
) -> dict[int, tuple[float, Mapping[str, Any]]]:
    rows = connection.execute("SELECT run, source, every, basis FROM runs").fetchall()
    for _, of, _, _ in rows:
        if of != source:
            raise QueryError(
                f"the recording is of the source {of!r}",
                source=source,
                remedy="Set recording= to this source's own file.",
            )
    return {run: (every, json.loads(basis)) for run, _, every, basis in rows}


def _longest(runs: Mapping[int, tuple[float, Mapping[str, Any]]]) -> int:
    return int(max((every for every, _ in runs.values()), default=0.0) * _SECOND)


def _span(
    runs: Mapping[int, tuple[float, Mapping[str, Any]]], run: int, began: int, until: int
) -> Span:
    # No reading was due before the next look, so none is missing until then.
    return Span(began, until + int(runs[run][0] * _SECOND))


def _all_spans(
    connection: sqlite3.Connection, runs: Mapping[int, tuple[float, Mapping[str, Any]]]
) -> list[Span]:
    rows = connection.execute("SELECT run, began, until FROM parts").fetchall()
    return joined(_span(runs, *row) for row in rows)


class _Chain:
    """Checks that each part is as it was written, and that none is missing before it."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._before = b""
        self._next: int | None = None

    def check(self, rows: list[Any]) -> None:
        """Raises ExportError for the first that is not."""
        for row in rows:
            if row[0] != self._next:
                # The first of the window, or one after parts outside of it: the clock was set.
                self._before = self._digest_before(row[0])
            if Part(*row[1:6]).digest(self._before) != row[6]:
                raise ExportError(
                    f"part {row[0]} of the recording {str(self._path)!r} is not as it was written",
                    remedy="Restore the file from a copy; none of the window is used.",
                )
            self._before, self._next = row[6], row[0] + 1

    def _digest_before(self, part: int) -> bytes:
        found = self._connection.execute(
            "SELECT digest FROM parts WHERE part < ? ORDER BY part DESC LIMIT 1", (part,)
        ).fetchone()
        return found[0] if found else b""


def _check_basis(
    runs: list[tuple[float, Mapping[str, Any]]], settings: AnalyserSettings, source: str
) -> None:
    now = {one.tag: one.basis for one in settings.measurands}
    for _, basis in runs:
        for tag in basis.keys() & now.keys():
            if basis[tag] != now[tag]:
                raise QueryError(
                    f"{tag} was recorded as {basis[tag]} and is configured as {now[tag]}: "
                    "two bases are never mixed",
                    source=source,
                    remedy="Ask for windows of one basis only, configured as it was then.",
                )


def _of_window(parts: Sequence[pa.Table], tags: pa.Array, span: Span) -> pa.Table:
    table = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    moments = table.column("timestamp").cast(pa.int64())
    inside = pc.and_(pc.greater_equal(moments, span.began), pc.less(moments, span.until))
    asked = pc.is_in(table.column("tag").cast(pa.string()), value_set=tags)
    return table.filter(pc.and_(inside, asked))


def _of_tag(table: pa.Table, tag: str, failure: str | None, source: str) -> pa.RecordBatch:
    rows = table.filter(pc.equal(table.column("tag").cast(pa.string()), tag))
    rows = rows.sort_by("timestamp").combine_chunks()
    columns = {name: _whole(rows, name) for name in rows.schema.names}
    units = [one for one in columns["unit"].unique().to_pylist() if one is not None]
    if len(units) > 1:
        raise QueryError(
            f"{tag} was recorded in {' and in '.join(units)}: two units are never mixed",
            source=source,
            remedy="Ask for windows of one unit only.",
        )
    kinds = [one for one in columns["data_type"].unique().to_pylist() if one is not None]
    if len(kinds) > 1:
        raise ProtocolError(
            f"the type of {tag} changed in the window: {', '.join(kinds)}",
            source=source,
            remedy="Ask for windows of one type only.",
        )
    return series_batch(
        tag,
        columns["timestamp"],
        columns["value"],
        columns["quality"],
        columns["status"],
        text=columns["text"],
        unit=units[0] if units else None,
        data_type=kinds[0] if kinds else "",
        failure=failure,
    )


def _whole(rows: pa.Table, name: str) -> pa.Array:
    column = rows.column(name).combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = (
            column.chunk(0) if column.num_chunks else pa.array([], rows.schema.field(name).type)
        )
    return column.cast(TIMESTAMP) if name == "timestamp" else column
