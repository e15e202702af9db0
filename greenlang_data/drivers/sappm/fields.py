"""Which fields a service has for the columns: the first of several, or a date and its time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

_OR: Final = "|"
_AND: Final = "+"


class Source(NamedTuple):
    """A field, and the one with the time of day beside it where there is one."""

    name: str
    time: str | None = None


def resolved(field: str, known: Collection[str]) -> Source | None:
    """What of ``A|B+C`` a service that has the fields ``known`` has; None when it has nothing.

    >>> resolved("A|B+C|B", {"B", "C"}), resolved("A|B+C|B", {"B"})
    (Source(name='B', time='C'), Source(name='B', time=None))
    """
    for choice in field.split(_OR):
        name, _, time = choice.strip().partition(_AND)
        if name in known and (not time or time in known):
            return Source(name, time or None)
    return None


def needed(sources: Mapping[str, Source]) -> list[str]:
    """The fields of ``sources``, each once."""
    names = [one for source in sources.values() for one in source if one is not None]
    return list(dict.fromkeys(names))
