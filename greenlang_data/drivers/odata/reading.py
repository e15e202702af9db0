"""One read of a set, page after page, and the proof that it is whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.message import Ask
from greenlang_data.drivers.odata.changes import (
    BEGIN,
    CHANGE,
    GONE,
    TRACKING,
    delta_decoder,
    link_of,
    untold_keys,
)
from greenlang_data.drivers.odata.choosing import choose
from greenlang_data.drivers.odata.gathered import put_together
from greenlang_data.drivers.odata.going_on import NotTheSameError, places_of
from greenlang_data.drivers.odata.keyset import key_columns
from greenlang_data.drivers.odata.long_lists import in_parts
from greenlang_data.drivers.odata.page import Page, kept, page_decoder, read_count
from greenlang_data.drivers.odata.pager import Pager
from greenlang_data.drivers.odata.parts import NotInRangesError, Part, Parts
from greenlang_data.drivers.odata.profiles import Profile
from greenlang_data.drivers.odata.proof import NotWholeError, Proof, counted_after
from greenlang_data.drivers.odata.question import Question, question_of
from greenlang_data.drivers.odata.ranges import Range
from greenlang_data.drivers.odata.said import check_messages
from greenlang_data.drivers.odata.saved import Saved, resumed_note, saved_plan
from greenlang_data.drivers.odata.sections import settled as settled_sections
from greenlang_data.drivers.odata.services import Services
from greenlang_data.drivers.odata.splitting import find_ranges, not_in_ranges, plan_of, planned
from greenlang_data.drivers.odata.strays import without_strays
from greenlang_data.drivers.reading import RecordReading
from greenlang_data.errors import (
    AuthenticationError,
    SourceError,
    SourceTimeout,
    TransientError,
    UnsupportedError,
)
from greenlang_data.settings.odata import ODataSettings

# Strings keep every digit of decimals also on servers that would write them as floats.
_JSON: Final = {
    2: "application/json",
    4: "application/json;odata.metadata=minimal;IEEE754Compatible=true, application/json;q=0.8",
}


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
        self._pager: Pager | None = None
        self._parts: Parts | None = None
        self._splits = True
        self._plan: list[pa.RecordBatch] = []
        self._not_by_key = ""
        self._wasted = 0
        self._counted: int | None = None  # by a read that had to begin again

    async def advance(self) -> bool:
        pager = self._pager or await self._begin()
        if self._parts is None and not pager.ended:
            if pager.pages and await self._split(pager):
                return True
            await self._read_page(pager)
        elif self._parts is not None:
            await self._read_parts(self._parts)
        read = self._parts or pager
        self.rows = read.rows
        if not read.ended:
            return True
        after = await self._count_again(pager)
        self.table = self._proven(pager, after, settled=await self._settles(pager, after))
        return False

    async def _split(self, pager: Pager) -> bool:
        """Go on in ranges of the key, where they are asked for and can be told: whether it does."""
        question, settings = self._question, self._settings
        assert question is not None
        if not self._splits or settings.parallel_ranges == 1 or question.limit is not None:
            return False
        self._splits = False
        why, key_at = not_in_ranges(question, pager), partial(self._key, question)
        try:
            ranges = (
                [] if why else await find_ranges(question, pager, key_at, settings.parallel_ranges)
            )
        except (TransientError, AuthenticationError):
            raise  # the pages are there, and the others follow one another
        except SourceError as error:
            ranges, why = [], f"its keys are not told: {error.what}"
        except NotInRangesError as error:
            ranges, why = [], str(error)
        if why:
            self._log.note(f"not read in ranges, since {why}")
        if ranges:
            self._plan = [saved_plan(question.line, plan_of(ranges, pager))]
            self._read_in(ranges, pager)
        return bool(ranges)

    def _read_in(self, ranges: Sequence[Range], pager: Pager) -> None:
        question, at_once = self._question, self._settings.parallel_ranges
        assert question is not None
        self._log.note(f"read in {len(ranges)} ranges of the key, {at_once} at once")
        parts = []
        for one in ranges:
            asked = replace(question, within=one.condition)
            parts.append(Part(asked, self._pager_of(asked), one.low, one.share))
        self._parts = Parts(parts, at_once, pager)

    async def _read_parts(self, parts: Parts) -> None:
        try:
            await parts.advance(self._read_page)
        except NotInRangesError as error:
            assert self._question is not None
            self._parts = None
            self._plan = [saved_plan(self._question.line, None)]
            self._log.note(f"and then one page after the other, since {error}")

    @property
    def _part_pagers(self) -> list[Pager]:
        return [one.pager for one in self._parts.parts] if self._parts else []

    def unsaved(self) -> list[pa.RecordBatch]:
        lines = [one for one in (self._pager, *self._part_pagers) if one is not None]
        plan, self._plan = self._plan, []
        return [*plan, *(page for one in lines for page in one.unsaved())]

    async def _begin(self) -> Pager:
        if self._question is None:
            chosen = await choose(self._services, self._request, self._log, self._source)
            self._question = question_of(
                chosen, self._request, self._profile, self._log, self._source
            )
            self._decode = self._decoder(self._question, 2 if chosen.version == 2 else 4)
        asked = in_parts(self._question, self._source)
        self._pager = self._pager_of(self._question)
        if len(asked) > 1:
            at_once = self._settings.parallel_ranges if self._question.limit is None else 1
            self._parts = Parts([Part(one, self._pager_of(one)) for one in asked], at_once)
        self._go_on(self._pager)
        return self._pager

    def _go_on(self, pager: Pager) -> None:
        """Take what an earlier read left, as far as it fits."""
        saved, self.saved = Saved(self.saved), ()
        if saved.is_empty or self._question is None:
            return
        if self._parts is None:
            pager.resume(saved)
            plan = saved.plan(self._question.line)
            ranges = planned(plan, pager) if pager.by_key and pager.rows else []
            if ranges:
                self._splits = False
                self._read_in(ranges, pager)
        for one in self._part_pagers:
            one.resume(saved)
        if not any(one.pages for one in (pager, *self._part_pagers)):
            self._log.note(
                "an earlier read was not gone on with, since the system describes the records in "
                "another way now"
            )

    def _pager_of(self, question: Question) -> Pager:
        pager = Pager(question, self._client, self._settings, self._log, self._source)
        if self._not_by_key:
            pager.without_keys(self._not_by_key)
        return pager

    def _decoder(
        self, question: Question, version: Literal[2, 4]
    ) -> Callable[[bytes | bytearray], Page]:
        if link_of(question.since) is None:
            return page_decoder(question.read, version, question.keys)
        if len(question.keys) != 1 or question.here:
            raise UnsupportedError(
                "changes are told by one key column and filtered by the server, here they cannot be",
                source=self._source,
                remedy="Use since with a time, or leave the filters out.",
            )
        return delta_decoder(question.read, question.keys[0], version)

    async def _read_page(self, pager: Pager) -> None:
        assert self._question is not None
        assert self._decode is not None
        if pager.asks_for_place:
            await self._ask_for_place(pager)
        version = self._question.chosen.version
        headers = self._headers(version)
        wishes = [f"odata.maxpagesize={pager.size}"] if version == 4 else []
        if self._question.since == BEGIN:
            wishes.append(TRACKING)
        if wishes:
            headers["Prefer"] = ",".join(wishes)
        ask = Ask(pager.url(), headers=headers)
        try:
            answer = await self._client.ask(ask, self._log, self._decode)
        except TransientError as error:
            # A server that ran out of time for a page will do so again.
            if isinstance(error, SourceTimeout) or type(error) is TransientError:
                pager.ask_for_less()
            raise
        except AuthenticationError:
            raise
        except SourceError as error:
            self._take_refusal(pager, error)
            return
        check_messages(answer.headers, self._log, self._source, self._client.without_login)
        assert answer.data is not None
        try:
            pager.take(replace(answer, data=kept(answer.data, self.keep)))
        except NotTheSameError as error:
            self._begin_anew(pager, str(error))

    def _take_refusal(self, pager: Pager, error: SourceError) -> None:
        """Ask in another way after ``error``, or end well, where that can be; else raise it."""
        what = error.what[:100]
        if pager.is_in_doubt:
            self._begin_anew(pager, f"its link is not good any more ({what})")
        elif pager.told_before and not pager.pages:
            raise self._forgotten(error.what) from error
        elif pager.pages and pager.by_key:
            # What it answered to the same question without a key can only be the key's fault.
            pager.without_keys(f"it refuses to compare keys ({what})")
        elif pager.is_counted:
            pager.end_by_count(f"it skips none ({what})")
        else:
            raise error

    def _begin_anew(self, pager: Pager, why: str) -> None:
        self._log.note(f"an earlier read was not gone on with, since {why}")
        pager.begin_anew()

    async def _ask_for_place(self, pager: Pager) -> None:
        """Ask which record is where the last one of an earlier read was."""
        try:
            key = await self._key(pager.question, pager.rows - 1)
        except (TransientError, AuthenticationError):
            raise
        except SourceError:
            key = ()  # so the page itself is asked for
        pager.take_place(key)

    async def _key(self, question: Question, place: int | None) -> tuple[Any, ...]:
        """The key of a row by its place in their order, or of the last; () where it is not told."""
        keys, version = key_columns(question.chosen.entities), question.chosen.version
        decode = page_decoder(keys, 2 if version == 2 else 4)
        ask = Ask(question.key_url(place), headers=self._headers(version))
        page = (await self._client.ask(ask, self._log, decode)).data
        if page is None or not page.rows or None in page.columns:
            return ()
        return tuple(one[0].as_py() for one in page.columns if one is not None)

    def _headers(self, version: int) -> dict[str, str]:
        return {"Accept": _JSON[version], **self._profile.headers}

    async def _count_again(self, pager: Pager) -> int | None:
        """What the server counts after more than one page, where all was read and it counts.

        None where it was not asked: a single page came in one answer with its count.
        """
        question, parts = self._question, self._parts
        assert question is not None
        read = parts or pager
        whole = question.limit is None or bool(question.here) or read.rows < question.limit
        if read.counted is None or not whole or not read.may_drift:
            return None
        if parts is None or parts.begun is not None:
            return question.profile.known(await counted_after(self._count(question), self._log))
        counts = [await counted_after(self._count(one.question), self._log) for one in parts.parts]
        known = [one for one in counts if one is not None]
        return sum(known) if len(known) == len(counts) else None

    async def _settles(self, pager: Pager, after: int | None) -> bool:
        """Whether rows that seem to be missing came or went during a read by key."""
        read = self._parts or pager
        fewest = min(after or 0, read.counted or 0)
        if not (read.by_key and self._settings.trust_counts and read.rows < fewest):
            return False
        return await settled_sections(
            pager, self._part_pagers, self._count, self._read_all, self._source
        )

    async def _read_all(self, question: Question) -> list[Page]:
        pager = self._pager_of(question)
        while not pager.ended:
            await self._read_page(pager)
        return pager.pages if pager.by_key else []

    async def _count(self, question: Question) -> int | None:
        ask = Ask(
            question.count_url(),
            headers={"Accept": "text/plain", **self._profile.headers},
            accept=("text/plain", "application/json"),
        )
        return (await self._client.ask(ask, self._log, read_count)).data

    def _proven(self, pager: Pager, after: int | None, *, settled: bool) -> pa.Table:
        """What was asked for, once the rows have been proven whole.

        Raises TransientError, for another try from the start, when rows are missing or changed
        during the read, and SourceError when that has happened too often.
        """
        question = self._question
        assert question is not None
        if link_of(question.since) is not None:
            return self._changes(question, pager)
        read = self._parts or pager
        table, absent = put_together(question.read, read.pages, self._source)
        if absent:
            self._log.note(f"the server left these columns out: {', '.join(absent)}")
        if read.resumed_rows:
            self._log.note(resumed_note(read.resumed_rows, in_order=self._parts is None))
        if self._parts is None and pager.counted is None:
            pager.counted = self._counted  # it did count
        trusts = self._settings.trust_counts
        proof = Proof(question, read, after, trusts, self._log, self.release, settled)
        try:
            table = proof.checked(table)
        except NotWholeError as error:
            if read.by_key and table.num_rows < (read.counted or 0):
                # Some sort texts by a language and compare them by their bytes.
                self._not_by_key = "fewer records came by key than it counts"
            # Each page has retries of its own, so the reads as a whole have to be counted here.
            self._pager, self._parts, self._splits, self._plan = None, None, True, []
            self.restarts += 1
            self._wasted += 1
            self._counted = read.counted
            fails = SourceError if self._wasted > self._settings.max_retries else TransientError
            raise fails(error.what, source=self._source, remedy=error.remedy) from None
        lines = [pager, *self._part_pagers]
        table = without_strays(question, table, absent, self._source)
        table = question.answer(table, min(one.begun for one in lines))
        if pager.mark is not None:
            self._log.completeness["mark"] = pager.mark
        elif question.since == BEGIN and self._log.completeness.get("mark") is None:
            self._log.note("it keeps no track of changes, and tells no times of them")
        return table

    def _changes(self, question: Question, pager: Pager) -> pa.Table:
        """What has changed since the mark; a record may be there as often as it was changed."""
        table, absent = put_together(pager.columns, pager.pages, self._source)
        if untold_keys(pager.told_before, pager.pages, places_of(question)[0]):
            raise self._forgotten("their records are not told again")
        if pager.resumed_rows:
            self._log.note(resumed_note(pager.resumed_rows))
        # Its link was made for the filters of another question, or for these.
        gone = pc.equal(table.column(CHANGE), GONE)
        table = without_strays(question, table, absent, self._source, also=gone)
        answer = question.answer(table)
        self._log.completeness = {
            "entity_set": question.chosen.path,
            "rows": table.num_rows,
            "pages": len(pager.pages),
            "mark": pager.mark or question.since,
        }
        return answer.append_column(CHANGE, table.column(CHANGE))

    def _forgotten(self, why: str) -> SourceError:
        """The error where a server told changes once, and does not do so again."""
        return SourceError(
            "its changes were told to an earlier read that did not end, and cannot be told again: "
            f"{why}",
            source=self._source,
            remedy='Read the whole entity with since="start"; what was told is in checkpoint_path.',
        )
