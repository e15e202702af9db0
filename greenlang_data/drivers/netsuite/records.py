"""Records over REST, for accounts and logins without SuiteQL: a request for each record.

A collection tells only the ids, so what is filtered is filtered here, and a record that is deleted
between its id and its request is told as gone. A read that was killed goes on with the ids that were
listed. Where these were not all, the id that is now where the last one was is asked for first: a list
by offsets may have shifted meanwhile, and is begun anew then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import msgspec
import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.http.ahead import Ahead
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.jsons import json_decoder, read_any
from greenlang_data.drivers.http.message import Ask
from greenlang_data.drivers.netsuite.empty import without_empty_texts
from greenlang_data.drivers.netsuite.page import row_decoder
from greenlang_data.drivers.odata.choosing import choose
from greenlang_data.drivers.odata.edm import EntitySet, Property, Service
from greenlang_data.drivers.odata.gathered import put_together
from greenlang_data.drivers.odata.page import Page, kept
from greenlang_data.drivers.odata.profiles import Profile
from greenlang_data.drivers.odata.proof import NotWholeError, Proof, ReadPages
from greenlang_data.drivers.odata.question import Question, ask_for
from greenlang_data.drivers.odata.saved import line_name, page_of, resumed_note, saved_page
from greenlang_data.drivers.reading import RecordReading
from greenlang_data.errors import ProtocolError, SourceError

SERVICE: Final = "record"
_ROOT: Final = "/services/rest/record/v1"
_LIMIT: Final = 1000
_SCHEMA: Final = ("application/schema+json", "application/json")
_KEY: Final = "id"
_TYPES: Final = {
    ("string", "date"): "Edm.Date",
    ("string", "date-time"): "Edm.DateTimeOffset",
    ("string", None): "Edm.String",
    ("integer", None): "Edm.Int64",
    ("number", None): "Edm.Decimal",
    ("boolean", None): "Edm.Boolean",
}


class _Id(msgspec.Struct):
    id: str


class _Ids(msgspec.Struct):
    items: list[_Id]
    hasMore: bool = False  # noqa: N815 - as it is written there
    totalResults: int | None = None  # noqa: N815 - as it is written there


_ids = json_decoder(_Ids)


class RecordTypes:
    """The record types of an account, each described when first needed."""

    def __init__(self, client: HttpClient, names: Sequence[str], source: str) -> None:
        self._client = client
        self._names = names
        self._source = source
        self.barred: dict[str, str] = {}
        self._known: dict[str, EntitySet] = {}

    def path(self, name: str) -> str:
        """Where records are."""
        return _ROOT

    async def model(self, name: str, log: ReadLog) -> Service | None:
        """The types that were asked for, as sets."""
        for one in self._names:
            if one not in self._known:
                found = await self._describe(one, log)
                if found is not None:
                    self._known[one] = found
        return Service(4, self._known)

    async def _describe(self, name: str, log: ReadLog) -> EntitySet | None:
        ask = Ask(
            f"{_ROOT}/metadata-catalog/{name}",
            headers={"Accept": _SCHEMA[0]},
            accept=_SCHEMA,
            expected=frozenset({404}),
        )
        answer = await self._client.ask(ask, log, read_any)
        properties = answer.data.get("properties") if isinstance(answer.data, dict) else None
        if not isinstance(properties, dict):
            return None
        columns = {key: _property(key, about) for key, about in properties.items()}
        columns[_KEY] = Property(_KEY, "Edm.Int64", filterable=False)
        return EntitySet(name, (_KEY,), columns)


def _property(name: str, about: Any) -> Property:
    kind, form = about.get("type"), about.get("format")
    known = _TYPES.get((kind, form)) or _TYPES.get((kind, None), "Complex")
    return Property(name, known, label=about.get("title"), filterable=False)


class RecordsReading(RecordReading):
    """Reads the records of one type: all ids, then each record."""

    def __init__(
        self, client: HttpClient, request: Records, log: ReadLog, width: int, source: str
    ) -> None:
        self._client = client
        self._request = request
        self._log = log
        self._width = width
        self._source = source
        self._question: Question | None = None
        self._decode: Callable[[bytes | bytearray], Page] | None = None
        self._pages = ReadPages(by_key=False)
        self._waiting: list[str] = []
        self._listed = 0
        self._gone: set[str] = set()
        self._all_listed = False
        self._may_have_shifted = False
        self._ahead: Ahead[Page | None] | None = None
        self._line = ""
        self._unsaved: list[pa.RecordBatch] = []

    async def advance(self) -> bool:
        question = self._question or await self._begin()
        enough = question.limit is not None and not question.here
        if not self._all_listed:
            if self._may_have_shifted:
                await self._check_place(question)
            await self._list(question)
            return True
        if self._waiting and not (enough and self.rows >= (question.limit or 0)):
            await self._read_some(question)
            return True
        self._end_ahead()
        self.table = self._proven(question)
        return False

    def _end_ahead(self) -> None:
        """Ask for no record more than those that came."""
        if self._ahead is not None:
            self._ahead.end()
        self._ahead = None

    async def _begin(self) -> Question:
        types = RecordTypes(self._client, [one.name for one in self._request.places], self._source)
        chosen = await choose(types, self._request, self._log, self._source)
        asked = ask_for(chosen, self._request, Profile(""), self._log, self._source)
        self._question = without_empty_texts(asked)
        self._decode = row_decoder(self._question.read)
        self._log.note("each record was a request of its own; SuiteQL reads a thousand at once")
        columns = [(one.name, one.type) for one in self._question.read]
        self._line = line_name(chosen.path, columns, self._question.limit)
        self._take_saved(self._question)
        return self._question

    def unsaved(self) -> list[pa.RecordBatch]:
        found, self._unsaved = self._unsaved, []
        return found

    def _take_saved(self, question: Question) -> None:
        """Take the list of an earlier read, and the records that it had read of it."""
        for batch in self.saved:
            try:
                page, about = page_of(question.read, batch)
            except ValueError:
                continue
            if about["line"] != self._line:
                continue
            if "listed" in about:
                self._take_listed(batch, about)
            elif self._all_listed and about["ids"] == self._waiting[: len(about["ids"])]:
                self._took(page, about["ids"], set(about["gone"]))
        self.saved = ()
        if self.rows:
            self._log.note(resumed_note(self.rows))

    def _take_listed(self, batch: pa.RecordBatch, about: dict[str, Any]) -> None:
        """Take a page of ids of an earlier read, where it follows those before it."""
        if not about["listed"]:
            self._begin_list()
        if about["listed"] == self._listed and not self._all_listed:
            self._waiting += batch.column("listed").to_pylist()
            self._listed += _LIMIT
            self._pages.counted, self._all_listed = about["counted"], about["all"]
            self._may_have_shifted = not self._all_listed

    def _begin_list(self) -> None:
        self._waiting, self._listed, self._pages.counted = [], 0, None
        self._all_listed = self._may_have_shifted = False

    async def _check_place(self, question: Question) -> None:
        """Begin the list anew unless the last id of an earlier read is where it was."""
        path = f"{question.chosen.path}?limit=1&offset={self._listed - 1}"
        answer = await self._client.ask(Ask(path), self._log, _ids)
        assert answer.data is not None
        self._may_have_shifted = False
        if [one.id for one in answer.data.items] != self._waiting[-1:]:
            self._log.note(
                "the list of an earlier read was not gone on with, since others have shifted it"
            )
            self._begin_list()

    def _took(self, page: Page, ids: Sequence[str], gone: set[str]) -> None:
        """So many records are read; those that are gone are told, once."""
        self._waiting = self._waiting[len(ids) :]
        self._pages.pages.append(page)
        self.rows += page.rows
        self._gone |= gone
        for key in sorted(gone):
            self._log.note(f"record {key} was deleted during the read")

    async def _list(self, question: Question) -> None:
        """A page of ids. The offset has to be a multiple of the limit, so pages are whole ones."""
        path = f"{question.chosen.path}?limit={_LIMIT}&offset={self._listed}"
        answer = await self._client.ask(Ask(path), self._log, _ids)
        assert answer.data is not None
        found = [one.id for one in answer.data.items]
        if answer.data.hasMore and len(found) < _LIMIT:
            raise ProtocolError(
                f"it gives {len(found)} ids where {_LIMIT} were asked for, and says that there are "
                "more, so some would be missing",
                source=self._source,
                remedy="None of them is used; read the table with SuiteQL.",
            )
        if self._pages.counted is None:
            self._pages.counted = answer.data.totalResults
        told = {"line": self._line, "counted": self._pages.counted, "listed": self._listed}
        self._waiting += found
        self._listed += _LIMIT
        self._all_listed = len(found) < _LIMIT
        batch = pa.RecordBatch.from_arrays([pa.array(found, pa.string())], names=["listed"])
        page = json.dumps({**told, "all": self._all_listed})
        self._unsaved.append(batch.replace_schema_metadata({"page": page}))

    async def _read_some(self, question: Question) -> None:
        """The next records, as many of them as have come; those behind them are under way."""
        if self._ahead is None:
            starts = [partial(self._read, question, one) for one in self._waiting]
            self._ahead = Ahead(starts, self._width)
        try:
            pages = [await self._ahead.next()]
            while self._ahead.is_ready:
                pages.append(await self._ahead.next())
        except BaseException:
            self._end_ahead()
            raise
        some = self._waiting[: len(pages)]
        # Only now, so that a step that failed can be taken again.
        gone = {key for key, page in zip(some, pages, strict=True) if page is None}
        found = self._as_one(question, [one for one in pages if one is not None])
        self._took(kept(found, self.keep), some, gone)
        about = {"line": self._line, "counted": None, "ids": some, "gone": sorted(gone)}
        self._unsaved.append(saved_page(question.read, self._pages.pages[-1], **about))

    async def _read(self, question: Question, key: str) -> Page | None:
        assert self._decode is not None
        ask = Ask(f"{question.chosen.path}/{key}", expected=frozenset({404}))
        return (await self._client.ask(ask, self._log, self._decode)).data

    def _as_one(self, question: Question, pages: Sequence[Page]) -> Page:
        table, _ = put_together(question.read, pages, self._source)
        table = table.combine_chunks()
        return Page(table.num_rows, [one.combine_chunks() for one in table.columns], None, None)

    def _proven(self, question: Question) -> pa.Table:
        table, _ = put_together(question.read, self._pages.pages, self._source)
        # Pages of ids go by offset, so the count is what proves that none was left out.
        counted = self._pages.counted
        after = None if question.limit is not None or counted is None else counted - len(self._gone)
        self._pages.counted = after
        proof = Proof(question, self._pages, after, True, self._log, self.release)
        try:
            rows = proof.checked(table)
        except NotWholeError as error:
            raise SourceError(error.what, source=self._source, remedy=error.remedy) from None
        # Of records each is a request, and how many of them came together is chance.
        self._log.completeness["pages"] = self._listed // _LIMIT
        return question.answer(rows)
