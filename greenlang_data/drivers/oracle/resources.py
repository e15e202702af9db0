"""The resources of a pod and their attributes, as ``describe`` tells them, each asked once.

A child collection is read with its parent and is written ``purchaseOrders/lines``; its rows have
the parent's attributes too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.jsons import read_any
from greenlang_data.drivers.http.message import Ask
from greenlang_data.drivers.odata.edm import EntitySet, Property, Service
from greenlang_data.errors import ProtocolError

HEADERS: Final = {"REST-Framework-Version": "4"}

# Numbers have no declared places, so they are decimals of as many digits as come.
_TYPES: Final = {
    "string": "Edm.String",
    "integer": "Edm.Int64",
    "number": "Edm.Decimal",
    "date": "Edm.Date",
    "datetime": "Edm.DateTimeOffset",
    "boolean": "Edm.Boolean",
}


class Resources:
    """What is known of each resource. ``path`` is where they are below the pod's address."""

    def __init__(self, client: HttpClient, path: str, source: str) -> None:
        self._client = client
        self._path = path.rstrip("/")
        self._source = source
        self.barred: dict[str, str] = {}
        self._known: dict[str, Service] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def path(self, name: str) -> str:
        """The path of a resource."""
        return f"{self._path}/{name}" if name else self._path

    async def model(self, name: str, log: ReadLog) -> Service | None:
        """A resource and its child collections as sets, or None when the pod has none such."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            if name not in self._known:
                described = await self._describe(name, log)
                if described is None:
                    return None
                self._known[name] = described
        return self._known[name]

    async def _describe(self, name: str, log: ReadLog) -> Service | None:
        expected = frozenset({403, 404, 410})
        ask = Ask(f"{self.path(name)}/describe", headers=HEADERS, expected=expected)
        answer = await self._client.ask(ask, log, read_any)
        if answer.status == 403:
            self.barred[name] = f"this login may not read {name}, it lacks a duty role: HTTP 403"
            log.note(self.barred[name])
        if answer.data is None:
            return None
        try:
            about = answer.data["Resources"][name]
            sets = [_entity_set(name, about, {})]
            for child, below in (about.get("children") or {}).items():
                sets.append(_entity_set(f"{name}/{child}", below, sets[0].properties))
        except (KeyError, TypeError, AttributeError):
            raise ProtocolError(
                f"its description of {name} has no attributes", source=self._source
            ) from None
        return Service(4, {one.name: one for one in sets})


def _entity_set(name: str, about: Mapping[str, Any], parent: Mapping[str, Property]) -> EntitySet:
    own = {one["name"]: _property(one, is_child=bool(parent)) for one in about["attributes"]}
    keys = next(
        (
            tuple(one["name"] for one in finder.get("attributes", ()))
            for finder in about.get("finders") or ()
            if finder.get("name") == "PrimaryKey"
        ),
        (),
    )
    if not all(isinstance(one, str) for one in (*own, *keys)):
        raise TypeError("a name of an attribute is no text")
    others = {key: column for key, column in parent.items() if key not in own}
    return EntitySet(name, keys, {**others, **own}, about.get("title"))


def _property(attribute: Mapping[str, Any], *, is_child: bool) -> Property:
    return Property(
        attribute["name"],
        _TYPES.get(attribute.get("type", "string"), "Complex"),
        label=attribute.get("title"),
        # What a child has cannot be asked for by the parent's query.
        filterable=not is_child and attribute.get("queryable") is not False,
    )
