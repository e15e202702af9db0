"""Who the device is, and what is known about its objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from greenlang_data.drivers.bacnet.link import Link
from greenlang_data.drivers.bacnet.messages import MAX_APDU
from greenlang_data.drivers.bacnet.names import (
    DATABASE_REVISION,
    DEVICE,
    OBJECT_IDENTIFIER,
    OBJECT_LIST,
)
from greenlang_data.drivers.bacnet.names import MAX_APDU as MAX_APDU_PROPERTY
from greenlang_data.drivers.bacnet.reader import Reader
from greenlang_data.drivers.bacnet.references import (
    Reference,
    object_name,
    pack,
    parse_reference,
)
from greenlang_data.drivers.bacnet.refusals import RefusedError
from greenlang_data.drivers.bacnet.services import (
    Confirmed,
    Result,
    read_i_am,
    read_property,
    read_property_answer,
)
from greenlang_data.drivers.bacnet.sizes import Learned
from greenlang_data.drivers.bacnet.tags import BrokenAnswerError
from greenlang_data.drivers.bacnet.values import Failure, Value
from greenlang_data.drivers.base import ReadLog
from greenlang_data.errors import ConfigurationError, ProtocolError

# Stands for whatever instance the device has.
_ANY_INSTANCE: Final = 4194303
_LEAST_APDU: Final = 50
_WHO_IS_SECONDS: Final = 1.0
_LIST_STEP: Final = 10_000


@dataclass(slots=True)
class About:
    """What does not change about an object: its name, its unit, and what it tells of its quality."""

    name: str | None
    unit: str | None
    companions: tuple[int, ...]


@dataclass(slots=True)
class Device:
    """One device while its object database stays the same; ``revision`` says whether it does."""

    object_id: int
    revision: float | None
    learned: Learned
    about: dict[int, About] = field(default_factory=dict)
    objects: tuple[int, ...] | None = None
    by_name: dict[str, int] | None = None
    # What each trend log records, member by member; None for what is not of this device.
    logs: dict[int, tuple[Reference | None, ...] | Failure] = field(default_factory=dict)

    @property
    def check(self) -> Reference:
        """What changes when an object is made, deleted or renamed."""
        return Reference(self.object_id, DATABASE_REVISION)

    def revised(self, results: Mapping[Reference, Result]) -> Device | None:
        """The device with nothing known about its objects, if ``results`` show that they changed."""
        told = results.get(self.check)
        if not isinstance(told, Value) or told.number in (None, self.revision):
            return None
        return Device(self.object_id, told.number, self.learned)

    def is_same(self, other: Device) -> bool:
        """Whether what is known about the other still holds for this one."""
        same = (self.object_id, self.revision) == (other.object_id, other.revision)
        return same and self.revision is not None


async def identify(link: Link, instance: int | None, source: str) -> Device:
    """Find out who answers, and how much it can send at once.

    Raises ConfigurationError when it is not the device ``instance``, and what the link raises.
    """
    log = ReadLog()
    object_id = (
        pack(DEVICE, instance) if instance is not None else await _ask_who(link, source, log)
    )
    learned = Learned(_LEAST_APDU)
    learned.multiple = False  # before it is known how much fits, one at a time always does
    reader = Reader(link, learned, source, log)
    wanted = [Reference(object_id, one) for one in (MAX_APDU_PROPERTY, DATABASE_REVISION)]
    results = await reader.read(wanted)
    size, revision = (results[one] for one in wanted)
    if isinstance(size, Failure) or size.number is None:
        raise _not_there(object_id, size, source)
    max_apdu = max(_LEAST_APDU, min(MAX_APDU, int(size.number)))
    known = revision.number if isinstance(revision, Value) else None
    return Device(object_id, known, Learned(max_apdu))


async def _ask_who(link: Link, source: str, log: ReadLog) -> int:
    reference = Reference(pack(DEVICE, _ANY_INSTANCE), OBJECT_IDENTIFIER)
    try:
        body = await link.ask(Confirmed.READ_PROPERTY, read_property(reference), log)
    except RefusedError:
        return await _who_is(link, source)
    try:
        # Devices differ in whether they repeat the wildcard or tell their own instance.
        told = int.from_bytes(body[1:5])
        value = read_property_answer(body, Reference(told, OBJECT_IDENTIFIER))
    except BrokenAnswerError as broken:
        raise link.broken(broken) from broken
    found = parse_reference(value.text or "")
    if found is None or found.object_type != DEVICE:
        raise link.broken(BrokenAnswerError(f"its own identifier is {value.text}"))
    return found.object_id


async def _who_is(link: Link, source: str) -> int:
    body = await link.who_is(_WHO_IS_SECONDS)
    if body is None:
        raise ConfigurationError(
            "the device does not tell its instance number",
            source=source,
            remedy="Give device_instance.",
        )
    try:
        return read_i_am(body).object_id
    except BrokenAnswerError as broken:
        raise link.broken(broken) from broken


def _not_there(object_id: int, size: Value | Failure, source: str) -> ConfigurationError:
    what = size.text if isinstance(size, Failure) else "its max-apdu-length-accepted is no number"
    return ConfigurationError(
        f"there is no {object_name(object_id)} at this endpoint: {what}",
        source=source,
        remedy="Correct device_instance, or leave it out to take whichever device answers.",
    )


async def list_objects(reader: Reader, device: Device) -> tuple[int, ...]:
    """The identifiers of all objects, read element by element, which every device can answer.

    Raises ProtocolError when the list changes meanwhile or an element cannot be read.
    """
    if device.objects is None:
        count = Reference(device.object_id, OBJECT_LIST, 0)
        size = (await reader.read([count]))[count]
        if isinstance(size, Failure) or size.number is None:
            raise _no_list(size, reader.source)
        objects: list[int] = []
        # In steps, so that a false size costs no more than what the device really answers.
        while len(objects) < size.number:
            places = range(len(objects) + 1, min(len(objects) + _LIST_STEP, int(size.number)) + 1)
            wanted = [Reference(device.object_id, OBJECT_LIST, place) for place in places]
            results = await reader.read(wanted)
            objects += [_identifier(results[one], reader.source) for one in wanted]
        device.objects = tuple(objects)
    return device.objects


def _identifier(result: Value | Failure, source: str) -> int:
    found = parse_reference(result.text or "") if isinstance(result, Value) else None
    if found is None:
        raise _no_list(result, source)
    return found.object_id


def _no_list(result: Value | Failure, source: str) -> ProtocolError:
    why = result.text if isinstance(result, Failure) else f"it holds {result.text}"
    return ProtocolError(
        f"the object list cannot be read whole: {why}",
        source=source,
        remedy="Try again in case it changed meanwhile, or give object ids such as analog-input,1.",
    )
