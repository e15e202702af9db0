"""The right name for a wrong one: what an error says of a name that is not there."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Set

# A slip, a plural or an abbreviation. At 0.5 "mean" would become "min", which is another thing.
_ALIKE = 0.6


def nearest(
    name: str, known: Iterable[str], *, most: int = 1, alike: float = _ALIKE
) -> tuple[str, ...]:
    """Up to ``most`` of the known names that are like ``name``, whatever the case; the nearest first.

    ``alike`` is the least ratio of difflib's SequenceMatcher, 0 to 1.

    >>> nearest("so2c", ["SO2", "SO2C"]), nearest("x", ["01", "02"])
    (('SO2C',), ())
    """
    folded: dict[str, str] = {}
    for one in known:
        folded.setdefault(one.casefold(), one)
    close = difflib.get_close_matches(name.casefold(), folded, n=most, cutoff=alike)
    return tuple(folded[one] for one in close)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?`` with the nearest of the known names, or nothing.

    >>> did_you_mean("Temprature", ["Temperature", "Pressure"])
    "did you mean 'Temperature'?"
    """
    close = nearest(name, known)
    return f"did you mean {close[0]!r}?" if close else ""


def nearest_or_all(name: str, right: Collection[str]) -> str:
    """``did you mean 'x'?``, or what there is when nothing is like ``name``.

    >>> nearest_or_all("so2c", ["SO2", "SO2C"]), nearest_or_all("x", ["01", "02"])
    ("did you mean 'SO2C'?", 'write 01 or 02')
    """
    return did_you_mean(name, right) or f"write {either(_in_order(right))}"


def nearest_and_all(name: str, known: Iterable[str], label: str = "There are") -> str:
    """A remedy of whole sentences: the nearest, and then all under ``label``.

    >>> nearest_and_all("plant", ["plant1", "ledger"], "Configured")
    "Did you mean 'plant1'? Configured: plant1, ledger."
    """
    names = _in_order(known)
    hint = did_you_mean(name, names)
    return f"{sentence(hint)} {label}: {', '.join(names) or 'none'}.".lstrip()


def either(words: Collection[str]) -> str:
    """``a, b or c``.

    >>> either(["holding", "input", "coil"])
    'holding, input or coil'
    """
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def sentence(hint: str) -> str:
    """``hint`` with a capital letter, its names left as they are."""
    return hint[:1].upper() + hint[1:]


def _in_order(names: Iterable[str]) -> list[str]:
    """As they are given, except that a set, which has no order, is sorted."""
    return sorted(names) if isinstance(names, Set) else list(names)
