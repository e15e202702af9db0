"""The rows after a row, by their keys: pages that no insertion or deletion can shift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from greenlang_data.drivers.odata.edm import EntitySet, Property
from greenlang_data.drivers.odata.literals import literal
from greenlang_data.drivers.odata.values import INTEGERS

_IN_ORDER: Final = frozenset(
    {
        "Edm.String",
        "Edm.Guid",
        "Edm.Decimal",
        "Edm.Date",
        "Edm.DateTime",
        "Edm.DateTimeOffset",
        *INTEGERS,
    }
)


def key_columns(entities: EntitySet) -> tuple[Property, ...]:
    """The columns of the key where rows can be sorted and compared by them, else none."""
    found = [entities.properties.get(key) for key in entities.keys]
    fit = [
        one
        for one in found
        if one is not None and one.sortable and one.filterable and one.type in _IN_ORDER
    ]
    return tuple(fit) if len(fit) == len(found) else ()


def rows_after(keys: Sequence[Property], last: Mapping[str, Any], version: int) -> str:
    """The condition of the rows whose key is greater than that of the row ``last``.

    >>> a, b = Property("A", "Edm.String"), Property("B", "Edm.Int32")
    >>> rows_after([a, b], {"A": "x", "B": 7}, 4)
    "(A gt 'x' or (A eq 'x' and B gt 7))"
    """
    return _compared(keys, last, version, ["gt"] * len(keys))


def rows_up_to(keys: Sequence[Property], last: Mapping[str, Any], version: int) -> str:
    """The condition of all other rows: that of ``last``, and those whose key is smaller.

    >>> a, b = Property("A", "Edm.String"), Property("B", "Edm.Int32")
    >>> rows_up_to([a, b], {"A": "x", "B": 7}, 4)
    "(A lt 'x' or (A eq 'x' and B le 7))"
    """
    return _compared(keys, last, version, [*["lt"] * (len(keys) - 1), "le"])


def _compared(
    keys: Sequence[Property], row: Mapping[str, Any], version: int, how: Sequence[str]
) -> str:
    tests = []
    for place, column in enumerate(keys):
        same = [f"{one.name} eq {literal(one, row[one.name], version)}" for one in keys[:place]]
        test = f"{column.name} {how[place]} {literal(column, row[column.name], version)}"
        tests.append(f"({' and '.join([*same, test])})" if same else test)
    return tests[0] if len(tests) == 1 else f"({' or '.join(tests)})"
