"""What a recording brought, with proof."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from greenlang_data.connectors.recording import Gap, Recording
from greenlang_data.connectors.result import ReadResult
from greenlang_data.drivers.base import ReadLog
from greenlang_data.frames.watched import GAP, series_of_samples
from greenlang_data.runtime import get_runtime

if TYPE_CHECKING:
    from greenlang_data.connectors.driven import DrivenConnector
    from greenlang_data.connectors.payload import ReadPayload
    from greenlang_data.provenance.record import ConnectorProvenance


class Recorded:
    """Keeps everything that ``recording`` hears, so that it is there however it ends."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._batches: list[pa.RecordBatch] = []

    async def batches(self) -> AsyncGenerator[pa.RecordBatch, None]:
        """The batches of the recording, kept as they pass."""
        async with aclosing(self.recording.batches()) as batches:
            async for batch in batches:
                if batch.num_rows:
                    self._batches.append(batch)
                yield batch

    def result(self) -> ReadResult:
        """The samples of each tag in time order, with what has to be said about them."""
        recording = self.recording
        tags = recording.samples.tags
        batches, changes = series_of_samples(tags, self._batches, failures_of(recording))
        log = ReadLog(recording.log.requests, [*recording.log.notes], basis=recording.log.basis)
        for sentence in [*notes_of(recording), *changes]:
            log.note(sentence)
        return ReadResult(recording.request, batches, log)

    def provenance(self, payload: ReadPayload) -> ConnectorProvenance:
        """Who answered what, with the gaps, and why the recording is partial if it is."""
        recording = self.recording
        made = recording.connector._provenance(
            recording.query, payload, max(1, recording.progress.opened), recording.origin
        )
        return made.model_copy(update={"metadata": {**made.metadata, **about(recording)}})


def about(recording: Recording, since: datetime | None = None) -> dict[str, Any]:
    """The recording for a provenance record: its times, its step and the gaps not over ``since``."""
    progress = recording.progress
    return {
        "every_seconds": recording.request.every,
        "started": _iso(progress.started),
        "ended": _iso(progress.ended or progress.heard),
        "gaps": [
            {"start": _iso(gap.start), "end": _iso(gap.end), "reason": gap.reason}
            for gap in progress.gaps
            if since is None or gap.end is None or gap.end >= since
        ],
        "partial": progress.partial,
    }


def failures_of(recording: Recording) -> dict[str, str]:
    """The tags that were never read, and why."""
    samples = recording.samples
    read = {tag for tag, once in zip(samples.tags, samples.read.tolist(), strict=True) if once}
    return {tag: why for tag, why in samples.failures.items() if tag not in read}


def notes_of(recording: Recording) -> list[str]:
    """What a reader of the numbers must know about how they were recorded."""
    progress, samples = recording.progress, recording.samples
    notes = []
    if progress.partial:
        notes.append(f"partial: {progress.partial}")
    if progress.gaps:
        notes.append(
            f"{len(progress.gaps)} gaps, marked by rows of status {GAP} where something was last "
            f"heard (this machine's clock); the first: {_sentence(progress.gaps[0])}"
        )
    if samples.repeated:
        notes.append(f"{samples.repeated} samples that came again unchanged stand there once")
    sometimes = sorted(samples.failures.keys() - failures_of(recording).keys())
    notes += [f"{tag} could not be read at times: {samples.failures[tag]}" for tag in sometimes[:3]]
    if len(sometimes) > 3:
        notes.append(f"{len(sometimes)} tags could not be read at times")
    return notes


async def on_own_loop(
    connector: DrivenConnector[Any, Any, Any],
    begin: Callable[[], AsyncGenerator[pa.RecordBatch, None]],
) -> AsyncGenerator[pa.RecordBatch, None]:
    """``begin()`` where the connector lives, which may be the event loop of a session."""
    runtime, batches = get_runtime(), begin()
    bridged = runtime.drives(connector._loop)

    async def step() -> pa.RecordBatch | None:
        return await anext(batches, None)

    try:
        while (batch := await (runtime.bridge(step) if bridged else step())) is not None:
            yield batch
    finally:
        await (runtime.bridge(batches.aclose) if bridged else batches.aclose())


def _sentence(gap: Gap) -> str:
    end = f"until {_iso(gap.end)}" if gap.end else "to the end"
    return f"from {_iso(gap.start)} {end} ({gap.reason})"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
