"""The facade: blocking calls in, DataFrames with proof out."""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Iterable, Sequence
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self, overload

from greenlang_data.answer import frame_of
from greenlang_data.calls.base import Shape, check_shape
from greenlang_data.calls.cmms import CmmsCalls
from greenlang_data.calls.erp import BusinessCalls
from greenlang_data.calls.historian import HistorianCalls
from greenlang_data.calls.sampling import SamplingCalls
from greenlang_data.connectors.base import BaseConnector, Errors
from greenlang_data.connectors.cems import CEMSQuery
from greenlang_data.connectors.cmms import CMMSQuery
from greenlang_data.connectors.driven import DrivenConnector
from greenlang_data.connectors.erp import ERPQuery
from greenlang_data.connectors.historian import HistorianQuery
from greenlang_data.connectors.query import Aggregation, Query, build_query
from greenlang_data.connectors.registry import AnyConnector
from greenlang_data.connectors.scada import SCADAQuery
from greenlang_data.connectors.watch_query import WatchQuery
from greenlang_data.errors import QueryError, SessionClosedError, UnsupportedError
from greenlang_data.runtime import get_runtime
from greenlang_data.settings import ConnectorConfig
from greenlang_data.settings.config import MockVariant
from greenlang_data.settings.toml import read_settings
from greenlang_data.sources import Sources, config_classes, mock_configs
from greenlang_data.tags import TagsOfSources
from greenlang_data.times import parse_interval, zone_named

if TYPE_CHECKING:
    import pandas as pd
    from pydantic import BaseModel

    from greenlang_data.export.records import RecordScan
    from greenlang_data.export.scan import Scan


_KINDS: Final[dict[type[Query], str]] = {
    SCADAQuery: "scada",
    HistorianQuery: "historian",
    ERPQuery: "erp",
    CMMSQuery: "cmms",
}


