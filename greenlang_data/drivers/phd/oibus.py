"""PHD through an OIBus agent, which reads PHD's OPC HDA and DA servers.

The agent cannot say whether an item that has no points is there, so that is asked of the DA server,
which has a current value of every tag. Where an OPC HDA server gives no more than so many values at
once, the agent asks on from the last time stamp and tells what it has read before again; such samples
are asked for once more by themselves.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Final

import numpy as np

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.driver import HttpDriver
from greenlang_data.drivers.phd.agent import Agent, AgentRefusedError
from greenlang_data.drivers.phd.points import OpcSamples, no_samples
from greenlang_data.drivers.phd.reading import PhdDriver
from greenlang_data.drivers.phd.samples import Samples, failed, joined
from greenlang_data.drivers.schema import UNKNOWN_TAG
from greenlang_data.errors import ProtocolError

_MS: Final = 1_000_000
_FIRST: Final = 3_600_000 * _MS  # how much is asked for before it is known how dense samples are
_MOST: Final = 100_000  # samples in one answer, more or less
_GROWTH: Final = 8
_MOST_TAGS: Final = 50
_MOST_DOUBLED: Final = 100
_NOTE: Final = (
    "by an OIBus agent: times are whole milliseconds, numbers have up to 15 digits, and samples "
    "without a value are left out"
)
_UNHEARD: Final = f"{UNKNOWN_TAG}: the OPC server has no current value of it"


class PhdOibusDriver(HttpDriver[Agent], PhdDriver):
    """Reads PHD through the OIBus agent at ``server_url``."""

    name: ClassVar[str] = "phd_oibus"

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self._known: set[str] = set()

    def open(self) -> Agent:
        settings: Any = self.config
        client = HttpClient(settings.server_url, settings, self.source)
        return Agent(client, settings, self.source)

    async def ping(self) -> None:
        """Have the agent connect to the HDA server, unless it is connected."""
        await self.opened.stored.open(ReadLog())

    async def newest(self, tags: Sequence[str], log: ReadLog) -> AsyncGenerator[Samples, None]:
        """The current value of every tag in order."""
        log.note(_NOTE)
        for group in _groups(tags):
            found, refused = await self._tolerant(group, partial(self._current, log=log))
            for tag in group:
                yield found.get(tag) or failed(tag, refused.get(tag, _UNHEARD))

    async def samples(
        self, tags: Sequence[str], start: int, end: int, log: ReadLog
    ) -> AsyncGenerator[Samples, None]:
        """Samples of every tag in order: of all tags together as far as they are few."""
        log.note(_NOTE)
        for group in _groups(tags):
            steps = _Steps(start, end)
            step, refused = await self._tolerant(group, partial(self._read, steps=steps, log=log))
            begun = {tag: [samples] for tag, samples in step.items()}
            steps.done(sum(len(one.times) for one in step.values()))
            while steps.more and steps.total <= _MOST:
                step = await self._read(list(begun), steps, log)
                for tag, samples in step.items():
                    begun[tag].append(samples)
                steps.done(sum(len(one.times) for one in step.values()))
            first = {tag: joined(parts) for tag, parts in begun.items()}
            silent = [tag for tag, samples in first.items() if not len(samples.times)]
            refused |= await self._unknown(silent, log)
            for tag in group:
                heard = False
                if tag in first:
                    async for samples in self._followed(first[tag], steps.copy(), log):
                        heard = True
                        yield samples
                if not heard:
                    yield failed(tag, refused[tag]) if tag in refused else no_samples(tag)

    async def _followed(
        self, first: OpcSamples, steps: _Steps, log: ReadLog
    ) -> AsyncGenerator[OpcSamples, None]:
        """``first``, and what the tag has in the other steps, as far as there is any."""
        if len(first.times):
            yield first
        while steps.more:
            samples = (await self._read([first.tag], steps, log))[first.tag]
            steps.done(len(samples.times))
            if len(samples.times):
                yield samples

    async def _tolerant(
        self,
        tags: Sequence[str],
        read: Callable[[Sequence[str]], Awaitable[dict[str, OpcSamples]]],
    ) -> tuple[dict[str, OpcSamples], dict[str, str]]:
        """What ``read`` gives, and of which tags the agent refuses it and why.

        Raises AgentRefusedError when it refuses all of them.
        """
        try:
            return await read(tags), {}
        except AgentRefusedError:
            if len(tags) == 1:
                raise
        found: dict[str, OpcSamples] = {}
        refused: dict[str, AgentRefusedError] = {}
        for tag in tags:
            try:
                found |= await read([tag])
            except AgentRefusedError as error:
                refused[tag] = error
        if len(refused) == len(tags):
            raise refused[tags[0]]
        return found, {tag: error.what for tag, error in refused.items()}

    async def _read(
        self, tags: Sequence[str], steps: _Steps, log: ReadLog
    ) -> dict[str, OpcSamples]:
        """What is in the present step of every tag, each sample once."""
        low, high = steps.bounds
        found = await self.opened.stored.read(tags, low, high, log)
        whole = {}
        for tag in tags:
            samples = self._within(found.get(tag) or no_samples(tag), low, high)
            if samples.goes_back() or samples.doubled():
                samples = await self._once(tag, low, high, log)
            inside = (samples.times >= max(low, steps.start)) & (
                samples.times < min(high, steps.end)
            )
            whole[tag] = samples if inside.all() else samples.chosen(np.flatnonzero(inside))
            if len(samples.times):
                self._known.add(tag)
        return whole

    async def _once(self, tag: str, low: int, high: int, log: ReadLog) -> OpcSamples:
        """The samples of one tag by itself, where the agent may have told some of them twice."""
        samples = await self._alone(tag, low, high, log)
        doubled = samples.doubled()
        if samples.goes_back():
            raise ProtocolError(f"{tag}: its samples are out of order", source=self.source)
        if len(doubled) > _MOST_DOUBLED:
            raise ProtocolError(
                f"{tag}: at more than {_MOST_DOUBLED} moments samples are alike, and the agent "
                "cannot tell whether there are several or it read one again",
                source=self.source,
                remedy="Ask for a shorter window.",
            )
        parts, place = [], 0
        for moment in doubled:
            first, last = np.searchsorted(samples.times, [moment, moment + 1])
            parts.append(samples.chosen(slice(place, int(first))))
            exact = await self._alone(tag, moment, moment + _MS, log)
            parts.append(exact.chosen(np.flatnonzero(exact.times == moment)))
            place = int(last)
        return joined([*parts, samples.chosen(slice(place, None))])

    async def _alone(self, tag: str, low: int, high: int, log: ReadLog) -> OpcSamples:
        found = await self.opened.stored.read([tag], low, high, log)
        return self._within(found.get(tag) or no_samples(tag), low, high)

    def _within(self, samples: OpcSamples, low: int, high: int) -> OpcSamples:
        """The samples, if they are those of the window; one at its end may be among them."""
        if ((samples.times < low) | (samples.times > high)).any():
            raise ProtocolError(
                f"{samples.tag}: it has samples of another window",
                source=self.source,
                remedy="Check the clock and the time zone of the agent's machine.",
            )
        return samples

    async def _unknown(self, tags: Sequence[str], log: ReadLog) -> dict[str, str]:
        """Those of ``tags`` of which nobody knows whether they are there, and why."""
        asked = [tag for tag in tags if tag not in self._known]
        if not asked:
            return {}
        try:
            await self._current(asked, log)
        except AgentRefusedError as error:
            why = f"it has no samples, and whether it is there could not be asked: {error.what}"
            return dict.fromkeys(asked, why)
        return {tag: _UNHEARD for tag in asked if tag not in self._known}

    async def _current(self, tags: Sequence[str], log: ReadLog) -> dict[str, OpcSamples]:
        now = 0  # which the agent wants to be told, and takes no notice of
        found = await self.opened.current.read(tags, now, now, log)
        for tag, samples in found.items():
            if len(samples.times) != 1:
                raise ProtocolError(
                    f"{tag}: it has {len(samples.times)} current values", source=self.source
                )
        self._known |= found.keys()
        return found


def _groups(tags: Sequence[str]) -> list[Sequence[str]]:
    return [tags[first : first + _MOST_TAGS] for first in range(0, len(tags), _MOST_TAGS)]


class _Steps:
    """A window in steps of whole milliseconds, each as long as samples seem to allow."""

    def __init__(self, start: int, end: int) -> None:
        self.start, self.end = start, end
        self.total = 0
        self._at = start // _MS * _MS
        self._last = -(-end // _MS) * _MS
        self._width = _FIRST

    @property
    def more(self) -> bool:
        return self._at < self._last

    @property
    def bounds(self) -> tuple[int, int]:
        """From when to when the next step is."""
        return self._at, min(self._at + self._width, self._last)

    def done(self, count: int) -> None:
        """Go on, after a step with so many samples."""
        self.total += count
        low, self._at = self.bounds
        fitting = (self._at - low) * _MOST // max(count, 1) // _MS * _MS
        self._width = max(_MS, min(self._width * _GROWTH, fitting))

    def copy(self) -> _Steps:
        """The same, from where it is."""
        rest = _Steps(self.start, self.end)
        rest._at, rest._width = self._at, self._width
        return rest
