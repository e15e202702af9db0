"""``session.cems`` over an analyser, for a window that is not over yet: its readings from now on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from greenlang_data.connectors.base import Errors
from greenlang_data.connectors.cems import CEMSConnector, CEMSQuery
from greenlang_data.errors import QueryError, UnknownTagError
from greenlang_data.observe.progress import showing
from greenlang_data.runtime import get_runtime
from greenlang_data.watching import Shape, WatchingCalls, check_shape, record, watch_query

if TYPE_CHECKING:
    import pandas as pd

# A window that begins "now" has begun when it is looked at.
_GRACE: Final = timedelta(seconds=5)


class SamplingCalls(WatchingCalls):
    """What the present and the future of an analyser is read with."""

    _zone: tzinfo

    def _emissions(
        self,
        query: CEMSQuery,
        source: str | None,
        timeout: float | None,
        errors: Errors,
        shape: Shape | None,
    ) -> pd.DataFrame:
        connector = self._sources.of_kind("cems", source)
        if isinstance(connector, CEMSConnector) and connector.config.is_analyser:
            window = query.in_utc(self._zone)
            now = datetime.now(UTC)  # after an end that was left out became the present
            if window.end_time is not None and window.end_time > now:
                return self._sampled(connector, window, now, timeout, errors, shape)
        return self._fetch(connector, query, timeout, errors, shape)

    def _sampled(
        self,
        connector: CEMSConnector,
        window: CEMSQuery,
        now: datetime,
        timeout: float | None,
        errors: Errors,
        shape: Shape | None,
    ) -> pd.DataFrame:
        name = connector.config.connector_id
        _check_window(window, now, timeout, name)
        check_shape(shape)
        self._check_open()
        tags = connector.tags(window.pollutants)
        if errors == "raise":
            _check_names(connector, tags)  # now, and not when the window has begun
        if window.start_time > now:
            with showing(lambda: f"{name}: begins at {window.start_time:%Y-%m-%d %H:%M:%S} UTC"):
                get_runtime().run(lambda: _wait_until(window.start_time))
        assert window.end_time is not None
        left = (window.end_time - datetime.now(UTC)).total_seconds()
        query = watch_query(tags, max(left, 0.001), None)
        try:
            return record(connector, query, errors, shape or "long")
        finally:
            if self._closed:
                self._close_connections()  # It may have connected anew after the others closed.


def _check_names(connector: CEMSConnector, tags: list[str]) -> None:
    known = [one.tag for one in connector.config.measurands]
    unknown = [tag for tag in tags if tag not in known]
    if unknown and known:
        raise UnknownTagError(
            f"there is no measurand {unknown[0]!r}",
            source=connector.config.connector_id,
            remedy=f"It has {', '.join(known)}.",
        )


def _check_window(window: CEMSQuery, now: datetime, timeout: float | None, source: str) -> None:
    if timeout is not None:
        raise QueryError(
            "a timeout, and a window that ends in the future",
            source=source,
            remedy="Leave timeout out: the window says how long it takes.",
        )
    if window.start_time < now - _GRACE:
        raise QueryError(
            "the window began in the past and ends in the future",
            source=source,
            remedy="Ask for the past, which must be recorded, and for the rest, which is sampled, "
            "in two calls.",
        )
    if window.resolution != "minute":
        raise QueryError(
            f"a window that is sampled has readings, and no values per {window.resolution}",
            source=source,
            remedy="Leave resolution out, and average with gd.emissions.hourly_averages.",
        )


async def _wait_until(moment: datetime) -> None:
    await asyncio.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))
