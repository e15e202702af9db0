"""Rows that a filter should have kept out: many services were written without all of the protocol.

A server compares as it likes, without regard to case, accents, leading zeros or signs between
letters, so only what differs in any reading is a stray; but where there are some it compares
nothing, and of what is alike only what is exactly so was asked for, if any is.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.odata.conditions import Between, Condition, OneOf
from greenlang_data.drivers.odata.question import Question
from greenlang_data.errors import SourceError

# A server may cut seconds off, or have another clock.
_SLACK: Final = timedelta(days=1)


def without_strays(
    question: Question,
    table: pa.Table,
    absent: Collection[str],
    source: str,
    also: pa.ChunkedArray | None = None,
) -> pa.Table:
    """The rows that hold what was asked for, and those of ``also``; others are left out with a word.

    Only of columns that came, of a service that aggregates. Raises SourceError where a limit was
    spent on rows that were not asked for.
    """
    limited = question.limit is not None and table.num_rows >= question.limit
    for condition in question.there:
        name = condition.column.name
        if name not in table.schema.names or name in absent:
            continue
        values = table.column(name)
        exact = pa.chunked_array([condition.mask(one) for one in values.chunks], pa.bool_())
        fits, some_are_exact = _fits(condition, values, exact), pc.any(exact).as_py()
        if also is not None:
            fits, exact = pc.or_(fits, also), pc.or_(exact, also)
        if pc.all(fits, min_count=0).as_py():
            continue
        fits = exact if some_are_exact else fits
        strays = table.num_rows - (pc.sum(fits).as_py() or 0)
        if limited:
            raise SourceError(
                f"it does not filter by {condition.name}: {strays} records hold something else",
                source=source,
                remedy="Ask with limit=None, so that all can be read and filtered here.",
            )
        question.log.caution(
            f"{strays} records that hold something else in {condition.name} were left out here, "
            "since the server did not filter by it"
        )
        table = table.filter(fits)
        also = also and also.filter(fits)
    return table


def _fits(condition: Condition, values: pa.ChunkedArray, exact: pa.ChunkedArray) -> pa.ChunkedArray:
    """What is as was asked for in some reading; ``exact`` tells what is in ours."""
    if pc.all(exact, min_count=0).as_py():
        return exact
    others = values.filter(pc.invert(exact)).unique()
    if isinstance(condition, Between):
        wider = replace(
            condition,
            low=condition.low and condition.low - _SLACK,
            high=condition.high and condition.high + _SLACK,
            # A system without null compares a date that is none as the earliest.
            or_missing=condition.or_missing or condition.low is None,
        )
        like = others.filter(wider.mask(others))
    elif isinstance(condition, OneOf):
        wanted = [_loosened(one) for one in condition.values]
        kept = [any(_alike(_loosened(one), each) for each in wanted) for one in others.to_pylist()]
        like = others.filter(pa.array(kept, pa.bool_()))
    else:
        return exact
    return pc.or_(exact, pc.is_in(values, value_set=like))


def _loosened(value: Any) -> Any:
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    letters = unicodedata.normalize("NFKD", value).casefold()
    plain = "".join(filter(str.isalnum, letters))
    # Signs alone are no missing text.
    return plain.lstrip("0") if plain else value.strip()


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-6)
    return bool(one == other)
