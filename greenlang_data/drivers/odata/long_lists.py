"""A filter by more values than an address has room for, in several questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from greenlang_data.drivers.odata.changes import BEGIN, link_of
from greenlang_data.drivers.odata.conditions import OneOf
from greenlang_data.drivers.odata.question import LONGEST_FILTER, Question, too_long


def in_parts(question: Question, source: str) -> list[Question]:
    """Questions whose answers together are that of ``question``: of some of the values each.

    A row has one value in a column, so it is in one answer; they are in the order of the values,
    and so in that of the key where it begins with the column. Raises QueryError where the filter
    is too long for another reason than one list of values.
    """
    if len(question.condition) <= LONGEST_FILTER:
        return [question]
    lists = [one for one in question.there if isinstance(one, OneOf)]
    if question.since == BEGIN or link_of(question.since) is not None or not lists:
        raise too_long(source)
    version = question.chosen.version
    long = max(lists, key=lambda one: len(one.rendered(version)))
    room = LONGEST_FILTER - len(question.condition) + len(long.rendered(version))
    parts = []
    for values in _fitting(long, room, version):
        some = replace(long, values=tuple(values))
        there = tuple(some if one is long else one for one in question.there)
        parts.append(replace(question, there=there))
        if len(parts[-1].condition) > LONGEST_FILTER:
            raise too_long(source)
    if question.keys[:1] != (long.column.name,):
        question.log.note(f"records are in the order of {long.name}, and not in that of their key")
    question.log.note(f"asked in {len(parts)} parts, by some values of {long.name} each")
    return parts


def _fitting(condition: OneOf, room: int, version: int) -> Iterator[Sequence[Any]]:
    """The values in their order, as many at once as are written in ``room`` characters."""
    some: list[Any] = []
    length = 0
    for value in sorted(condition.values, key=lambda one: (one is None, one)):
        more = len(replace(condition, values=(value,)).rendered(version)) + len(" or ")
        if some and length + more > room:
            yield some
            some, length = [], 0
        some.append(value)
        length += more
    yield some
