"""``session.historian`` and its like: what a historian has stored, as frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from greenlang_data.calls.base import Calls, Shape
from greenlang_data.connectors.base import Errors
from greenlang_data.connectors.current import SnapshotQuery
from greenlang_data.connectors.eventframes import EventFrameQuery
from greenlang_data.connectors.historian import HistorianAggregation, HistorianQuery
from greenlang_data.connectors.query import build_query

if TYPE_CHECKING:
    import pandas as pd


class HistorianCalls(Calls):
    """The calls of a session that read a historian."""

    def historian(
        self,
        tags: HistorianQuery | str | Iterable[str],
        start: Any = None,
        end: Any = None,
        interval: Any = None,
        aggregation: HistorianAggregation | None = None,
        *,
        source: str | None = None,
        timeout: float | None = None,
        errors: Errors = "raise",
        shape: Shape | None = None,
    ) -> pd.DataFrame:
        """Stored values of ``tags`` with ``start <= timestamp < end`` (end: now).

        Raw without an ``interval``; otherwise one ``aggregation`` (avg unless given) per
        ``interval`` ("1h", "15min", seconds), counted from ``start``. Shapes as in :meth:`scada`.
        """
        query = build_query(
            HistorianQuery,
            tags,
            "tag_names",
            start_time=start,
            end_time=end,
            interval=interval,
            aggregation=aggregation,
            none_counts=("interval",),
        )
        return self._read("historian", query, source, timeout, errors, shape)

    def snapshot(
        self,
        tags: SnapshotQuery | str | Iterable[str],
        *,
        source: str | None = None,
        timeout: float | None = None,
        errors: Errors = "raise",
    ) -> pd.DataFrame:
        """The newest value of each of a historian's ``tags``, whenever that was.

        One row per tag, in the order asked, with the columns of :meth:`scada`: ``tag_id, tag_name,
        value, unit, quality, status, timestamp, server_timestamp, data_type``.

        >>> import greenlang_data as gd
        >>> with gd.Session(mock=True) as s:
        ...     s.snapshot(["ProcessTemp"])["unit"].tolist()
        ['Cel']
        """
        query = build_query(SnapshotQuery, tags, "tag_names")
        return self._read("historian", query, source, timeout, errors, None)

    def event_frames(
        self,
        database: EventFrameQuery | str,
        start: Any = None,
        end: Any = None,
        *,
        name: str | None = None,
        template: str | None = None,
        category: str | None = None,
        severity: str | None = None,
        source: str | None = None,
        timeout: float | None = None,
    ) -> pd.DataFrame:
        r"""What happened at the plant: PI event frames of an AF database (``\\AFSERVER\Plant``).

        One row for each frame that is active at some time between ``start`` and ``end`` (now):
        ``event_frame_id, name, template, start_time, end_time, severity, acknowledged_by,
        description, path``; ``end_time`` (UTC, as all times) is missing while it goes on. ``name``
        may have wildcards. Raises UnsupportedError for a source that has none.
        """
        query = build_query(
            EventFrameQuery,
            database,
            "database",
            start_time=start,
            end_time=end,
            name=name,
            template=template,
            category=category,
            severity=severity,
        )
        return self._read("historian", query, source, timeout, "raise", None)
