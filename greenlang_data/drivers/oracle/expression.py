"""Conditions in the query language of Fusion's REST framework, version 2 and later.

It is written without parentheses, as alternatives of conditions that all hold: ``and`` binds
tighter than ``or``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from typing import Any, Final

from greenlang_data.drivers.odata.conditions import Between, Condition, OneOf
from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.keyset import alternatives_after
from greenlang_data.drivers.odata.values import INTEGERS

_PLAIN: Final = re.compile(r"[\w .-]*")


def expression(conditions: Sequence[Condition], after: Sequence[Sequence[str]] = ((),)) -> str:
    """All of ``conditions`` and one of the alternatives in ``after``."""
    each = [_alternatives(one) for one in conditions]
    branches = [[*more, *parts] for parts in product(*each) for more in after]
    return " or ".join(" and ".join(branch) for branch in branches)


def rows_after(keys: Sequence[Property], last: Sequence[Any]) -> list[list[str]]:
    """The alternatives of a key that is greater than ``last``.

    >>> rows_after([Property("A", "Edm.Int64"), Property("B", "Edm.String")], [7, "x"])
    [['A > 7'], ['A = 7', "B > 'x'"]]
    """
    return alternatives_after(keys, last, _literal)


def _alternatives(condition: Condition) -> list[str]:
    name, column = condition.column.name, condition.column
    if isinstance(condition, Between):
        missing = [f"{name} IS NULL"] if condition.or_missing else []
        return [" and ".join(condition.tests(_literal)), *missing]
    assert isinstance(condition, OneOf)
    found = [f"{name} IS NULL"] if None in condition.values else []
    values = [_literal(column, one) for one in condition.values if one is not None]
    if len(values) > 1 and all(_PLAIN.fullmatch(one.strip("'")) for one in values):
        return [*found, f"{name} IN ({','.join(values)})"]
    return [*found, *(f"{name} = {one}" for one in values)]


def _literal(column: Property, value: Any) -> str:
    if column.type in INTEGERS:
        return str(value)
    if column.type == "Edm.Decimal":
        return f"{value:f}"
    if column.type == "Edm.Boolean":
        return "true" if value else "false"
    text = value if isinstance(value, str) else value.isoformat()
    return "'" + text.replace("'", "''") + "'"
