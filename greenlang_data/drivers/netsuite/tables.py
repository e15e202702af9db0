"""What SuiteQL is asked of: tables and joins with typed expressions.

NetSuite does not tell the types of SuiteQL's columns, so the places name them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.odata.choosing import Chosen, choose
from greenlang_data.drivers.odata.edm import EntitySet, Property, Service
from greenlang_data.drivers.places import Place
from greenlang_data.errors import UnknownTagError

_TYPES: Final = {
    "text": "Edm.String",
    "integer": "Edm.Int64",
    "decimal": "Edm.Decimal",
    "boolean": "Edm.Boolean",
    "date": "Edm.Date",
    # On the account's clock, whose zone is not told.
    "datetime": "Edm.DateTime",
}


class Tables:
    """The places of a request as sets; columns are SuiteQL expressions."""

    def __init__(self, places: Iterable[Place]) -> None:
        self.barred: dict[str, str] = {}
        self._sets: dict[str, dict[str, EntitySet]] = {}
        for place in places:
            if not place.key:  # rows without a key have no order in which they could be read
                continue
            self._sets.setdefault(place.service, {})[place.name] = _entity_set(place)

    def path(self, name: str) -> str:
        """Nothing: all of it is SuiteQL."""
        return name

    async def model(self, name: str, log: ReadLog) -> Service | None:
        """What is configured for a service."""
        return Service(4, self._sets[name]) if name in self._sets else None


async def choose_table(tables: Tables, request: Records, log: ReadLog, source: str) -> Chosen:
    """The place that answers ``request``. Raises what :func:`choose` raises."""
    try:
        return await choose(tables, request, log, source)
    except UnknownTagError as error:
        raise UnknownTagError(
            error.what,
            source=source,
            remedy=f"{error.remedy} SuiteQL tells no columns, so any other table needs service = "
            '"suiteql", name, key, columns and types under entities; a record is read by its '
            'number as "record/vendor".',
        ) from None


def _entity_set(place: Place) -> EntitySet:
    names = dict.fromkeys([*place.key, *place.columns.values(), *place.types])
    columns = {
        name: Property(name, _TYPES.get(place.types.get(name, "text"), "Edm.String"))
        for name in names
    }
    return EntitySet(place.name, place.key, columns)
