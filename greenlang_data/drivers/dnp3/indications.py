"""Internal indications: what an outstation says about itself in every response."""

from __future__ import annotations

from typing import Final

RESTARTED: Final = 1 << 7
FUNCTION_UNKNOWN: Final = 1 << 8
OBJECT_UNKNOWN: Final = 1 << 9
PARAMETER_ERROR: Final = 1 << 10
EVENTS_LOST: Final = 1 << 11
REQUEST_ERRORS: Final = FUNCTION_UNKNOWN | OBJECT_UNKNOWN | PARAMETER_ERROR
"""With one of these an answer lacks something that was asked for, or all of it."""

_REFUSALS: Final = {
    FUNCTION_UNKNOWN: "it does not know this function (IIN2.0)",
    OBJECT_UNKNOWN: "it does not know such objects (IIN2.1)",
    PARAMETER_ERROR: "it has nothing in that range (IIN2.2)",
}
_NOTES: Final = {
    1 << 4: "the outstation asks for the time: its time stamps may be wrong",
    1 << 5: "the outstation says that some of its points are under local control",
    1 << 6: "the outstation reports trouble with itself",
    1 << 13: "the outstation says that its configuration is corrupt",
}


def notes(bits: int) -> list[str]:
    """What a reader of the numbers must know.

    >>> notes(0x0040)
    ['the outstation reports trouble with itself']
    """
    return [sentence for bit, sentence in _NOTES.items() if bits & bit]


def refusal(bits: int) -> str:
    """What an outstation says was wrong with a request; empty when nothing was.

    >>> refusal(0x0280)
    'it does not know such objects (IIN2.1)'
    """
    return ", ".join(sentence for bit, sentence in _REFUSALS.items() if bits & bit)
