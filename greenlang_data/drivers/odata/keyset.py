"""The rows after a row, by their keys: pages that no insertion or deletion can shift."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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


def alternatives_after(
    keys: Sequence[Property], last: Sequence[Any], write: Callable[[Property, Any], str]
) -> list[list[str]]:
    """The alternatives of a key greater than ``last``, each of tests that all hold.

    ``write`` makes a literal of a value of the column.

    >>> a, b = Property("A", "Edm.Int64"), Property("B", "Edm.Int64")
    >>> alternatives_after([a, b], [7, 8], lambda column, value: str(value))
    [['A > 7'], ['A = 7', 'B > 8']]
    """
    return _alternatives(keys, last, write, "=", [">"] * len(keys))


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
    keys: Sequence[Property], row: Mapping[str, Any], version: int, signs: Sequence[str]
) -> str:
    alternatives = _alternatives(
        keys,
        [row[one.name] for one in keys],
        lambda column, value: literal(column, value, version),
        "eq",
        signs,
    )
    tests = [f"({' and '.join(one)})" if len(one) > 1 else one[0] for one in alternatives]
    return tests[0] if len(tests) == 1 else f"({' or '.join(tests)})"


def _alternatives(
    keys: Sequence[Property],
    row: Sequence[Any],
    write: Callable[[Property, Any], str],
    equal: str,
    signs: Sequence[str],
) -> list[list[str]]:
    """One alternative for each column: those before it ``equal`` the row's, itself by its sign."""
    found = []
    for place, column in enumerate(keys):
        before = zip(keys[:place], row[:place], strict=True)
        same = [f"{one.name} {equal} {write(one, value)}" for one, value in before]
        found.append([*same, f"{column.name} {signs[place]} {write(column, row[place])}"])
    return found
