"""Where records are kept: a system's own names for what callers name canonically."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """One place where a system may keep the records of an entity.

    Parameters
    ----------
    service : the part of the system, such as the path of an OData service.
    name : the set, resource or table there, by the system's own name.
    columns : the canonical name of a column to the system's own.
    date : the column, by its canonical name, that ``start`` and ``end`` bound.
    key : the columns of the key, by the system's own names, where the system does not tell them.
    days : canonical names of columns that hold calendar days and are told as points in time.
    texts : canonical names of columns that are texts here, though the system may tell whole numbers.
    types : what the columns hold, where the system does not tell: text, integer, decimal, boolean,
        date or datetime. ``text`` also for a time of OData that is wanted as it is written.
    where : what all rows fulfil, in the system's own language.
    """

    service: str
    name: str
    columns: Mapping[str, str] = field(default_factory=dict)
    date: str | None = None
    key: tuple[str, ...] = ()
    days: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    types: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
