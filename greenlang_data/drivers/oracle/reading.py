"""One read of a resource, page after page by its key, until a page is empty.

Nothing that the server says about more pages is relied on: Oracle does not promise it with large
offsets, and lowers a limit without a word. So the end is an empty page, and offsets are used only
for the few children of one parent. Totals, which are asked for without an offset before and after,
have to be reached.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import pyarrow as pa

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.message import Ask
from greenlang_data.drivers.odata.choosing import choose
from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.gathered import put_together
from greenlang_data.drivers.odata.page import Page, kept
from greenlang_data.drivers.odata.profiles import Profile
from greenlang_data.drivers.odata.proof import NotWholeError, Proof, ReadPages, counted_after
from greenlang_data.drivers.odata.question import Question, ask_for, query_text
from greenlang_data.drivers.odata.saved import line_name, resumed_note
from greenlang_data.drivers.odata.strays import without_strays
from greenlang_data.drivers.odata.values import INTEGERS
from greenlang_data.drivers.oracle.children import Children
from greenlang_data.drivers.oracle.expression import expression, rows_after
from greenlang_data.drivers.oracle.page import Rows, Wanted, rows_decoder
from greenlang_data.drivers.oracle.resources import HEADERS, Resources
from greenlang_data.drivers.reading import RecordReading
from greenlang_data.errors import (
    ProtocolError,
    QueryError,
    SourceError,
    TransientError,
)
from greenlang_data.settings.oracle import OracleSettings

_LIMIT: Final = 500


class OracleReading(RecordReading):
    """Reads the records of one request."""

    def __init__(
        self,
        client: HttpClient,
        resources: Resources,
        settings: OracleSettings,
        request: Records,
        log: ReadLog,
        source: str,
    ) -> None:
        self._client = client
        self._resources = resources
        self._settings = settings
        self._request = request
        self._log = log
        self._source = source
        self._question: Question | None = None
        self._wanted = Wanted((), "", ())
        self._keys: tuple[Property, ...] = ()
        self._pages = ReadPages()
        self._so_far = Children((), (), "")
        self._kept = 0  # pages
        self._wasted = 0

    async def advance(self) -> bool:
        question = self._question or await self._begin()
        if self._so_far.pending:
            await self._read_children(question)
            return True
        parents = await self._read_page(question)
        enough = question.limit is not None and not question.here and self.rows >= question.limit
        if (parents and not enough) or self._so_far.pending:
            return True
        after = None if parents else await counted_after(self._count_again(question), self._log)
        self.table = self._proven(question, after)
        return False

    async def _begin(self) -> Question:
        chosen = await choose(self._resources, self._request, self._log, self._source)
        question = ask_for(chosen, self._request, Profile(""), self._log, self._source)
        resource, _, child = chosen.entities.name.partition("/")
        model = await self._resources.model(resource, self._log)
        assert model is not None  # it was chosen from
        parent = model.sets[resource]
        keys = [key for key in chosen.entities.keys if key in parent.properties]
        if not keys:
            raise QueryError(
                f"the key of {chosen.entities.name} is not known, so its pages cannot be told apart",
                source=self._source,
                remedy="Configure its key under entities.",
            )
        own = [one for one in question.read if _is_own(one, parent.properties, child)]
        own += [one for key in keys if (one := parent.properties[key]) not in own]
        named = {one.name for one in own}  # a key that a child has too is the parent's
        below = [one for one in question.read if one.name not in named] if child else []
        self._keys = tuple(parent.properties[key] for key in keys)
        self._wanted = Wanted(tuple(own), child, tuple(below))
        self._question = question
        self._so_far = self._from_the_start()
        self._take_saved()
        return question

    def unsaved(self) -> list[pa.RecordBatch]:
        pages = self._pages.pages
        if self._question is None or len(pages) == self._kept:
            return []
        self._kept = len(pages)
        return [self._so_far.saved(self._columns, pages[-1], self._pages.counted)]

    def _take_saved(self) -> None:
        pages = self._pages.pages
        for batch in self.saved:
            try:
                pages.append(self._so_far.resume(self._columns, batch))
            except (KeyError, ValueError):
                continue
        if self.saved and not pages:
            self._log.note(
                "an earlier read was not gone on with, since the system describes the records in "
                "another way now"
            )
        self.saved, self._kept = (), len(pages)
        if pages:
            self._pages.counted = pages[0].count
            self.rows = sum(one.rows for one in pages)
            self._log.note(resumed_note(self.rows))

    async def _read_page(self, question: Question) -> int:
        limit = _LIMIT
        if question.limit is not None and not question.here and not self._wanted.child:
            limit = min(limit, question.limit - self.rows)
        params = [
            ("limit", str(limit)),
            ("orderBy", ",".join(f"{one.name}:asc" for one in self._keys)),
            ("fields", self._fields()),
        ]
        # Links are needed only to find children that did not come along.
        params.append(("links", "self") if self._wanted.child else ("onlyData", "true"))
        last = self._so_far.last
        after = rows_after(self._keys, last) if last else [[]]
        asked = expression(question.there, after)
        if asked:
            params.append(("q", asked))
        if not self._pages.pages:
            params.append(("totalResults", "true"))
        resource = question.chosen.entities.name.partition("/")[0]
        path = f"{self._resources.path(resource)}?{query_text(params)}"
        rows = await self._ask(path, rows_decoder(self._wanted, [one.name for one in self._keys]))
        if rows.parents and rows.last == last:
            raise ProtocolError(
                "it gave the same page again, so it does not compare keys", source=self._source
            )
        self._check_order(rows)
        if not self._pages.pages:
            self._pages.counted = rows.page.count
        self._take(rows.page)
        if rows.parents:
            self._so_far.take_parents(rows)
        return rows.parents

    def _check_order(self, rows: Rows) -> None:
        """Pages by key lose what comes out of order. Texts are in an order of the server's own."""
        key = self._keys[0]
        if not rows.parents or key.type not in INTEGERS:
            return
        array = rows.own[[one.name for one in self._wanted.own].index(key.name)]
        assert array is not None  # the last of them is known
        if array.null_count:
            raise ProtocolError(f"a row has no {key.name}, which is its key", source=self._source)
        keys = [*self._so_far.last[:1], *array.to_pylist()]
        if any(after < before for before, after in pairwise(keys)):
            raise ProtocolError(
                f"its rows are not in the order of {key.name} that was asked for, so pages would "
                "leave some out",
                source=self._source,
                remedy="None of it was used; name a key that it sorts by under entities.",
            )

    async def _read_children(self, question: Question) -> None:
        """A page of the children of one parent, by offset: they are few, and ordered."""
        _, link, offset = self._so_far.pending[0]
        below = self._wanted.below
        keys = [key for key in question.keys if key in {one.name for one in below}]
        params = [
            ("limit", str(_LIMIT)),
            ("offset", str(offset)),
            ("fields", ",".join(one.name for one in below)),
            ("onlyData", "true"),
            *([("orderBy", ",".join(keys))] if keys else []),
        ]
        url = f"{self._client.resolve(link)}/child/{self._wanted.child}?{query_text(params)}"
        rows = await self._ask(url, rows_decoder(Wanted(below, "", ()), []))
        if not rows.parents:
            self._take(self._so_far.beside(rows.page))
            self._so_far.end_others()
            return
        if offset and self._is_newest(rows.page):
            raise ProtocolError(
                "it gave the same children again, so it knows no offsets", source=self._source
            )
        self._take(self._so_far.beside(rows.page))
        self._so_far.take_others(rows.parents)

    def _is_newest(self, page: Page) -> bool:
        """Whether the newest page has these columns of children too."""
        newest = self._pages.pages[-1]
        before = newest.columns[len(self._wanted.own) :]
        return newest.rows == page.rows and all(
            old is new or (old is not None and new is not None and old.equals(new))
            for old, new in zip(before, page.columns, strict=True)
        )

    async def _ask(self, url: str, decode: Any) -> Rows:
        answer = await self._client.ask(Ask(url, headers=HEADERS), self._log, decode)
        assert answer.data is not None
        rows: Rows = answer.data
        return rows

    @property
    def _columns(self) -> list[Property]:
        return [*self._wanted.own, *self._wanted.below]

    def _take(self, page: Page) -> None:
        self._pages.pages.append(kept(page, self.keep))
        self.rows += page.rows

    def _fields(self) -> str:
        own = ",".join(one.name for one in self._wanted.own)
        below = ",".join(one.name for one in self._wanted.below)
        return f"{own};{self._wanted.child}:{below}" if self._wanted.child else own

    async def _count_again(self, question: Question) -> int | None:
        """How many rows there are after the read, or None where that is not told."""
        if self._pages.counted is None:
            return None
        key = self._keys[0]
        params = [
            ("limit", "1"), ("fields", key.name), ("onlyData", "true"), ("totalResults", "true"),
        ]  # fmt: skip
        asked = expression(question.there, [[]])
        if asked:
            params.append(("q", asked))
        # Of children the parents are counted.
        resource = question.chosen.entities.name.partition("/")[0]
        path = f"{self._resources.path(resource)}?{query_text(params)}"
        return (await self._ask(path, rows_decoder(Wanted((key,), "", ()), []))).page.count

    def _parents_proven(self, question: Question, after: int | None) -> dict[str, Any]:
        """What is told of the parents, which are what is counted where children are read.

        Raises NotWholeError when fewer came than were counted.
        """
        before, self._pages.counted = self._pages.counted, None
        came, limit = self._so_far.parents, question.limit
        told = {"parents": came, "parents_counted_before": before, "parents_counted_after": after}
        whole = limit is None or bool(question.here) or self.rows < limit
        if before is not None and whole:
            name = question.chosen.entities.name.partition("/")[0]
            last = before if after is None else after
            said = f"the server counts {before} of {name} before and {last} after, and gave {came}"
            if came < min(before, last) and self._settings.trust_counts:
                raise NotWholeError(
                    f"records are missing: {said}",
                    "Read again; if its counts are known to be wrong, set trust_counts = false.",
                )
            if came != last or before != last:
                self._log.note(said)
        return told

    def _start_again(self) -> None:
        self._pages, self.rows, self._kept = ReadPages(), 0, 0
        self._so_far = self._from_the_start()

    def _from_the_start(self) -> Children:
        question, keys = self._question, [one.name for one in self._keys]
        assert question is not None
        columns = [(one.name, one.type, one.precision, one.scale) for one in self._columns]
        asked = (question.chosen.path, expression(question.there, [[]]), question.limit)
        children = Children(self._wanted.own, keys, line_name(asked, keys, columns))
        children.begun = question.begun
        return children

    def _proven(self, question: Question, after: int | None) -> pa.Table:
        table, absent = put_together(self._columns, self._pages.pages, self._source)
        if absent:
            self._log.note(f"the server left these columns out: {', '.join(absent)}")
        trusts = self._settings.trust_counts
        try:
            told = self._parents_proven(question, after) if self._wanted.child else {}
            after = None if self._wanted.child else after
            proof = Proof(question, self._pages, after, trusts, self._log, self.release)
            rows = proof.checked(table)
            self._log.completeness |= told
            rows = without_strays(question, rows, absent, self._source)
            return question.answer(rows, self._so_far.begun)
        except NotWholeError as error:
            # Each page has retries of its own, so the reads as a whole have to be counted here.
            self._start_again()
            self.restarts += 1
            self._wasted += 1
            kind = TransientError if self._wasted <= self._settings.max_retries else SourceError
            raise kind(error.what, source=self._source, remedy=error.remedy) from None


def _is_own(column: Property, parent: Any, child: str) -> bool:
    """Whether a column is the parent's; a name that both have is the child's own."""
    return not child or parent.get(column.name) is column
