"""Current values: what to read for a list of tags, and the batch from what was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.bacnet.catalogue import Resolved, learn_about, resolve, unit_for
from greenlang_data.drivers.bacnet.device import Device
from greenlang_data.drivers.bacnet.names import (
    EVENT_STATE,
    PRESENT_VALUE,
    RELIABILITY,
    STATUS_FLAGS,
)
from greenlang_data.drivers.bacnet.quality import (
    IN_ALARM,
    PLAIN,
    Judgement,
    judge_results,
    with_event_state,
)
from greenlang_data.drivers.bacnet.reader import Reader
from greenlang_data.drivers.bacnet.references import Reference
from greenlang_data.drivers.bacnet.services import Result
from greenlang_data.drivers.bacnet.values import Failure
from greenlang_data.drivers.schema import BAD, SNAPSHOT, TIMESTAMP, UNKNOWN_TAG, quality_array
from greenlang_data.settings.bacnet_object import BacnetObject

CLIENT_CLOCK: Final = (
    "timestamps are the client's clock when the answer arrived, because BACnet sends none "
    "with a present value"
)
_UNKNOWN: Final = frozenset({"unknown-object"})
Results = Mapping[Reference, Result]


@dataclass(slots=True)
class Plan:
    """What stays the same from snapshot to snapshot of the same tags."""

    tags: tuple[str, ...]
    targets: list[Resolved]
    names: list[str]
    units: list[str | None]
    companions: dict[int, tuple[int, ...]]
    wanted: list[Reference]
    batches: list[list[Reference]]
    version: int
    revision: float | None

    @property
    def complete(self) -> bool:
        """Whether every tag stands for an object of the device."""
        return not any(isinstance(one, Failure) for one in self.targets)

    async def read(self, reader: Reader) -> Results:
        """Read it all, in requests that are planned anew if something was learned meanwhile."""
        if self.version != reader.learned.version:
            self.batches = reader.learned.batches(self.wanted)
            self.version = reader.learned.version
        return await reader.read_batches(self.batches)


async def make_plan(
    tags: tuple[str, ...],
    entries: Mapping[str, BacnetObject],
    reader: Reader,
    device: Device,
) -> Plan:
    """Find out what the tags stand for, and how those objects are called and measured."""
    targets = await resolve(tags, entries, reader, device)
    objects = [one.object_id for one in targets if isinstance(one, Reference)]
    about = await learn_about(objects, reader, device)
    names: list[str] = []
    units: list[str | None] = []
    companions: dict[int, tuple[int, ...]] = {}
    for row, (tag, target) in enumerate(zip(tags, targets, strict=True)):
        known = about[target.object_id] if isinstance(target, Reference) else target
        if isinstance(known, Failure) or isinstance(target, Failure):
            targets[row] = known if isinstance(known, Failure) else target
            names.append(tag)
            units.append(None)
            continue
        names.append(known.name or tag)
        configured = entries[tag].unit if tag in entries else None
        units.append(unit_for(target, known) or configured)
        companions[target.object_id] = known.companions
    wanted = list(_wanted(targets, companions))
    if device.revision is not None:  # so that each answer tells whether this plan still holds
        wanted.append(device.check)
    return Plan(
        tags, targets, names, units, companions, wanted,
        reader.learned.batches(wanted), reader.learned.version, device.revision,
    )  # fmt: skip


def _wanted(
    targets: Sequence[Resolved], companions: Mapping[int, Sequence[int]]
) -> dict[Reference, None]:
    """Each property once; what a present value's quality follows from comes right after it."""
    wanted: dict[Reference, None] = {}
    for target in targets:
        if isinstance(target, Reference):
            wanted[target] = None
            if target.property_id == PRESENT_VALUE:
                for one in companions[target.object_id]:
                    wanted[Reference(target.object_id, one)] = None
    return wanted


async def batch_of(
    plan: Plan, rows: Sequence[int], results: Results, received: int | Sequence[int], reader: Reader
) -> pa.RecordBatch:
    """These rows of the plan with what was read or reported for them, and when (nanoseconds)."""
    judgements = [_judge(plan.targets[row], results) for row in rows]
    await _explain_alarms(plan, rows, judgements, reader)
    columns = _Columns()
    for row, judgement in zip(rows, judgements, strict=True):
        target = plan.targets[row]
        columns.add(results[target] if isinstance(target, Reference) else target, judgement)
    failed = np.array([one is not None for one in columns.failures], bool)
    return pa.RecordBatch.from_arrays(
        [
            pa.array([plan.tags[row] for row in rows], pa.string()),
            pa.array([plan.names[row] for row in rows], pa.string()),
            pa.array(columns.values, pa.float64()),
            pa.array(columns.texts, pa.string()),
            pa.array([plan.units[row] for row in rows], pa.string()),
            quality_array(np.array(columns.qualities, np.int8)),
            pa.array(columns.statuses, pa.string()).dictionary_encode(),
            pa.array(np.full(len(rows), received), pa.int64(), mask=failed).cast(TIMESTAMP),
            pa.nulls(len(rows), TIMESTAMP),
            pa.array(columns.data_types, pa.string()),
            pa.array(columns.failures, pa.string()),
        ],
        schema=SNAPSHOT,
    )


def _judge(target: Resolved, results: Results) -> Judgement:
    if isinstance(target, Failure) or target.property_id != PRESENT_VALUE:
        return PLAIN
    return judge_results(
        results.get(Reference(target.object_id, STATUS_FLAGS)),
        results.get(Reference(target.object_id, RELIABILITY)),
    )


async def _explain_alarms(
    plan: Plan, rows: Sequence[int], judgements: list[Judgement], reader: Reader
) -> None:
    """Ask for the event state of what is in alarm, which is rare."""
    wanted: dict[int, Reference] = {}
    for place, judgement in enumerate(judgements):
        target = plan.targets[rows[place]]
        if isinstance(target, Reference) and (judgement.status or "").startswith(IN_ALARM):
            wanted[place] = Reference(target.object_id, EVENT_STATE)
    if not wanted:
        return
    told = await reader.read(list(wanted.values()))
    for place, event_state in wanted.items():
        judgements[place] = with_event_state(judgements[place], told[event_state])


class _Columns:
    """The columns of a batch, row by row."""

    def __init__(self) -> None:
        self.values: list[float | None] = []
        self.texts: list[str | None] = []
        self.qualities: list[int] = []
        self.statuses: list[str | None] = []
        self.data_types: list[str | None] = []
        self.failures: list[str | None] = []

    def add(self, result: Result, judgement: Judgement) -> None:
        if isinstance(result, Failure):
            unknown = result.status in _UNKNOWN and not result.text.startswith(UNKNOWN_TAG)
            failure = f"{UNKNOWN_TAG}: {result.text}" if unknown else result.text
            self._append(None, None, BAD, result.status, None, failure)
            return
        quality, status = judgement
        if result.status is not None:
            status = ",".join(filter(None, (result.status, status)))
            quality = BAD
        bad = quality == BAD
        number, text = (None, None) if bad else (result.number, result.text)
        self._append(number, text, quality, status, result.data_type, None)

    def _append(
        self,
        value: float | None,
        text: str | None,
        quality: int,
        status: str | None,
        data_type: str | None,
        failure: str | None,
    ) -> None:
        self.values.append(value)
        self.texts.append(text)
        self.qualities.append(quality)
        self.statuses.append(status)
        self.data_types.append(data_type)
        self.failures.append(failure)