class Session(HistorianCalls, CmmsCalls, SamplingCalls):
    """Plant and enterprise data as DataFrames.

    ``sources`` are configs, or connectors of your own. ``mock=True`` adds a simulated plant
    behind all five calls; a variant's name (``"flaky"``, ``"bad-quality"``, ``"slow"``,
    ``"dst"``) or several make things go wrong in it. ``tz`` is the zone of naive times; frames
    are always UTC.

    Every call takes ``source=`` (needed when there are several of the kind), ``timeout=`` in
    seconds for the whole call, and ``errors=``: ``"raise"``, or ``"report"`` for a frame of what
    could be read, with the rest listed in ``df.attrs["provenance"]["failures"]``. Calls may come
    from several threads at once, and from notebook cells with a running event loop.

    >>> with Session(mock=True) as s:
    ...     df = s.scada(["ns=2;s=Temperature"])
    >>> list(df["unit"])
    ['Cel']
    """

    def __init__(
        self,
        sources: Iterable[ConnectorConfig | AnyConnector] | ConnectorConfig | AnyConnector = (),
        *,
        mock: bool | MockVariant | Sequence[MockVariant] = False,
        tz: str | tzinfo = UTC,
    ) -> None:
        if isinstance(sources, ConnectorConfig | BaseConnector):
            sources = [sources]
        self._zone = zone_named(tz) if isinstance(tz, str) else tz
        self._sources = Sources([*mock_configs(mock), *sources])
        # No property, because IPython evaluates none to complete s.tags["<Tab>.
        self.tags = TagsOfSources(self._sources, self._check_open)
        """What there is to read: ``s.tags("plant1").find("*Temp*")``; asks nobody by itself."""
        self.erp = BusinessCalls(self._sources, self._check_open, self._read, self._zone)
        """``s.erp("material", filters={"plant_code": "1000"})``: see its own documentation."""
        self._generation = get_runtime().generation
        self._closed = False
        self._closes_at_exit = False

    @classmethod
    def from_toml(cls, path: str | Path = "greenlang.toml") -> Self:
        """A session over the sources of a ``greenlang.toml``; connects at the first call.

        Raises ConfigurationError naming the file, the key and the nearest right one.
        """
        settings = read_settings(path, config_classes())
        return cls(settings.configs, tz=settings.zone)

    @property
    def sources(self) -> Sources:
        """The configured sources by name; ``s.sources["plant1"].timeout_seconds = 60`` counts."""
        return self._sources

    def connector(self, name: str) -> AnyConnector:
        """The connector behind a source, for its metrics or a health monitor."""
        connector = self._sources.connector(name)
        if not self._closed:
            # Else it would belong to whichever event loop uses it first, and not to this session.
            self._check_open()
            get_runtime().run(connector.settle())
        return connector

    def scada(
        self,
        tags: SCADAQuery | WatchQuery | str | Iterable[str],
        *,
        start: Any = None,
        end: Any = None,
        aggregation: Aggregation | None = None,
        interval: Any = None,
        modified: bool = False,
        times: Iterable[Any] | None = None,
        for_: Any = None,
        every: Any = None,
        source: str | None = None,
        timeout: float | None = None,
        errors: Errors = "raise",
        shape: Shape | None = None,
    ) -> pd.DataFrame:
        """Current values of ``tags``, with a ``start`` their history, with ``for_`` their future.

        Without ``start``: one row per tag with ``tag_id, tag_name, value, unit, quality, status,
        timestamp, server_timestamp, data_type``. With it: ``start <= timestamp < end`` (end: now),
        raw or one ``aggregation`` (avg, min, max, sum, count) per ``interval`` ("10min", seconds);
        ``shape="wide"`` (usual) is a UTC DatetimeIndex ``timestamp`` and a column per tag, where
        a bad value is missing; ``"long"`` is ``tag, timestamp, value, quality, status, unit``.

        With ``for_`` ("10min", seconds) a recording of that length in the same shapes: reports
        where the source makes them, else a look ``every`` so often (usual: its
        ``polling_interval_ms``). A lost link is a gap (no value, bad, status ``LinkLost``) and in
        the provenance. Ctrl-C ends it early with what was heard, and the provenance says so.

        Of sources that keep them (OPC UA): ``modified=True`` gives what was replaced, deleted or
        added by hand in the window, with what, when and by whom in the ``status`` of
        ``shape="long"``; ``times=`` in place of a window gives one value at each of these times,
        as the source interpolates it; ``aggregation`` takes OPC UA's own names, such as
        ``"TimeAverage"`` or ``"PercentGood"``.
        """
        if for_ is not None or every is not None or isinstance(tags, WatchQuery):
            past = {"start": start, "end": end, "aggregation": aggregation, "interval": interval}
            past |= {"modified": modified or None, "times": times}
            return self._record(tags, for_, every, source, errors, shape, timeout=timeout, **past)
        query = build_query(
            SCADAQuery,
            tags,
            "tag_ids",
            start_time=start,
            end_time=end,
            aggregation=aggregation,
            interval_seconds=None if interval is None else parse_interval(interval),
            modified=modified or None,
            times=None if times is None else list(times),
        )
        return self._read("scada", query, source, timeout, errors, shape)

    def cems(
        self,
        pollutants: CEMSQuery | str | Iterable[str],
        start: Any = None,
        end: Any = None,
        resolution: Literal["minute", "hour", "day"] | None = None,
        *,
        source: str | None = None,
        timeout: float | None = None,
        errors: Errors = "raise",
        shape: Shape | None = None,
    ) -> pd.DataFrame:
        """Emissions of one stack with ``start <= timestamp < end`` (end: now).

        ``shape="long"`` (usual): ``timestamp, pollutant, concentration, unit, flow_rate,
        quality_flag, quality`` (``value`` for masses and rates; ``modc`` of reports), pollutant after
        pollutant; ``"wide"``: a column per pollutant and the flow. ``resolution`` is minute (usual:
        records as they are kept), hour or day. Of an analyser a window that ends in
        the future is sampled, and one of the past comes from its recording, or is an error.
        """
        query = build_query(
            CEMSQuery,
            pollutants,
            "pollutants",
            start_time=start,
            end_time=end,
            resolution=resolution,
        )
        return self._emissions(query, source, timeout, errors, shape)

    def fetch(
        self,
        connector: AnyConnector | str,
        query: BaseModel,
        *,
        timeout: float | None = None,
        errors: Errors = "raise",
        shape: Shape | None = None,
    ) -> pd.DataFrame:
        """Any connector's answer to its own typed query, with provenance like the others.

        ``connector`` is one of your own (closed with this session), or the name of a source. Its
        payload becomes a frame through its ``to_arrow()`` if it has one; otherwise it must have
        exactly one field that is a list of records.
        """
        if isinstance(connector, BaseConnector):
            self._sources.lend(connector)
        elif isinstance(connector, str):
            connector = self._sources.connector(connector)
        else:
            raise QueryError(
                f"connector is a {type(connector).__name__}",
                remedy="Give the name of a source, or a BaseConnector.",
            )
        return self._fetch(connector, query, timeout, errors, shape)

    @overload
    def scan(self, query: ERPQuery | CMMSQuery, *, source: str | None = None) -> RecordScan: ...
    @overload
    def scan(self, query: SCADAQuery | HistorianQuery, *, source: str | None = None) -> Scan: ...
    def scan(
        self,
        query: SCADAQuery | HistorianQuery | ERPQuery | CMMSQuery,
        *,
        source: str | None = None,
    ) -> Scan | RecordScan:
        """History or records of any length, for ``to_parquet`` or a RecordBatchReader.

        Nothing is read until the scan is used. Of records all come, unless a ``limit`` is given.
        See :class:`greenlang_data.export.scan.Scan` and
        :class:`greenlang_data.export.records.RecordScan`.
        """
        from greenlang_data.export.records import RecordScan
        from greenlang_data.export.scan import Scan

        kind = _KINDS[type(query)]
        self._check_open()
        connector = self._sources.of_kind(kind, source)
        if not isinstance(connector, DrivenConnector):
            raise UnsupportedError(
                "this source cannot be streamed",
                source=connector.config.connector_id,
                remedy="Read a shorter window at once.",
            )
        if isinstance(query, ERPQuery | CMMSQuery):
            return RecordScan(connector, query, self._zone, self._check_open)
        return Scan(connector, query.in_utc(self._zone), self._check_open)

    def status(self) -> pd.DataFrame:
        """How each source is doing: state, breaker, counters. Asks nobody."""
        from greenlang_data.observe.status import status_frame

        return status_frame(self._sources.connectors)

    def close(self) -> None:
        """Close all connections. The session cannot be used afterwards; closing twice is fine.

        Calls that other threads wait for raise SessionClosedError; recordings end as they are.
        """
        if self._closed:
            return
        self._closed = True
        self._close_connections()

    def _close_connections(self) -> None:
        runtime = get_runtime()
        if not self._closes_at_exit or runtime.generation != self._generation:
            return  # Nothing was opened, or it was opened by the parent process.
        runtime.run(self._sources.disconnect(), timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{len(self._sources)} sources"
        return f"<Session: {state}>"

    def _fetch(
        self,
        connector: AnyConnector,
        query: BaseModel,
        timeout: float | None,
        errors: Errors,
        shape: Shape | None,
    ) -> pd.DataFrame:
        self._check_open()
        if isinstance(query, Query):
            query = query.in_utc(self._zone)
        check_shape(shape)
        # Only what was given, because a connector may override fetch_data without the rest.
        options: dict[str, Any] = {} if errors == "raise" else {"errors": errors}
        if timeout is not None:
            options["timeout"] = timeout
        try:
            payload, provenance = get_runtime().run(connector.fetch_data(query, **options))
        finally:
            if self._closed:
                self._close_connections()  # It may have connected anew after the others closed.
        return frame_of(query, payload, provenance, shape)

    def _check_open(self) -> None:
        if self._closed:
            raise SessionClosedError("the session is closed", remedy="Open a new one.")
        runtime = get_runtime()
        if runtime.generation != self._generation:
            for connector in self._sources.connectors:
                connector.after_fork()
            self._generation = runtime.generation
            self._closes_at_exit = False
        if not self._closes_at_exit:
            self._closes_at_exit = True
            runtime.run(_nothing())  # It must register its own exit before this session's.
            atexit.register(_close_if_alive, weakref.ref(self))


async def _nothing() -> None:
    """Start the runtime."""


def _close_if_alive(session: weakref.ref[Session]) -> None:
    alive = session()
    if alive is not None:
        alive.close()
