"""Sets of the SAP Gateway emulator that add up what the columns asked for do not tell apart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from .erp_live import Table
from .erp_rows import Row

MEASURES = {"GLAccountLineItem": ("AmountInCompanyCodeCurrency", "Quantity")}
"""By such a set: the columns that are added up; all the others are dimensions."""


def totals(table: Table, places: Iterable[int], names: Sequence[str]) -> Table:
    """The rows of ``places``, added up over the dimensions that are not among ``names``.

    The key is a text made of those that are. A name of its own keeps its rows from being taken
    for those of another question.
    """
    measures = MEASURES[table.name]
    dimensions = [one for one in names if one not in measures and one not in table.keys]
    found: dict[tuple[object, ...], Row] = {}
    for place in places:
        row = table.make(place)
        group = tuple(row[one] for one in dimensions)
        if group not in found:
            found[group] = {**row, **dict.fromkeys(table.keys, f".1~{'~'.join(map(str, group))}")}
            continue
        for one in measures:
            found[group][one] += row[one]
    rows = list(found.values())
    digest = hashlib.sha256(repr((dimensions, list(found))).encode()).hexdigest()[:8]
    return table._replace(name=f"{table.name}_{digest}", make=rows.__getitem__, rows=len(rows))
