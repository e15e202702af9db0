"""From the flags of a point to quality and status.

==================  =========  ==============================================================
flag                quality    meaning
==================  =========  ==============================================================
Online (alone)      good       read from the field, all is well
Offline             bad        the point is switched off, or was never read
Restart             bad        not updated since the device restarted
CommLost            bad        the path to the point is broken; the value is an old one
OverRange           bad        beyond what the point can report (analog)
ReferenceError      bad        the converter's reference is wrong (analog)
RemoteForced        uncertain  overridden at another device
LocalForced         uncertain  overridden at this device
ChatterFilter       uncertain  changes so often that it is filtered (binary)
Rollover            uncertain  the counter went over its end
Discontinuity       uncertain  the counter was reset; not to be compared with the value before
Reserved            uncertain  a flag is set that the standard gives no meaning
NoFlags             uncertain  the device reported the value without flags
Intermediate        uncertain  a double bit between its two positions
Indeterminate       bad        a double bit whose position is not known
==================  =========  ==============================================================
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from greenlang_data.drivers.schema import BAD, GOOD, UNCERTAIN
from greenlang_data.settings.point import PointType

_COMMON: Final = (
    (0x02, "Restart", BAD),
    (0x04, "CommLost", BAD),
    (0x08, "RemoteForced", UNCERTAIN),
    (0x10, "LocalForced", UNCERTAIN),
)
_CHATTER: Final = (0x20, "ChatterFilter", UNCERTAIN)
_BINARY: Final = (_CHATTER, (0x40, "Reserved", UNCERTAIN))
_RESERVED: Final = (0x80, "Reserved", UNCERTAIN)
_COUNTER: Final = (
    (0x20, "Rollover", UNCERTAIN),
    (0x40, "Discontinuity", UNCERTAIN),
    _RESERVED,
)
_ANALOG: Final = ((0x20, "OverRange", BAD), (0x40, "ReferenceError", BAD), _RESERVED)
_OWN: Final[dict[PointType, tuple[tuple[int, str, int], ...]]] = {
    "binary": _BINARY,
    "double_bit": (_CHATTER,),
    "binary_output_status": ((0x60, "Reserved", UNCERTAIN),),
    "counter": _COUNTER,
    "frozen_counter": _COUNTER,
    "analog": _ANALOG,
    "analog_output_status": _ANALOG,
    "octet_string": ((0xE0, "Reserved", UNCERTAIN),),
}
_ONLINE: Final = 0x01
_DOUBLE_BIT: Final = {0: ("Intermediate", UNCERTAIN), 3: ("Indeterminate", BAD)}

NO_FLAGS: Final = 256
"""Stands for the flags of a value that came without any, where its type has flags."""

FLAGLESS: Final = 257
"""Stands for the flags of a value whose type has none."""


def meaning(kind: PointType, flags: int) -> tuple[int, str | None]:
    """Quality and status of a value with these flags.

    >>> meaning("analog", 0x21)
    (2, 'Online|OverRange')
    """
    if flags == FLAGLESS:
        return GOOD, None
    if flags == NO_FLAGS:
        return UNCERTAIN, "NoFlags"
    online = bool(flags & _ONLINE)
    names, quality = ["Online" if online else "Offline"], GOOD if online else BAD
    for bit, name, worst in (*_COMMON, *_OWN[kind]):
        if flags & bit:
            names.append(name)
            quality = max(quality, worst)
    if kind == "double_bit" and flags >> 6 in _DOUBLE_BIT:
        name, worst = _DOUBLE_BIT[flags >> 6]
        names.append(name)
        quality = max(quality, worst)
    return quality, "|".join(names)


def meanings(
    kind: PointType, flags: NDArray[np.int16]
) -> tuple[NDArray[np.int8], list[str | None]]:
    """Quality and status of many values of one type."""
    distinct, inverse = np.unique(flags, return_inverse=True)
    told = [meaning(kind, int(one)) for one in distinct]
    qualities = np.array([quality for quality, _ in told], np.int8)[inverse]
    return qualities, [told[position][1] for position in inverse.tolist()]
