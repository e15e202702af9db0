"""``session.scada(..., for_=)``: what is heard of tags for a while, as a frame."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from contextlib import AbstractContextManager, aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from greenlang_data.answer import frame_of
from greenlang_data.calls.base import Calls, Shape, check_shape
from greenlang_data.connectors.base import Errors
from greenlang_data.connectors.query import build_query
from greenlang_data.connectors.recorded import Recorded
from greenlang_data.connectors.recording import Recording
from greenlang_data.connectors.scada import SCADAConnector
from greenlang_data.connectors.watch_query import WatchQuery
from greenlang_data.connectors.watched import WatchedConnector
from greenlang_data.errors import GreenLangWarning, QueryError, UnsupportedError
from greenlang_data.export.recording import INTERRUPTED, Stream
from greenlang_data.observe.progress import showing
from greenlang_data.provenance.record import attach, record_of
from greenlang_data.runtime import get_runtime
from greenlang_data.sources import Sources
from greenlang_data.times import parse_interval

if TYPE_CHECKING:
    import pandas as pd


class WatchingCalls(Calls):
    """The calls of a session that watch tags from now on."""

    def stream(
        self,
        tags: WatchQuery | str | Iterable[str],
        *,
        for_: Any = None,
        every: Any = None,
        source: str | None = None,
        errors: Errors = "raise",
    ) -> Stream:
        """What is heard of ``tags`` from now on, for ``to_parquet`` or to iterate; any length.

        Like ``scada(tags, for_=, every=)``, but in constant memory, and without ``for_`` until it
        is stopped. Nothing is asked until it is used.

        ``to_parquet(s.stream(...), "folder")`` writes a file a minute, each whole with its own
        provenance, until the time is over or Ctrl-C; whatever happens, what was written stays
        readable: ``read_parquet("folder")``. A later recording to the same folder is added.
        """
        query = watch_query(tags, for_, every)
        self._check_open()
        connector = _watchable(self._sources, source)
        return Stream(connector, query, errors, show_progress, self._check_open)

    def _record(
        self,
        tags: Any,
        for_: Any,
        every: Any,
        source: str | None,
        errors: Errors,
        shape: Shape | None,
        **others: Any,
    ) -> pd.DataFrame:
        query = watch_query(tags, for_, every, **others)
        check_shape(shape)
        self._check_open()
        try:
            return record(_watchable(self._sources, source), query, errors, shape)
        finally:
            if self._closed:
                self._close_connections()  # It may have connected anew after the others closed.


def watch_query(tags: Any, for_: Any, every: Any, **others: Any) -> WatchQuery:
    """The typed query of a call. Raises QueryError for arguments that are of no use to a watch."""
    useless = [name for name, value in others.items() if value is not None]
    if useless:
        raise QueryError(
            f"{useless[0]}= and a recording from now on",
            remedy="Leave it out, or for_= and every= for a window of the past.",
        )
    return build_query(
        WatchQuery,
        tags,
        "tag_ids",
        for_seconds=None if for_ is None else parse_interval(for_),
        every_seconds=None if every is None else parse_interval(every),
    )


def record(
    source: WatchedConnector[Any, Any, Any],
    query: WatchQuery,
    errors: Errors,
    shape: str | None,
) -> pd.DataFrame:
    """Record for as long as ``query`` says, or until Ctrl-C, and give what was heard.

    Ctrl-C before the first answer is a KeyboardInterrupt like any other; after it the frame comes
    all the same, with a GreenLangWarning, and ``partial`` in its provenance says why.
    """
    if query.for_seconds is None:
        raise QueryError(
            "a recording needs an end", remedy="Give for_='10min', or use s.stream(...)."
        )
    if shape != "long" and "timestamp" in query.tag_ids:
        raise QueryError(
            "a tag called 'timestamp' cannot be a column beside the time stamps",
            remedy="Ask with shape='long', or give the tag another name in the configuration.",
        )
    recorded = Recorded(source.recording(query, errors))
    recording = recorded.recording
    with show_progress(recording):
        try:
            get_runtime().run(lambda: _drain(recorded))
        except KeyboardInterrupt:
            if recording.progress.started is None:
                raise
            recording.stop(INTERRUPTED)
    payload, provenance = source.recorded(recorded)
    frame = frame_of(query, payload, provenance, shape)
    made = record_of(frame)
    if made is not None:
        progress = recording.progress
        attach(frame, made.replace(start=_iso(progress.started), end=_iso(progress.ended)))
    if recording.progress.partial:
        warnings.warn(
            f"{recording.source}: {recording.progress.partial}; the frame holds the "
            f"{recording.progress.rows} rows that were recorded until then",
            GreenLangWarning,
            stacklevel=4,
        )
    return frame


def show_progress(recording: Recording) -> AbstractContextManager[None]:
    """Show how far the recording is while a block runs, where somebody looks."""
    return showing(lambda: progress_line(recording, datetime.now(UTC)))


def progress_line(recording: Recording, now: datetime) -> str:
    """How far a recording is, in a line."""
    progress, source = recording.progress, recording.source
    if progress.started is None:
        return f"{source}: waiting for the first answer"
    total = recording.query.for_seconds
    spent = ((progress.ended or now) - progress.started).total_seconds()
    line = f"{source}: {spent:.0f} s" + (f" of {total:g} s" if total else "")
    line += f", {progress.rows} rows"
    if progress.in_gap:
        gap = progress.gaps[-1]
        return f"{line}, nothing heard since {gap.start:%H:%M:%S} UTC ({gap.reason})"
    return f"{line}, {len(progress.gaps)} gaps" if progress.gaps else line


def _watchable(sources: Sources, name: str | None) -> SCADAConnector:
    connector = sources.of_kind("scada", name)
    if not isinstance(connector, SCADAConnector):
        raise UnsupportedError(
            "this source cannot be watched",
            source=connector.config.connector_id,
            remedy="Read it again and again, or make its connector a SCADAConnector.",
        )
    return connector


async def _drain(recorded: Recorded) -> None:
    async with aclosing(recorded.batches()) as batches:
        async for _ in batches:
            pass


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
