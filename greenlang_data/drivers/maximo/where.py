"""Conditions in Maximo's query language: comparisons joined by ``and``, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import category

# Within a text they would end it, stand for any characters, or hide the next one.
_SPECIAL = ('"', "%", "\\")
# Within a list they could be read as its own.
_OF_LISTS = frozenset("[],")
_NOT_SENT = frozenset({"Cc", "Cs"})  # control characters and halves of characters


def literal(value: str | int) -> str:
    """A value as it stands in a condition. Raises ValueError for text that means more than itself."""
    if isinstance(value, int):
        return str(value)
    text = str(value)
    # A star alone means "not empty", and brackets mean a list.
    if text == "*" or text.startswith("[") or any(sign in text for sign in _SPECIAL):
        raise ValueError(f"{text!r} would be read as a pattern")
    if any(category(sign) in _NOT_SENT for sign in text):
        raise ValueError(f"{text!r} has a character that no address can hold")
    return f'"{text}"'


def compared(attribute: str, operator: str, value: str | int) -> str:
    """``attribute operator value``."""
    return f"{attribute}{operator}{literal(value)}"


def one_of(attribute: str, values: Sequence[str | int]) -> str:
    """``attribute`` equals one of ``values``."""
    if len(values) == 1:
        return compared(attribute, "=", values[0])
    return f"{attribute} in [{','.join(map(literal, values))}]"


def is_listable(value: str | int) -> bool:
    """Whether a value can stand among others; one with marks of lists has to be asked for alone."""
    return not _OF_LISTS.intersection(str(value))


def missing(attribute: str) -> str:
    """``attribute`` has no value."""
    return f'{attribute}!="*"'


def all_of(conditions: Sequence[str]) -> list[tuple[str, str]]:
    """The parameter with all ``conditions``; none where there is none."""
    return [("oslc.where", " and ".join(conditions))] if conditions else []
