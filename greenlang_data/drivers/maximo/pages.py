"""All records that match, page after page, each found by the key of the one before it.

Maximo's own links to the next page count rows, which shift while they are read, or can be read
once only. A condition on the key can be asked again, and neither loses nor repeats a record.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.maximo.api import MaximoApi, keyless
from greenlang_data.drivers.maximo.dialect import Row
from greenlang_data.drivers.maximo.where import all_of, compared
from greenlang_data.errors import ProtocolError

Key = tuple[Any, ...]


def key_of(row: Row, names: Sequence[str]) -> Key | None:
    """The values that tell a record from the others; None when one is missing."""
    key = tuple(row.get(name) for name in names)
    return None if None in key or "" in key else key


async def pages(
    api: MaximoApi,
    structure: str,
    key: Sequence[str],
    conditions: Sequence[str],
    params: Sequence[tuple[str, str]],
    after: Key | None,
    log: ReadLog,
) -> AsyncGenerator[list[Row], None]:
    """Pages of rows in the order of their ``key``, those after the key ``after``.

    Conditions are joined by "and" alone, so "after (site, number)" takes two questions: the rest
    of that site, then the other sites.
    """
    order = ("oslc.orderBy", ",".join(f"+{name}" for name in key))
    level = 0 if after is None else len(key)
    before: set[Key] = set()
    while True:
        further = [] if after is None else _after(key[:level], after, api.source)
        asked = [*params, order, *all_of([*conditions, *further])]
        page = await api.page(structure, asked, log)
        if page.rows:
            keys = _keys(page.rows, key, structure, api.source)
            if len(keys) < len(page.rows) or not before.isdisjoint(keys):
                raise ProtocolError(
                    f"it gave a record of {structure} twice, so none of them is used",
                    source=api.source,
                    remedy="Try again; if it stays so, it does not keep to the order asked for.",
                )
            after, before = key_of(page.rows[-1], key), keys
            yield page.rows
        if not page.is_last:
            level = len(key)
            continue
        # Nothing follows where it was looked: look one step further out. The first question and
        # the outermost one have looked at everything.
        level -= 1
        if level <= 0:
            return


def _keys(rows: Sequence[Row], names: Sequence[str], structure: str, source: str) -> set[Key]:
    keys = {key_of(row, names) for row in rows}
    found = {one for one in keys if one is not None}
    if len(found) < len(keys):
        raise keyless(structure, source)
    return found


def _after(names: Sequence[str], key: Key, source: str) -> list[str]:
    """Equal in all of ``names`` but the last, and greater in that."""
    *same, last = names
    try:
        equal = [compared(name, "=", value) for name, value in zip(same, key, strict=False)]
        return [*equal, compared(last, ">", key[len(same)])]
    except ValueError as error:
        raise ProtocolError(
            f"it cannot be asked for what follows a record: {error}",
            source=source,
            remedy="Restrict the query to the sites or assets without such keys.",
        ) from None
