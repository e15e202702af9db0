"""Status codes: their names, which quality they mean, and which ones say that a tag is unreadable."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import pyarrow as pa
from asyncua.ua.status_codes import StatusCodes, code_to_name_doc

from greenlang_data.drivers.schema import STATUS, UNKNOWN_TAG, constant_dictionary

BAD: Final = 0x80000000

# The tag itself is wrong or closed to us. Any other bad status is data of bad quality: the
# server knows the tag and reports how its value is doing.
UNREADABLE: Final = frozenset(
    {
        StatusCodes.BadNodeIdUnknown,
        StatusCodes.BadNodeIdInvalid,
        StatusCodes.BadAttributeIdInvalid,
        StatusCodes.BadUserAccessDenied,
        StatusCodes.BadNotReadable,
        StatusCodes.BadIndexRangeInvalid,
        StatusCodes.BadDataEncodingInvalid,
        StatusCodes.BadDataEncodingUnsupported,
        StatusCodes.BadNotSupported,
        StatusCodes.BadNotImplemented,
        StatusCodes.BadSecurityModeInsufficient,
        StatusCodes.BadHistoryOperationUnsupported,
        StatusCodes.BadHistoryOperationInvalid,
        StatusCodes.BadTimestampsToReturnInvalid,
    }
)

# Info bits: what they mean is of the DataValue kind, and the queue has overflowed.
_INFO_BITS: Final = 0x0C80
OVERFLOW: Final = 0x0480

TOO_MANY: Final = frozenset({StatusCodes.BadTooManyOperations})
TOO_LARGE: Final = frozenset(
    {
        StatusCodes.BadTcpMessageTooLarge,
        StatusCodes.BadResponseTooLarge,
        StatusCodes.BadRequestTooLarge,
        StatusCodes.BadEncodingLimitsExceeded,
    }
)

_NAMES: Final = {code: name for code, (name, _) in code_to_name_doc.items()}
_UNREADABLE: Final = np.array(sorted(UNREADABLE), np.uint32)


@cache
def status_name(code: int) -> str:
    """The symbolic name; ``0x80AB0000`` when it has none.

    Of the info bits only the one that tells of lost values shows, as in ``Good (Overflow)``.
    """
    known = _NAMES.get(code & 0xFFFF0000)
    return (known or f"0x{code:08X}") + (" (Overflow)" if code & _INFO_BITS == OVERFLOW else "")


def overflows(codes: np.ndarray) -> int:
    """How many of these values come behind others that their queue had no room for."""
    return int(np.count_nonzero(codes & _INFO_BITS == OVERFLOW))


def quality_codes(codes: np.ndarray) -> np.ndarray:
    """0 good, 1 uncertain, 2 bad for a column of codes, by the two severity bits alone."""
    quality: np.ndarray = np.minimum(codes >> 30, 2).astype(np.int8)
    return quality


def unreadable_rows(codes: np.ndarray) -> list[int]:
    """Rows whose status means that the tag cannot be read at all."""
    rows: list[int] = np.flatnonzero(np.isin(codes & 0xFFFF0000, _UNREADABLE)).tolist()
    return rows


def status_array(codes: np.ndarray) -> pa.DictionaryArray:
    """A column of codes as a dictionary of their names."""
    if not codes.any():
        return constant_dictionary("Good", len(codes))
    encoded = pa.array(codes).dictionary_encode()
    names = [status_name(code) for code in encoded.dictionary.to_pylist()]
    if len(set(names)) < len(names):
        return pa.array([status_name(code) for code in codes.tolist()]).dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices, pa.array(names, pa.string())).cast(
        STATUS
    )


def failure_text(code: int, node: str) -> str:
    """Why a tag cannot be read, for a code in UNREADABLE."""
    name = status_name(code)
    if code & 0xFFFF0000 in (StatusCodes.BadNodeIdUnknown, StatusCodes.BadNodeIdInvalid):
        return f"{UNKNOWN_TAG}: the server has no node {node} ({name})"
    if code & 0xFFFF0000 == StatusCodes.BadUserAccessDenied:
        return f"the user may not read {node} ({name})"
    return f"the server cannot read {node} ({name})"


_NO_SUCH_HISTORY: Final = frozenset(
    {StatusCodes.BadHistoryOperationUnsupported, StatusCodes.BadHistoryOperationInvalid}
)


def history_failure(code: int, node: str, what: str = "history") -> str:
    """Why ``what`` of a tag cannot be read."""
    name = status_name(code)
    if code & 0xFFFF0000 in _NO_SUCH_HISTORY:
        return f"the server keeps no {what} of {node} ({name})"
    if code & 0xFFFF0000 == StatusCodes.BadUserAccessDenied:
        return f"the user may not read the {what} of {node} ({name})"
    if code & 0xFFFF0000 in (StatusCodes.BadNodeIdUnknown, StatusCodes.BadNodeIdInvalid):
        return failure_text(code, node)
    return f"the server cannot read the {what} of {node} ({name})"


def at_time_failure(code: int, node: str) -> str:
    """Why values of a tag at chosen times cannot be read."""
    if code & 0xFFFF0000 in _NO_SUCH_HISTORY:
        return (
            f"the server gives no values of {node} at chosen times ({status_name(code)}); "
            "read its raw samples instead"
        )
    return history_failure(code, node)
