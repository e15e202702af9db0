"""One read of SuiteQL, each page a query of its own for the rows after the last key.

So no page has an offset: rows that others insert or delete shift nothing, and the limit of 100,000
rows in one query is never met.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.message import Ask
from greenlang_data.drivers.netsuite.empty import without_empty_texts
from greenlang_data.drivers.netsuite.page import page_decoder
from greenlang_data.drivers.netsuite.sql import count_query, page_query
from greenlang_data.drivers.netsuite.tables import Tables, choose_table
from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.gathered import put_together
from greenlang_data.drivers.odata.page import Page, kept
from greenlang_data.drivers.odata.profiles import Profile
from greenlang_data.drivers.odata.proof import NotWholeError, Proof, ReadPages
from greenlang_data.drivers.odata.question import Question, ask_for
from greenlang_data.drivers.odata.saved import Saved, last_key, line_name, resumed_note, saved_page
from greenlang_data.drivers.reading import RecordReading
from greenlang_data.errors import ProtocolError, SourceError, TransientError

_LIMIT: Final = 1000
SUITEQL: Final = "/services/rest/query/v1/suiteql"
_COUNT: Final = Property("COUNT(*)", "Edm.Int64")


class NetSuiteReading(RecordReading):
    """Reads the records of one request."""

    def __init__(
        self, client: HttpClient, request: Records, log: ReadLog, max_restarts: int, source: str
    ) -> None:
        self._client = client
        self._request = request
        self._log = log
        self._source = source
        self._restarts_left = max_restarts
        self._question: Question | None = None
        self._keys: tuple[Property, ...] = ()
        self._decode: Callable[[bytes | bytearray], Page] = page_decoder([])
        self._start_again()

    def _start_again(self) -> None:
        self._pages = ReadPages()
        self._last: tuple[Any, ...] = ()
        self._ended = False
        self._begun: datetime | None = None
        self._unsaved: list[pa.RecordBatch] = []
        self.rows = 0

    async def advance(self) -> bool:
        question = self._question or await self._begin()
        whole = question.limit is None
        if whole and self._pages.counted is None:
            self._pages.counted = await self._count(question)
            return True
        if not self._ended:
            await self._read_page(question)
            if not self._ended:
                return True
        after = await self._count(question) if whole else None
        self.table = self._proven(question, after)
        return False

    async def _begin(self) -> Question:
        tables = Tables(self._request.places)
        chosen = await choose_table(tables, self._request, self._log, self._source)
        asked = ask_for(chosen, self._request, Profile(""), self._log, self._source)
        question = without_empty_texts(asked)
        self._keys = tuple(chosen.entities.properties[key] for key in question.keys)
        self._decode = page_decoder(question.read)
        self._question = question
        self._take_saved(question)
        return question

    def unsaved(self) -> list[pa.RecordBatch]:
        found, self._unsaved = self._unsaved, []
        return found

    def _take_saved(self, question: Question) -> None:
        saved, self.saved = Saved(self.saved), ()
        found = saved.line(self._line(question), question.read, question.keys)
        if found:
            pages = [one.page for one in found]
            self._begun = datetime.fromisoformat(found[0].about["begun"])
            self._pages.pages, self._pages.counted = pages, pages[0].count
            self._last = last_key(question.read, pages[-1], question.keys)
            self.rows = sum(one.rows for one in pages)
            self._log.note(resumed_note(self.rows))

    def _line(self, question: Question) -> str:
        """A name for the pages that answer exactly this."""
        columns = [(one.name, one.type, one.precision, one.scale) for one in question.read]
        return line_name(page_query(question, self._keys, ()), question.limit, columns)

    async def _read_page(self, question: Question) -> None:
        limit = _LIMIT
        if question.limit is not None:
            limit = min(limit, question.limit - self.rows)
        text = page_query(question, self._keys, self._last)
        page = await self._query(text, limit, self._decode)
        names = [one.name for one in question.read]
        keys = [page.columns[names.index(key)] for key in question.keys]
        if any(values is None or values.null_count for values in keys):
            raise ProtocolError("in its rows a key is empty", source=self._source)
        page = kept(page, self.keep)
        self._pages.pages.append(page)
        before, self.rows = self.rows, self.rows + page.rows
        enough = question.limit is not None and self.rows >= question.limit
        self._ended = not page.rows or enough
        if page.rows:
            try:
                last = last_key(question.read, page, question.keys)
            except ValueError as error:
                raise ProtocolError(f"in its rows {error}", source=self._source) from None
            if last == self._last:
                raise ProtocolError(
                    "it gave the same page again, so it does not compare keys",
                    source=self._source,
                    remedy="Read it as 'record/...', whose records are read one by one.",
                )
            after = repr(self._last) if self._last else ""
            self._last = last
            begun = (self._begun or question.begun).isoformat()
            line = self._line(question)
            about = {"line": line, "before": before, "after": after, "begun": begun}
            counted = self._pages.counted
            self._unsaved.append(saved_page(question.read, page, counted=counted, **about))

    async def _count(self, question: Question) -> int:
        page = await self._query(count_query(question), 1, page_decoder([_COUNT]))
        column = page.columns[0]
        if column is None or page.rows != 1 or column[0].as_py() is None:
            raise ProtocolError("it does not count", source=self._source)
        return int(column[0].as_py())

    async def _query(
        self, text: str, limit: int, decode: Callable[[bytes | bytearray], Page]
    ) -> Page:
        ask = Ask(
            f"{SUITEQL}?limit={limit}&offset=0",
            method="POST",
            headers={"Prefer": "transient"},
            content=json.dumps({"q": text}).encode(),
        )
        answer = await self._client.ask(ask, self._log, decode)
        assert answer.data is not None
        return answer.data

    def _proven(self, question: Question, after: int | None) -> pa.Table:
        table, _ = put_together(question.read, self._pages.pages, self._source)
        proof = Proof(question, self._pages, after, True, self._log, self.release)
        try:
            return question.answer(proof.checked(table), self._begun)
        except NotWholeError as error:
            self._start_again()
            self.restarts += 1
            self._restarts_left -= 1
            kind = TransientError if self._restarts_left >= 0 else SourceError
            raise kind(error.what, source=self._source, remedy=error.remedy) from None
