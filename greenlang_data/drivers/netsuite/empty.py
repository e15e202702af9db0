"""Empty texts: NetSuite has none, and a comparison with one holds for no record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from greenlang_data.drivers.odata.conditions import Condition, OneOf
from greenlang_data.drivers.odata.question import Question


def without_empty_texts(question: Question) -> Question:
    """``question`` with missing values where it asks for empty texts, which it then says."""
    there, here = (tuple(map(_missing, each)) for each in (question.there, question.here))
    if (there, here) != (question.there, question.here):
        question.log.note("NetSuite keeps no empty texts, so '' was taken for a missing value")
    return replace(question, there=there, here=here)


def _missing(condition: Condition) -> Condition:
    if not isinstance(condition, OneOf):
        return condition
    return replace(
        condition, values=_distinct(one if one != "" else None for one in condition.values)
    )


def _distinct(values: Iterable[object]) -> tuple[object, ...]:
    return tuple(dict.fromkeys(values))
