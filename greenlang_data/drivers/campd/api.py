"""Requests to EPA's apportioned hourly emissions, paged or streamed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.campd.rows import HOURS, check_rows, hours_decoder
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.jsons import errors_in
from greenlang_data.drivers.http.login import HeaderLogin, Login, NoLogin
from greenlang_data.drivers.http.message import Ask
from greenlang_data.errors import ProtocolError, QueryError, SourceUnreachable
from greenlang_data.settings.campd import CampdSettings

PUBLIC: Final = "https://api.epa.gov/easey"
_STREAMED: Final = "streaming-services/emissions/apportioned/hourly"
_PAGED: Final = "emissions-mgmt/emissions/apportioned/hourly"
_REFUSED: Final = frozenset({400})

Filters = Mapping[str, Sequence[str]]


class CampdApi:
    """One server, and one way to read from it."""

    def __init__(self, settings: CampdSettings, source: str) -> None:
        self.source = source
        self._settings = settings
        login: Login = NoLogin()
        if settings.api_key is not None:
            login = HeaderLogin(settings.api_key, header="x-api-key")
        self.client = HttpClient(
            settings.server_url or PUBLIC, settings, source, explain=explain, login=login
        )
        self._decode = hours_decoder(source)

    async def close(self) -> None:
        """Close idle connections; never raises."""
        await self.client.close()

    async def ping(self) -> None:
        """Ask for a day that no plant has, which costs nothing; any proper answer will do."""
        day = ("1994-01-01", "1994-01-01")
        params = [("beginDate", day[0]), ("endDate", day[1]), ("facilityId", "3")]
        await self.client.ask(Ask(_STREAMED, params, expected=_REFUSED), ReadLog(), self._decode)

    async def hours(self, filters: Filters, begin: date, end: date, log: ReadLog) -> pa.RecordBatch:
        """All hours of the local days ``begin`` to ``end``, both included.

        Raises QueryError for what the server refuses, such as days after the last quarter that is
        published, SourceUnreachable for an answer that is not whole, and what HTTP raises.
        """
        params = [("beginDate", begin.isoformat()), ("endDate", end.isoformat())]
        params += [(name, "|".join(values)) for name, values in filters.items()]
        if self._settings.streaming:
            rows, _ = await self._ask(_STREAMED, params, log)
        else:
            rows = await self._pages(params, log)
        facilities = [int(one) for one in filters.get("facilityId", ())]
        first, last = pa.scalar(begin, pa.date32()), pa.scalar(end, pa.date32())
        check_rows(rows, first, last, facilities, self.source)
        return rows

    async def _pages(self, params: list[tuple[str, str]], log: ReadLog) -> pa.RecordBatch:
        """All pages. How many rows there are is told on the first one, unless it is the only one."""
        size = self._settings.rows_per_page
        pages: list[pa.RecordBatch] = []
        rows, total = 0, None
        while total is None or rows < total:
            number = len(pages) + 1
            asked = [*params, ("page", str(number)), ("perPage", str(size))]
            page, told = await self._ask(_PAGED, asked, log)
            if number > 1 and told != total and page.num_rows:
                raise self._torn(f"it counted {total} rows first, and then {told}")
            total = told if number == 1 else total
            pages.append(page)
            rows += page.num_rows
            # A link to a next page is there even after the last one, so it tells nothing.
            if not page.num_rows or (total is None and page.num_rows < size):
                break
        if total is not None and rows != total:
            raise self._torn(f"it counted {total} rows, and its pages hold {rows}")
        table = pa.Table.from_batches(pages, HOURS).unify_dictionaries().combine_chunks()
        return table.to_batches()[0] if table.num_rows else pages[0]

    def _total(self, headers: Mapping[str, str]) -> int | None:
        text = headers.get("X-Total-Count")
        if text is None:
            return None
        if not text.isdigit():
            raise ProtocolError("its X-Total-Count is no number", source=self.source)
        return int(text)

    def _torn(self, what: str) -> SourceUnreachable:
        return SourceUnreachable(f"{what}, so none of it is used", source=self.source)

    async def _ask(
        self, path: str, params: list[tuple[str, str]], log: ReadLog
    ) -> tuple[pa.RecordBatch, int | None]:
        """Rows, and how many there are on all pages where that was told."""
        answer = await self.client.ask(Ask(path, params, expected=_REFUSED), log, self._decode)
        if answer.data is None:
            raise QueryError(
                f"it refused: {explain(answer.body) or 'HTTP 400'}",
                source=self.source,
                remedy="EPA publishes by quarter, one to four months late; end the window earlier "
                "if it says so.",
            )
        return answer.data, self._total(answer.headers)


def explain(body: bytes) -> str:
    """What EPA, or the gateway before it, says is wrong: they have different envelopes."""
    said = errors_in(body)
    if not isinstance(said, dict):
        return ""
    inner = said.get("error")
    if isinstance(inner, dict):
        return f"{inner.get('code', '')} {inner.get('message', '')}".strip()[:300]
    message = said.get("message")
    if isinstance(message, list):
        return "; ".join(str(one) for one in message)[:300]
    return str(message or "")[:300]
