"""SuiteQL: what is selected, under which conditions, in which order.

Dates are always selected as text of one form, since by themselves they come in the form that the
user of the login prefers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from greenlang_data.drivers.odata.conditions import Between, Condition, OneOf
from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.keyset import alternatives_after
from greenlang_data.drivers.odata.question import Question
from greenlang_data.drivers.odata.values import INTEGERS

_FORMS: Final = {"Edm.Date": "YYYY-MM-DD", "Edm.DateTime": 'YYYY-MM-DD"T"HH24:MI:SS'}


def page_query(question: Question, keys: Sequence[Property], last: Sequence[Any]) -> str:
    """The rows after the key ``last`` (all for an empty one), in the order of the key."""
    selected = ", ".join(f"{_selected(one)} AS c{n}" for n, one in enumerate(question.read))
    after = [_after(keys, last)] if last else []
    order = ", ".join(one.name for one in keys)
    return f"SELECT {selected} {_from(question, after)} ORDER BY {order}"


def count_query(question: Question) -> str:
    """How many rows there are."""
    return f"SELECT COUNT(*) AS c0 {_from(question, [])}"


def _from(question: Question, more: Sequence[str]) -> str:
    place = question.chosen.place
    # In parentheses: an OR in it would let rows through that the other conditions exclude.
    own = [f"({place.where})"] if place.where else []
    tests = [*own, *map(_test, question.there), *more]
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    return f"FROM {place.name}{where}"


def _selected(column: Property) -> str:
    form = _FORMS.get(column.type)
    return f"TO_CHAR({column.name}, '{form}')" if form else column.name


def _after(keys: Sequence[Property], last: Sequence[Any]) -> str:
    branches = [" AND ".join(one) for one in alternatives_after(keys, last, _literal)]
    return f"({' OR '.join(f'({one})' for one in branches)})"


def _test(condition: Condition) -> str:
    name, column = condition.column.name, condition.column
    if isinstance(condition, Between):
        both = " AND ".join(condition.tests(_literal))
        return f"({both} OR {name} IS NULL)" if condition.or_missing else both
    assert isinstance(condition, OneOf)
    values = ", ".join(_literal(column, one) for one in condition.values if one is not None)
    tests = [f"{name} IN ({values})"] if values else []
    if None in condition.values:
        tests.append(f"{name} IS NULL")
    return f"({' OR '.join(tests)})"


def _literal(column: Property, value: Any) -> str:
    if column.type in INTEGERS:
        return str(value)
    if column.type == "Edm.Decimal":
        return f"{value:f}"
    if column.type == "Edm.Boolean":
        return "'T'" if value else "'F'"
    if column.type == "Edm.Date":
        return f"TO_DATE('{value.isoformat()}', 'YYYY-MM-DD')"
    if column.type == "Edm.DateTime":
        return f"TO_DATE('{value:%Y-%m-%d %H:%M:%S}', 'YYYY-MM-DD HH24:MI:SS')"
    return "'" + str(value).replace("'", "''") + "'"
