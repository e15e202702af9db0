"""BACnet's numbers and their names, in both directions, from the tables of bacpypes3.

Only its tables are used. Its stack is not, for measured reasons: it takes a hundred times as long
for a value, its errors are no ``Exception``, more than 256 requests freeze the event loop, and it
drops what is needed to page through a trend log.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from bacpypes3.apdu import AbortReason, RejectReason
from bacpypes3.basetypes import (
    EngineeringUnits,
    ErrorClass,
    ErrorCode,
    EventState,
    PropertyIdentifier,
    Reliability,
)
from bacpypes3.primitivedata import ObjectType

_TABLES: Final[dict[str, Any]] = {
    "abort": AbortReason,
    "error class": ErrorClass,
    "error code": ErrorCode,
    "event state": EventState,
    "object type": ObjectType,
    "property": PropertyIdentifier,
    "reject": RejectReason,
    "reliability": Reliability,
    "unit": EngineeringUnits,
}

# The properties that the driver itself reads.
DESCRIPTION: Final = 28
EVENT_STATE: Final = 36
ACTIVE_TEXT: Final = 4
INACTIVE_TEXT: Final = 46
MAX_APDU: Final = 62
MAX_VALUE: Final = 65
MIN_VALUE: Final = 69
OBJECT_IDENTIFIER: Final = 75
OBJECT_LIST: Final = 76
OBJECT_NAME: Final = 77
PRESENT_VALUE: Final = 85
RELIABILITY: Final = 103
STATE_TEXT: Final = 110
STATUS_FLAGS: Final = 111
UNITS: Final = 117
LOG_BUFFER: Final = 131
LOGGED_PROPERTY: Final = 132
RECORD_COUNT: Final = 141
TOTAL_RECORD_COUNT: Final = 145
DATABASE_REVISION: Final = 155

DEVICE: Final = 8
TREND_LOG: Final = 20
TREND_LOG_MULTIPLE: Final = 27

_SHORT: Final = {
    "AI": 0, "AO": 1, "AV": 2, "BI": 3, "BO": 4, "BV": 5, "DEV": 8, "MI": 13, "MSI": 13, "MO": 14,
    "MSO": 14, "MV": 19, "MSV": 19, "TL": 20, "ACC": 23, "PC": 24, "TLM": 27, "CSV": 40, "DTV": 44, "IV": 45,
    "LAV": 46, "OSV": 47, "PIV": 48,
}  # fmt: skip


@lru_cache(maxsize=4096)
def name_of(table: str, number: int) -> str:
    """The standard's name, or the number itself where it has none.

    >>> name_of("object type", 0), name_of("unit", 62), name_of("property", 9999)
    ('analog-input', 'degrees-celsius', '9999')
    """
    try:
        return str(_TABLES[table](number))
    except ValueError:  # beyond what the standard leaves to vendors
        return str(number)


@lru_cache(maxsize=4096)
def number_of(table: str, name: str) -> int | None:
    """The number of a name in either spelling or of digits; None when there is none.

    >>> number_of("property", "presentValue"), number_of("object type", "AI")
    (85, 0)
    """
    if name.isascii() and name.isdigit():
        return int(name)
    if table == "object type" and name.upper() in _SHORT:
        return _SHORT[name.upper()]
    for spelling in (name, name.lower()):
        try:
            return int(_TABLES[table](spelling))
        except ValueError:
            continue
    return None
