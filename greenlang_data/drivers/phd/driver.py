"""PHD through the gateway: an HTTP contract of four GETs, answered by ``phd_gateway.cs``.

=========================================  ======================================================
``about``                                  ``{"gateway": "greenlang-phd", "version": 1, "host"}``
``tags?filter=*``                          ``{"tags": [{"name", "description", "unit"}]}``
``snapshot?tag=A&tag=B``                   ``{"series": [...]}``, at most one sample each
``raw?tag=A&tag=B&start=..&end=..``        ``{"series": [...]}`` with ``start <= time < end``
=========================================  ======================================================

Times are microseconds since 1970 UTC. A series is ``{"tag", "unit", "times", "values",
"confidence", "next"}``, or ``{"tag", "failure"}``; ``next`` is where to go on when there is more.
A refusal is ``{"error": text}``: 400 and 404 for a wrong question, 401 without the token, 502 when
PHD does not answer, 503 when it is asked too much at once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from functools import partial
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import numpy as np
import pyarrow as pa
from msgspec import Struct

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.ahead import Ahead
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.driver import HttpDriver
from greenlang_data.drivers.http.jsons import errors_in, json_decoder
from greenlang_data.drivers.http.message import Ask
from greenlang_data.drivers.phd.reading import PhdDriver
from greenlang_data.drivers.phd.samples import Samples, columns_of, failed
from greenlang_data.drivers.schema import TAGS
from greenlang_data.errors import ProtocolError

_LONGEST_URL: Final = 2000
_MOST_TAGS: Final = 20
_US: Final = 1000


class _Series(Struct):
    tag: str
    unit: str | None = None
    failure: str | None = None
    times: list[int] | None = None
    values: list[int | float | str | bool | None] | None = None
    confidence: list[int] | None = None
    next: int | None = None


class _Answer(Struct):
    series: list[_Series]


class _Tag(Struct):
    name: str
    description: str | None = None
    unit: str | None = None


class _Tags(Struct):
    tags: list[_Tag]


class _About(Struct):
    gateway: str
    version: int


class _Page(Struct):
    """A series in columns, and where it goes on."""

    samples: Samples
    next: int | None


class PhdGatewayDriver(HttpDriver[HttpClient], PhdDriver):
    """Reads PHD through the gateway at ``server_url``; only GETs are sent."""

    name: ClassVar[str] = "phd"

    def open(self) -> HttpClient:
        settings: Any = self.config
        return HttpClient(settings.server_url, settings, self.source, explain=explain)

    async def ping(self) -> None:
        """Ask for the gateway's version. Raises ProtocolError for something that is none."""
        about = (await self.opened.ask(Ask("about"), ReadLog(), _about)).data
        if about is None or about.gateway != "greenlang-phd" or about.version != 1:
            raise ProtocolError(
                "it is not the PHD gateway of this version",
                source=self.source,
                remedy="Compile the phd_gateway.cs that comes with this package anew.",
            )

    async def list_tags(self, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """All tags, with description and unit."""
        ask = Ask("tags", [("filter", "*")])
        found = (await self.opened.ask(ask, log, json_decoder(_Tags))).data
        rows = [
            {
                "tag_id": one.name,
                "tag_name": one.name,
                "description": one.description or None,
                "unit": one.unit or None,
            }
            for one in (found.tags if found else [])
        ]
        yield pa.RecordBatch.from_pylist(rows, schema=TAGS)

    async def newest(self, tags: Sequence[str], log: ReadLog) -> AsyncGenerator[Samples, None]:
        """The newest sample of every tag in order."""
        for group in self._groups("snapshot", tags, []):
            for page in await self._ask("snapshot", group, [], log):
                yield page.samples

    async def samples(
        self, tags: Sequence[str], start: int, end: int, log: ReadLog
    ) -> AsyncGenerator[Samples, None]:
        """Samples of every tag in order, page after page."""
        window = _window(start, end)
        groups = list(self._groups("raw", tags, window))
        starts = [partial(self._ask, "raw", group, window, log) for group in groups]
        async with Ahead(starts) as ahead:
            for group in groups:
                for tag, first in zip(group, await ahead.next(), strict=True):
                    page = first
                    yield self._within(page, start, end)
                    while page.next is not None:
                        begin = page.next
                        (page,) = await self._ask("raw", [tag], _window(begin * _US, end), log)
                        if page.samples.failure or (page.next or begin + 1) <= begin:
                            raise self._broken(
                                f"{tag}: the gateway does not go on from where it stopped "
                                f"({page.samples.failure or 'it goes in circles'})"
                            )
                        if page.samples.unit != first.samples.unit:
                            raise self._broken(
                                f"{tag}: its unit is {first.samples.unit!r} and, later in the same "
                                f"window, {page.samples.unit!r}"
                            )
                        yield self._within(page, begin * _US, end)

    def _within(self, page: _Page, start: int, end: int) -> Samples:
        """The samples, if they are those of the window, before the place where the next begin."""
        times = page.samples.times
        stop = end if page.next is None else min(end, page.next * _US)
        if len(times) and (times[0] < start or times[-1] >= stop or (times[1:] < times[:-1]).any()):
            raise self._broken(
                f"{page.samples.tag}: its samples are out of order, or of another window"
            )
        return page.samples

    def _broken(self, what: str) -> ProtocolError:
        return ProtocolError(
            what,
            source=self.source,
            remedy="None of it was used; ask again, and check the gateway if it stays so.",
        )

    async def _ask(
        self, path: str, tags: Sequence[str], params: Sequence[tuple[str, str]], log: ReadLog
    ) -> list[_Page]:
        ask = Ask(path, [*(("tag", tag) for tag in tags), *params])
        pages = (await self.opened.ask(ask, log, decode)).data or []
        if [page.samples.tag for page in pages] != list(tags):
            raise self._broken(
                f"it was asked for {len(tags)} tags and answered about {len(pages)}, or others"
            )
        return [self._without_login(page) for page in pages]

    def _without_login(self, page: _Page) -> _Page:
        failure = page.samples.failure
        if failure is not None:
            page.samples.failure = self.opened.without_login(failure)
        return page

    def _groups(
        self, path: str, tags: Sequence[str], params: Sequence[tuple[str, str]]
    ) -> list[list[str]]:
        """Tags in lists that fit into one address."""
        room = _LONGEST_URL - len(self.opened.resolve(path)) - len(urlencode(params)) - 2
        groups: list[list[str]] = []
        length = 0
        for tag in tags:
            more = len(urlencode([("tag", tag)])) + 1
            if not groups or length + more > room or len(groups[-1]) == _MOST_TAGS:
                groups.append([])
                length = 0
            groups[-1].append(tag)
            length += more
        return groups


_about = json_decoder(_About)
_answer = json_decoder(_Answer)


def decode(body: bytes | bytearray) -> list[_Page]:
    """The series of an answer. Raises ValueError when it is something else."""
    return [_page(one) for one in _answer(body).series]


def _page(one: _Series) -> _Page:
    if one.failure is not None:
        return _Page(failed(one.tag, one.failure), None)
    if one.times is None or one.values is None or one.confidence is None:
        raise ValueError(f"{one.tag!r} has neither samples nor a failure")
    if not len(one.times) == len(one.values) == len(one.confidence):
        raise ValueError(f"the columns of {one.tag!r} are not of one length")
    try:
        times = np.array(one.times, np.int64)
    except OverflowError as error:
        raise ValueError(f"a time stamp of {one.tag!r} is none") from error
    most = np.iinfo(np.int64).max // _US
    if len(times) and (times.max() > most or times.min() < -most):
        raise ValueError(f"a time stamp of {one.tag!r} is beyond nanoseconds")
    values, text = columns_of(one.values)
    confidence = np.array(one.confidence, np.int64)
    return _Page(
        Samples(one.tag, times * _US, values, text, confidence, one.unit or None), one.next
    )


def _window(start: int, end: int) -> list[tuple[str, str]]:
    # Rounded outwards would be more than was asked; whole microseconds are what users can write.
    return [("start", str(-(-start // _US))), ("end", str(-(-end // _US)))]


def explain(body: bytes) -> str:
    """What the gateway says is wrong."""
    said = errors_in(body)
    return str(said.get("error") or "")[:300] if isinstance(said, dict) else ""
