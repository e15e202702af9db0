"""All records that match, page after page, each found by the key of the one before it.

Maximo's own links to the next page count rows, which shift while they are read, or can be read
once only. A condition on the key can be asked again, and neither loses nor repeats a record, as far
as the server keeps to the order that is asked for; its own count proves that it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.maximo.api import MaximoApi, keyless
from greenlang_data.drivers.maximo.dialect import Row
from greenlang_data.drivers.maximo.where import all_of, compared
from greenlang_data.errors import ProtocolError

Key = tuple[Any, ...]


class Pages:
    """Pages of rows in the order of their ``key``, which tells each row from all others.

    Conditions are joined by "and" alone, so "after (site, number)" takes two questions: the rest
    of that site, then the other sites.
    """

    def __init__(
        self,
        api: MaximoApi,
        structure: str,
        key: Sequence[str],
        conditions: Sequence[str],
        params: Sequence[tuple[str, str]],
        log: ReadLog,
        *,
        trust_counts: bool = True,
    ) -> None:
        self.ended = False
        self._api = api
        self._structure = structure
        self._key = tuple(key)
        self._conditions = conditions
        self._params = [*params, ("oslc.orderBy", ",".join(f"+{name}" for name in key))]
        self._log = log
        self._after: Key = ()
        self._level = 0  # how many parts of the key the next question names
        self._before: set[Key] = set()
        self._trust_counts = trust_counts
        self._read = 0
        self._counted: int | None = None  # before the first page
        self._unproven = False

    async def next(self) -> list[Row]:
        """The next page, which may be empty; ``ended`` tells when it was the last.

        After a failure it may be called again, and asks the same again.
        """
        if self._unproven:
            await self._prove()
            return []
        further = self._beyond() if self._level else []
        asked = [*self._params, *all_of([*self._conditions, *further])]
        if not self._after:
            asked.append(("collectioncount", "1"))
        page = await self._api.page(self._structure, asked, self._log)
        if not self._after:
            self._counted = page.total
        self._read += len(page.rows)
        if page.rows:
            self._check(page.rows)
            self._after = _key_of(page.rows[-1], self._key) or ()
        if not page.is_last:
            self._level = len(self._key)
            return page.rows
        # Nothing follows where it was looked: look one step further out. The first question and
        # the outermost one have looked at everything.
        self._level -= 1
        ended = self._level <= 0
        self._unproven = ended and self._counted not in (None, self._read)
        self.ended = ended and not self._unproven
        return page.rows

    async def _prove(self) -> None:
        """Count again: what was deleted meanwhile is not missing, and what was added not twice."""
        params = [*self._params, *all_of(self._conditions)]
        after = await self._api.count(self._structure, params, self._log)
        counts = sorted((after, self._counted or 0))
        if not counts[0] <= self._read <= counts[1]:
            told = f"it counts {after} records of {self._structure} and gave {self._read}"
            if self._trust_counts:
                raise ProtocolError(
                    f"{told}, so some are missing or came twice, and none of them is used",
                    source=self._api.source,
                    remedy="Try again; if its counts are known to be wrong, set "
                    "trust_counts = false.",
                )
            self._log.note(told)
        self.ended = True

    def _check(self, rows: Sequence[Row]) -> None:
        keys = {_key_of(row, self._key) for row in rows}
        found = {one for one in keys if one is not None}
        if len(found) < len(keys):
            raise keyless(self._structure, self._api.source)
        if len(found) < len(rows) or not self._before.isdisjoint(found):
            raise ProtocolError(
                f"it gave a record of {self._structure} twice, so none of them is used",
                source=self._api.source,
                remedy="Try again; if it stays so, it does not keep to the order asked for.",
            )
        self._before = found

    def _beyond(self) -> list[str]:
        """Equal to the last key in all parts but one, and greater in that."""
        *same, last = self._key[: self._level]
        try:
            equal = [
                compared(name, "=", value) for name, value in zip(same, self._after, strict=False)
            ]
            return [*equal, compared(last, ">", self._after[len(same)])]
        except ValueError as error:
            raise ProtocolError(
                f"it cannot be asked for what follows a record: {error}",
                source=self._api.source,
                remedy="Restrict the query to the sites or assets without such keys.",
            ) from None


def _key_of(row: Row, names: Sequence[str]) -> Key | None:
    """The values that tell a record from the others; None when one is missing."""
    key = tuple(row.get(name) for name in names)
    return None if None in key or "" in key else key
