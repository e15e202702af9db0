"""One read of a set, page after page, and the proof that it is whole.

Pages end in three ways: the server links to the next one, or gave as many rows as it was asked
for, or gave fewer than it counts. Only a server that counts no more, or has nothing at the place
after the last row, is taken at its word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.message import Answer, Ask
from greenlang_data.drivers.odata.choosing import choose
from greenlang_data.drivers.odata.gathered import distinct_rows, first_of_each, put_together
from greenlang_data.drivers.odata.page import Page, page_decoder
from greenlang_data.drivers.odata.profiles import Profile
from greenlang_data.drivers.odata.question import Question, ask_for
from greenlang_data.drivers.odata.said import check_messages
from greenlang_data.drivers.odata.services import Services
from greenlang_data.drivers.reading import RecordReading
from greenlang_data.drivers.schema import RECORD_ID
from greenlang_data.errors import GreenLangError, ProtocolError, TransientError
from greenlang_data.settings.odata import ODataSettings

# Strings keep every digit of decimals also on servers that would write them as floats.
_JSON: Final = {
    2: "application/json",
    4: "application/json;odata.metadata=minimal;IEEE754Compatible=true, application/json;q=0.8",
}
_MOST_EMPTY_PAGES: Final = 100
_BATCH_ROWS: Final = 65_536


class ODataReading(RecordReading):
    """Reads the records of one request."""

    def __init__(
        self,
        client: HttpClient,
        services: Services,
        settings: ODataSettings,
        profile: Profile,
        request: Records,
        log: ReadLog,
        source: str,
    ) -> None:
        self._client = client
        self._services = services
        self._settings = settings
        self._profile = profile
        self._request = request
        self._log = log
        self._source = source
        self._question: Question | None = None
        self._decode: Callable[[bytes | bytearray], Page] | None = None
        self._table: pa.Table | None = None
        self._start_again()

    def _start_again(self) -> None:
        self._pages: list[Page] = []
        self._next: str | None = None
        self._links: set[str] = set()
        self._empty = 0
        self._counted: int | None = None
        self._ended = False
        self.rows = 0

    async def advance(self) -> bool:
        if self._question is None:
            chosen = await choose(self._services, self._request, self._log, self._source)
            self._question = ask_for(chosen, self._request, self._profile, self._log, self._source)
            self._decode = page_decoder(self._question.read, 2 if chosen.version == 2 else 4)
        question = self._question
        if not self._ended:
            await self._read_page(question)
        if not self._ended:
            return True
        after = await self._count_again(question)
        self._table = self._judged(question, after)
        return False

    def batches(self) -> list[pa.RecordBatch]:
        assert self._table is not None, "the read is not at its end"
        table: pa.Table = self._table
        found: list[pa.RecordBatch] = table.combine_chunks().to_batches(_BATCH_ROWS)
        return found or [pa.RecordBatch.from_pylist([], schema=table.schema)]

    async def _read_page(self, question: Question) -> None:
        assert self._decode is not None
        version = question.chosen.version
        size = self._settings.page_size
        url = self._next or question.url(self.rows, size)
        headers = {"Accept": _JSON[version], **self._profile.headers}
        if version == 4:
            headers["Prefer"] = f"odata.maxpagesize={size}"
        answer = await self._client.ask(Ask(url, headers=headers), self._log, self._decode)
        check_messages(answer.headers, self._log, self._source)
        page = answer.data
        assert page is not None
        self._pages.append(page)
        self.rows += page.rows
        if self._counted is None:
            self._counted = self._known(page.count)
        self._next = self._link(answer, page)
        self._ended = self._is_last(question, page)

    def _is_last(self, question: Question, page: Page) -> bool:
        """Whether no more is to be asked for after ``page``."""
        limit = question.limit
        if limit is not None and not question.here and self.rows >= limit:
            return True
        self._empty = 0 if page.rows else self._empty + 1
        if self._empty > _MOST_EMPTY_PAGES:
            raise ProtocolError("it links from one empty page to the next", source=self._source)
        if self._next is not None:
            return False
        if not page.rows or not (self._profile.skips and question.chosen.entities.pageable):
            return True
        # A server may lower what it gives at once without a word, so a short page proves nothing.
        return self._counted is not None and self.rows >= self._counted

    def _link(self, answer: Answer[Page], page: Page) -> str | None:
        if page.next_link is None:
            return None
        link = self._client.linked(answer, self._own(page.next_link))
        if link in self._links:
            raise ProtocolError("its pages link in a circle", source=self._source)
        self._links.add(link)
        return link

    def _own(self, link: str) -> str:
        """``link`` with the configured address in place of another name of the same server."""
        parts = urlsplit(link)
        if f"{parts.scheme}://{parts.netloc}" in self._settings.server_names:
            base = urlsplit(self._client.base_url)
            return urlunsplit((base.scheme, base.netloc, *parts[2:]))
        return link

    def _known(self, count: int | None) -> int | None:
        most = self._profile.counts_up_to
        return None if count is not None and most is not None and count >= most else count

    async def _count_again(self, question: Question) -> int | None:
        """What the server counts after more than one page, where all was read and it counts."""
        whole = question.limit is None or bool(question.here) or self.rows < question.limit
        if len(self._pages) < 2 or self._counted is None or not whole:
            return self._counted if whole else None
        ask = Ask(
            question.count_url(),
            headers={"Accept": "text/plain", **self._profile.headers},
            accept=("text/plain", "application/json"),
        )
        try:
            answer = await self._client.ask(ask, self._log, _number)
        except TransientError:
            raise
        except GreenLangError as error:
            self._log.note(f"how many rows there were after the read is not known: {error.what}")
            return None
        return self._known(answer.data)

    def _judged(self, question: Question, after: int | None) -> pa.Table:
        """The rows, each once, when none is missing.

        Raises TransientError, for another try from the start, when rows are missing or changed
        during the read.
        """
        try:
            table, absent = put_together(question.read, self._pages)
        except (ValueError, pa.ArrowInvalid) as error:
            raise ProtocolError(
                f"its values are of no one type: {str(error)[:150]}", source=self._source
            ) from None
        if absent:
            self._log.note(f"the server left these columns out: {', '.join(absent)}")
        table, distinct = self._each_once(question, table)
        self._check_count(question, table.num_rows, after)
        self._log.completeness = {
            "entity_set": question.chosen.path,
            "counted_before": self._counted,
            "counted_after": after,
            "rows": self.rows,
            "distinct_keys": distinct,
            "pages": len(self._pages),
            "drift": None if None in (after, self._counted) else after != self._counted,
            "filtered_by_server": [one.name for one in question.there],
            "filtered_here": [one.name for one in question.here],
            "native_names": {
                name: column.name for name, column in question.output.items() if name != column.name
            },
        }
        for condition in question.here:
            values = table.column(condition.column.name).combine_chunks()
            table = table.filter(condition.mask(values))
        if question.limit is not None:
            table = table.slice(0, question.limit)
        return _named(question, table)

    def _each_once(self, question: Question, table: pa.Table) -> tuple[pa.Table, int | None]:
        keys = [key for key in question.keys if key in table.schema.names]
        if not keys or len(keys) < len(question.keys):
            self._log.note("the set has no key, so rows that came twice could not be told")
            return table, None
        distinct = distinct_rows(table, keys)
        if distinct == table.num_rows:
            return table, distinct
        twice = table.num_rows - distinct
        if distinct_rows(table, table.schema.names) > distinct:
            self._start_again()
            raise TransientError(
                f"{twice} records came twice and differ: they were changed during the read",
                source=self._source,
                remedy="Read again when less is written, or a part at a time.",
            )
        self._log.note(f"{twice} records came twice, the same each time, and are here once")
        return first_of_each(table, keys), distinct

    def _check_count(self, question: Question, rows: int, after: int | None) -> None:
        before = self._counted
        if before is None or after is None:
            whole = question.limit is None or self.rows < question.limit
            if whole and before is None:
                self._log.note("the server does not count, so no count proves that all is here")
            return
        if rows >= min(before, after):
            if before != after:
                self._log.note(
                    f"the data changed during the read: {before} records before, {after} after"
                )
            elif rows > after:
                self._log.note(f"the server counts {after} records and gave {rows}")
            return
        told = f"the server counts {before} records before and {after} after, and gave {rows}"
        if not self._settings.trust_counts:
            self._log.note(told)
            return
        self._start_again()
        raise TransientError(
            f"records are missing: {told}",
            source=self._source,
            remedy="Read again; if its counts are known to be wrong, set trust_counts = false.",
        )


def _number(body: bytes | bytearray) -> int:
    text = bytes(body).decode("utf-8-sig").strip()
    if not text.isdigit():
        raise ValueError("a count is no number")
    return int(text)


def _named(question: Question, table: pa.Table) -> pa.Table:
    """The columns that were asked for, under the names that they were asked for by."""
    columns, fields = [], []
    for name, column in question.output.items():
        array = table.column(column.name)
        columns.append(array)
        about = {"native": column.name, **({"label": column.label} if column.label else {})}
        fields.append(pa.field(name, array.type, metadata=about))
    named = [question.chosen.name_of(key) for key in question.keys]
    metadata = {RECORD_ID: named[0]} if named else None
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata=metadata))
