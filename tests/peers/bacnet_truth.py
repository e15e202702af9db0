"""What the BACnet test devices hold; the device is told, and tests compare with, this alone.

Names of numbers are the standard's own.  A value is a pair of an application tag and what
stands for it in JSON: a number, a text, ``"NaN"`` or ``"Infinity"``, bits as ``"0100"``, an
object as ``[type, instance]``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Kind(IntEnum):
    """Object types."""

    ANALOG_INPUT = 0
    ANALOG_OUTPUT = 1
    ANALOG_VALUE = 2
    BINARY_INPUT = 3
    BINARY_OUTPUT = 4
    BINARY_VALUE = 5
    DEVICE = 8
    MULTI_STATE_INPUT = 13
    MULTI_STATE_VALUE = 19
    TREND_LOG = 20
    CHARACTERSTRING_VALUE = 40
    INTEGER_VALUE = 45
    LARGE_ANALOG_VALUE = 46
    POSITIVE_INTEGER_VALUE = 48


class Property(IntEnum):
    """Property identifiers."""

    ACTIVE_TEXT = 4
    COV_INCREMENT = 22
    DESCRIPTION = 28
    EVENT_STATE = 36
    INACTIVE_TEXT = 46
    NUMBER_OF_STATES = 74
    OBJECT_NAME = 77
    OUT_OF_SERVICE = 81
    POLARITY = 84
    PRESENT_VALUE = 85
    PRIORITY_ARRAY = 87
    RELIABILITY = 103
    RELINQUISH_DEFAULT = 104
    STATE_TEXT = 110
    STATUS_FLAGS = 111
    UNITS = 117


class Tag(IntEnum):
    """Application tags."""

    NULL = 0
    BOOLEAN = 1
    UNSIGNED = 2
    SIGNED = 3
    REAL = 4
    DOUBLE = 5
    CHARACTER_STRING = 7
    BIT_STRING = 8
    ENUMERATED = 9


ARRAYS = (Property.STATE_TEXT, Property.PRIORITY_ARRAY)
NO_PROBLEM = "0000"
IN_ALARM, FAULT, OVERRIDDEN, OUT_OF_SERVICE = "1000", "0100", "0010", "0001"
LIVE_INSTANCE = 9100
STATE_TEXTS = ("Aus", "Ein", "Störung")
UNITS = (62, 54, 98, 48, 135)  # °C, kPa, %, kW, m³/h: analog input n has UNITS[n % 5]

Value = tuple[Tag, Any]


@dataclass
class BacnetObject:
    """One object; ``errors`` are class and code of properties that cannot be read."""

    kind: Kind
    instance: int
    properties: dict[Property, list[Value]]
    errors: dict[Property, tuple[int, int]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.properties[Property.OBJECT_NAME][0][1])


def analog_value(instance: int) -> float:
    """Present value of an ordinary analog input; float32 holds it exactly."""
    return instance * 0.5 - 20


def analog_units(instance: int) -> int:
    """Units of an ordinary analog input."""
    return UNITS[instance % len(UNITS)]


def make(
    kind: Kind,
    instance: int,
    present: Value,
    *,
    flags: str = NO_PROBLEM,
    reliability: int = 0,
    event_state: int = 0,
    name: str | None = None,
    description: str | None = None,
    more: dict[Property, list[Value]] | None = None,
    without: Iterable[Property] = (),
    errors: dict[Property, tuple[int, int]] | None = None,
) -> BacnetObject:
    """An object with the properties every input, output and value has."""
    label = kind.name.replace("_", "-").lower()
    properties: dict[Property, list[Value]] = {
        Property.OBJECT_NAME: [(Tag.CHARACTER_STRING, name or f"{label} {instance}")],
        Property.DESCRIPTION: [(Tag.CHARACTER_STRING, description or f"Messstelle {instance} °ß")],
        Property.PRESENT_VALUE: [present],
        Property.STATUS_FLAGS: [(Tag.BIT_STRING, flags)],
        Property.EVENT_STATE: [(Tag.ENUMERATED, event_state)],
        Property.RELIABILITY: [(Tag.ENUMERATED, reliability)],
        Property.OUT_OF_SERVICE: [(Tag.BOOLEAN, flags == OUT_OF_SERVICE)],
        **(more or {}),
    }
    for missing in without:
        del properties[missing]
    return BacnetObject(kind, instance, properties, errors or {})


def _units(number: int) -> dict[Property, list[Value]]:
    return {Property.UNITS: [(Tag.ENUMERATED, number)]}


def analog_input(instance: int) -> BacnetObject:
    """An ordinary analog input."""
    present = (Tag.REAL, analog_value(instance))
    return make(Kind.ANALOG_INPUT, instance, present, more=_units(analog_units(instance)))


def special_inputs() -> list[BacnetObject]:
    """Analog inputs 9000 and up, each with one peculiarity, and the live one."""
    celsius = _units(62)

    def special(instance: int, value: Any, **options: Any) -> BacnetObject:
        tag = Tag.NULL if value is None else Tag.REAL
        options.setdefault("more", celsius)
        return make(Kind.ANALOG_INPUT, instance, (tag, value), **options)

    return [
        special(9000, "NaN"),
        special(9001, "Infinity"),
        special(9002, "-Infinity"),
        special(9003, None),
        special(9004, 99.5, flags=FAULT, reliability=2),  # over range
        special(9005, 12.5, flags=OUT_OF_SERVICE),
        special(9006, 88.5, flags=IN_ALARM, event_state=3),  # high limit
        special(9007, 7.5, flags=OVERRIDDEN),
        special(9008, 0.0, flags=FAULT, reliability=1),  # no sensor
        special(9009, 1.0, errors={Property.PRESENT_VALUE: (2, 27)}),  # read access denied
        special(9010, 10.0, more={}, without=[Property.RELIABILITY, Property.DESCRIPTION]),
        special(9011, 11.0, more=_units(1234)),  # a vendor's own units
        special(9012, 12.0, more=_units(95)),  # no units
        special(9013, 3.4028234663852886e38),
        special(9014, 14.0, errors={Property.STATUS_FLAGS: (0, 25)}),  # operational problem
        special(9015, 15.0, flags=FAULT),  # a fault with no reason: reliability says none
        special(9016, 16.0, reliability=12),  # a reason with no fault: communication failure
        special(9017, 17.0, name="Füllstand Behälter/1.2, „heiß“", description="x" * 200),
        special(LIVE_INSTANCE, 0.0, name="live"),
    ]


def _commandable(present: Value, default: Value) -> dict[Property, list[Value]]:
    """Priority 8 and 16 are commanded, so present value is what stands at priority 8."""
    priorities: list[Value] = [(Tag.NULL, None)] * 16
    priorities[7], priorities[15] = present, default
    return {Property.PRIORITY_ARRAY: priorities, Property.RELINQUISH_DEFAULT: [default]}


def _binary(kind: Kind, instance: int, state: int, **options: Any) -> BacnetObject:
    texts: dict[Property, list[Value]] = {
        Property.ACTIVE_TEXT: [(Tag.CHARACTER_STRING, "läuft")],
        Property.INACTIVE_TEXT: [(Tag.CHARACTER_STRING, "steht")],
    }
    if kind is not Kind.BINARY_VALUE:  # which has none by the standard
        texts[Property.POLARITY] = [(Tag.ENUMERATED, instance % 2)]
    more = {**texts, **options.pop("more", {})}
    return make(kind, instance, (Tag.ENUMERATED, state), more=more, **options)


def _multi_state(kind: Kind, instance: int, state: int, **options: Any) -> BacnetObject:
    more: dict[Property, list[Value]] = {
        Property.NUMBER_OF_STATES: [(Tag.UNSIGNED, len(STATE_TEXTS))],
        Property.STATE_TEXT: [(Tag.CHARACTER_STRING, text) for text in STATE_TEXTS],
    }
    return make(kind, instance, (Tag.UNSIGNED, state), more=more, **options)


def other_objects() -> list[BacnetObject]:
    """One or a few objects of every other type."""
    commanded: Value = (Tag.REAL, 42.5)
    active: Value = (Tag.ENUMERATED, 1)
    return [
        make(
            Kind.ANALOG_OUTPUT,
            1,
            commanded,
            more={**_units(98), **_commandable(commanded, (Tag.REAL, 0.0))},
        ),
        make(Kind.ANALOG_VALUE, 1, (Tag.REAL, -17.25), more=_units(54)),
        make(Kind.ANALOG_VALUE, 2, (Tag.REAL, 0.1), more=_units(95)),
        _binary(Kind.BINARY_INPUT, 0, 0),
        _binary(Kind.BINARY_INPUT, 1, 1),
        _binary(Kind.BINARY_INPUT, 2, 1, flags=FAULT, reliability=4),  # open loop
        _binary(Kind.BINARY_OUTPUT, 1, 1, more=_commandable(active, (Tag.ENUMERATED, 0))),
        _binary(Kind.BINARY_VALUE, 1, 0),
        _multi_state(Kind.MULTI_STATE_INPUT, 1, 2),
        _multi_state(Kind.MULTI_STATE_INPUT, 2, 9),  # there is no ninth state
        _multi_state(Kind.MULTI_STATE_VALUE, 1, 3),
        make(Kind.CHARACTERSTRING_VALUE, 1, (Tag.CHARACTER_STRING, "Zählerstand 20 °C")),
        make(Kind.INTEGER_VALUE, 1, (Tag.SIGNED, -(2**31)), more=_units(95)),
        make(Kind.LARGE_ANALOG_VALUE, 1, (Tag.DOUBLE, 0.1), more=_units(48)),
        make(Kind.POSITIVE_INTEGER_VALUE, 1, (Tag.UNSIGNED, 2**32 - 1), more=_units(95)),
    ]


def plant(analog_inputs: int = 50) -> list[BacnetObject]:
    """Every object but the device and its trend logs."""
    ordinary = [analog_input(instance) for instance in range(analog_inputs)]
    return [*ordinary, *special_inputs(), *other_objects()]


def as_json(found: BacnetObject) -> dict[str, Any]:
    """An object as the device reads it."""
    return {
        "type": int(found.kind),
        "instance": found.instance,
        "properties": {str(int(key)): values for key, values in found.properties.items()},
        "errors": {str(int(key)): error for key, error in found.errors.items()},
    }
