"""What is asked for: a property of an object, written ``analog-input,1.present-value``."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from greenlang_data.drivers.bacnet.names import PRESENT_VALUE, name_of, number_of

INSTANCE_BITS: Final = 22
MAX_INSTANCE: Final = 0x3FFFFF
_MAX_TYPE: Final = 0x3FF
_MAX_PROPERTY: Final = 0x3FFFFF
_FORM: Final = re.compile(
    r"(?P<type>[A-Za-z][A-Za-z-]*|[0-9]{1,4})[,:](?P<instance>[0-9]{1,7})"
    r"(?:\.(?P<property>[A-Za-z][A-Za-z0-9-]*|[0-9]{1,7})(?:\[(?P<index>[0-9]{1,5})\])?)?"
)


class Reference(NamedTuple):
    """A property of an object; ``object_id`` holds type and instance as on the wire."""

    object_id: int
    property_id: int = PRESENT_VALUE
    array_index: int | None = None

    def __str__(self) -> str:
        index = "" if self.array_index is None else f"[{self.array_index}]"
        return f"{object_name(self.object_id)}.{name_of('property', self.property_id)}{index}"

    @property
    def object_type(self) -> int:
        """The number of the object's type."""
        return self.object_id >> INSTANCE_BITS


def pack(object_type: int, instance: int) -> int:
    """Type and instance as one number."""
    return object_type << INSTANCE_BITS | instance


def object_name(object_id: int) -> str:
    """The usual spelling.

    >>> object_name(pack(0, 1))
    'analog-input,1'
    """
    return f"{name_of('object type', object_id >> INSTANCE_BITS)},{object_id & MAX_INSTANCE}"


def parse_reference(text: str) -> Reference | None:
    """``analog-input,1``, ``AI:1``, ``analogInput:1.units``, ``MSV:2.state-text[1]``; or None.

    >>> parse_reference("AI:1") == parse_reference("analog-input,1.present-value")
    True
    """
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    object_type = number_of("object type", found["type"])
    property_id = number_of("property", found["property"] or "present-value")
    instance = int(found["instance"])
    if object_type is None or property_id is None:
        return None
    if object_type > _MAX_TYPE or instance > MAX_INSTANCE or property_id > _MAX_PROPERTY:
        return None
    index = None if found["index"] is None else int(found["index"])
    return Reference(pack(object_type, instance), property_id, index)
