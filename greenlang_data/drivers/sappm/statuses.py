"""What SAP's statuses mean. An order has many at once, in one line of words of up to four letters.

Source: SAP's system statuses (table TJ02T), here in English and German, and their internal codes;
the German ones and the codes but I0001, I0002, I0045, I0046 and I0076 are unverified.
``status_map`` overrides all, by a word or a code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from greenlang_data.drivers.cmms.entities import UNKNOWN
from greenlang_data.drivers.sappm.sets import FLAGS

# The most advanced first: of all that an order has, that is what it is.
_ORDER: Final = (
    ("deleted", ("DLFL", "DLT", "I0076", "LOVM", "LÖVM", "LÖKZ")),
    ("closed", ("CLSD", "I0046", "ABGS")),
    ("cancelled", ("NCMP", "NDUR")),
    ("completed", ("TECO", "I0045", "TABG")),
    ("work_done", ("CNF", "RÜCK", "RUECK")),
    ("in_progress", ("PCNF", "TRÜC", "TRUE")),
    ("released", ("REL", "PREL", "I0002", "FREI", "TFRE")),
    ("created", ("CRTD", "I0001", "EROF", "ERÖF")),
)
_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {word: meaning for meaning, words in _ORDER for word in words}
)
_RANKS: Final[Mapping[str, int]] = MappingProxyType(
    {word: rank for rank, (_, words) in enumerate(_ORDER) for word in words}
)
LOCKED: Final = frozenset({"LKD", "GESP"})
LONGEST_LINE: Final = 40
"""A line of so many letters may have been cut off."""

CODES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({
    "notification": {
        "1": "requested", "2": "awaiting", "3": "in_progress", "4": "completed", "5": "deleted",
    },
    "pm": {"I0002": "active", "I0320": "inactive", "I0076": "deleted"},
})  # fmt: skip
"""Statuses that are told by one code; but the notification's 1 they are unverified."""


def of_words(words: Iterable[str], overrides: Mapping[str, str]) -> str | None:
    """The meaning of the most advanced of ``words``; None for none, unknown for others only.

    A word of ``overrides`` keeps its rank when it is known here, else it counts before all others.
    """
    words = list(words)
    known = [word for word in words if word in _RANKS or word in overrides]
    if not known:
        return UNKNOWN if words else None
    first = min(known, key=lambda word: _RANKS.get(word, -1))
    return overrides.get(first) or _WORDS[first]


def possible(status: str | None, entity: str, overrides: Mapping[str, str]) -> set[str]:
    """All that statuses may mean, where they are told by words, a code or flags."""
    known = {"words": _WORDS, "code": CODES.get(entity, {}), "flags": FLAGS}.get(status or "", {})
    return {*known.values(), *overrides.values()}


def of_code(entity: str, code: str | None, overrides: Mapping[str, str]) -> str | None:
    """The meaning of one code."""
    if not code:
        return None
    return overrides.get(code) or CODES.get(entity, {}).get(code, UNKNOWN)


def codes_of(entity: str, wanted: Iterable[str], overrides: Mapping[str, str]) -> list[str] | None:
    """The codes that mean ``wanted``; None where they cannot be told by codes."""
    wanted, known = set(wanted), CODES.get(entity, {})
    if overrides or not wanted <= set(known.values()):
        return None
    return sorted(code for code, meaning in known.items() if meaning in wanted)
