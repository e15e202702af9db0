"""Any number of properties of one device, in as few requests as it can answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from greenlang_data.drivers.bacnet.link import Link
from greenlang_data.drivers.bacnet.references import Reference
from greenlang_data.drivers.bacnet.refusals import RefusedError
from greenlang_data.drivers.bacnet.services import (
    Confirmed,
    Result,
    read_properties,
    read_properties_answer,
    read_property,
    read_property_answer,
)
from greenlang_data.drivers.bacnet.sizes import Learned
from greenlang_data.drivers.bacnet.tags import BrokenAnswerError
from greenlang_data.drivers.bacnet.values import Failure
from greenlang_data.drivers.base import ReadLog
from greenlang_data.errors import SourceBusy

# One object that is encoded wrongly spoils seven requests before it is found among a hundred.
_MOST_BROKEN: Final = 40


# The same is asked for again and again.
_request = lru_cache(maxsize=1024)(read_properties)


class Reader:
    """Reads properties over a link for one call, and learns what the device can do."""

    def __init__(self, link: Link, learned: Learned, source: str, log: ReadLog) -> None:
        self.link = link
        self.learned = learned
        self.source = source
        self.log = log
        self._broken_parts = 0
        self._broken_singles = 0

    async def ask(self, service: Confirmed, body: bytes) -> bytes:
        """One request, counted; see :meth:`Link.ask`. Raises SourceBusy for a busy device too."""
        try:
            return await self.link.ask(service, body, self.log)
        except RefusedError as refused:
            if not refused.busy:
                raise
            raise SourceBusy(
                f"{refused.failure.text}: it is busy",
                source=self.source,
                remedy="Try again later, or lower max_in_flight.",
            ) from refused

    async def read(self, references: Sequence[Reference]) -> dict[Reference, Result]:
        """The value of each property, or why it has none.

        Raises what :meth:`Link.ask` raises except refusals, SourceBusy, and ProtocolError when
        more is wrong than a few objects.
        """
        return await self.read_batches(self.learned.batches(references))

    async def read_batches(self, batches: Sequence[Sequence[Reference]]) -> dict[Reference, Result]:
        """As :meth:`read`, for what :meth:`Learned.batches` made."""
        results: dict[Reference, Result] = {}

        async def part(batch: Sequence[Reference]) -> None:
            results.update(await self._read_part(batch))

        await all_of(part(batch) for batch in batches)
        return results

    async def _read_part(self, part: Sequence[Reference]) -> dict[Reference, Result]:
        if not self.learned.multiple or (len(part) == 1 and part[0] in self.learned.alone):
            return {one: await self._single(one) for one in part}
        try:
            body = await self.ask(Confirmed.READ_PROPERTY_MULTIPLE, _request(tuple(part)))
        except RefusedError as refused:
            return await self._after_refusal(part, refused)
        try:
            return dict(zip(part, read_properties_answer(body, part), strict=True))
        except BrokenAnswerError:
            return await self._after_broken(part)

    async def _after_refusal(
        self, part: Sequence[Reference], refused: RefusedError
    ) -> dict[Reference, Result]:
        """Read the part in other ways, and remember what was to blame."""
        if refused.no_service:
            return await self._singly(part)
        if refused.too_large:
            self.learned.too_large(part)
        return await self._divided(part)

    async def _after_broken(self, part: Sequence[Reference]) -> dict[Reference, Result]:
        self._broken_parts += 1
        if self._broken_parts > _MOST_BROKEN:
            return await self._singly(part)
        return await self._divided(part)

    async def _singly(self, part: Sequence[Reference]) -> dict[Reference, Result]:
        """Read one at a time, from now on, as the device cannot answer for many."""
        self.learned.use_singles()
        return {one: await self._single(one) for one in part}

    async def _divided(self, part: Sequence[Reference]) -> dict[Reference, Result]:
        """Read the halves of a part, so that what spoils it does not lose the rest."""
        if len(part) == 1:
            self.learned.keep_alone(part[0])
            return {part[0]: await self._single(part[0])}
        middle = len(part) // 2
        left = await self._read_part(part[:middle])
        return left | await self._read_part(part[middle:])

    async def _single(self, reference: Reference) -> Result:
        try:
            body = await self.ask(Confirmed.READ_PROPERTY, read_property(reference))
        except RefusedError as refused:
            return refused.failure
        try:
            return read_property_answer(body, reference)
        except BrokenAnswerError as broken:
            self._broken_singles += 1
            if self._broken_singles > _MOST_BROKEN:
                raise self.link.broken(broken) from broken
            return Failure("broken-answer", f"the device sent a broken answer: {broken}")


async def all_of(steps: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run the coroutines at the same time; the first error ends the others and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(step)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
