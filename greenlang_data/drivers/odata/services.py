"""The services of one system: where each is, and its ``$metadata``, read once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any, Final

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.message import Ask
from greenlang_data.drivers.odata.edm import Service
from greenlang_data.drivers.odata.metadata import read_metadata
from greenlang_data.drivers.odata.profiles import Profile
from greenlang_data.errors import ProtocolError
from greenlang_data.settings.odata import ODataSettings

_XML: Final = ("application/xml", "text/xml", "application/atomsvc+xml")
_UNCHANGED: Final = 304
_FORBIDDEN: Final = 403
_NOT_HERE: Final = frozenset({_FORBIDDEN, 404, 410})
_MOST_KEPT: Final = 32

# ETag and model, of all sessions of this process: the server says whether it still holds. It may
# say so in another language too, which is that of the user where none is asked for.
_kept: OrderedDict[tuple[Any, ...], tuple[str, Service]] = OrderedDict()


class Services:
    """The models of the services that were asked for, each read when first needed."""

    def __init__(
        self, client: HttpClient, settings: ODataSettings, profile: Profile, source: str
    ) -> None:
        self._client = client
        self._settings = settings
        self._profile = profile
        self._source = source
        self.barred: dict[str, str] = {}
        self._models: dict[str, Service] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def path(self, name: str) -> str:
        """The path of a service below the system's address."""
        known = self._settings.services.get(name, name)
        if known.startswith("/"):
            return known.rstrip("/")
        root = self._settings.v4_path if "/" in known else self._settings.v2_path
        return f"{root.rstrip('/')}/{known}"

    async def model(self, name: str, log: ReadLog) -> Service | None:
        """What is in a service, or None when the system has none of that name.

        Raises what HTTP raises, and ProtocolError for metadata that make no sense.
        """
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            if name not in self._models:
                found = await self._read(name, log)
                if found is None:
                    return None
                self._models[name] = found
        return self._models[name]

    @property
    def _user(self) -> tuple[Any, ...]:
        """Who asks: by name, else by the very token, which nothing but itself equals."""
        settings = self._settings
        return (
            settings.login,
            settings.username,
            settings.client_id,
            settings.token,
            settings.api_key,
        )

    async def _read(self, name: str, log: ReadLog) -> Service | None:
        path = f"{self.path(name)}/$metadata"
        params = [one for one in self._profile.params if one[0].startswith("sap-")]
        key = (self._client.resolve(path), *params, *self._profile.headers.items(), *self._user)
        etag, kept = _kept.get(key, ("", None))
        headers = {"Accept": "application/xml", **self._profile.headers}
        if kept is not None:
            headers["If-None-Match"] = etag
        expected = _NOT_HERE if kept is None else _NOT_HERE | {_UNCHANGED}
        ask = Ask(path, params, headers=headers, accept=_XML, expected=expected)
        answer = await self._client.ask(ask, log, read_metadata)
        if answer.status == _UNCHANGED:
            return kept
        if answer.status == _FORBIDDEN:
            # Rights are given service by service, and the same records may be in another.
            self.barred[name] = f"this login may not read the service {name}: HTTP 403"
            log.note(self.barred[name])
        if answer.data is None:
            return None
        if not answer.data.sets:
            raise ProtocolError(
                f"the service {name} has no entity sets",
                source=self._source,
                remedy="Check its name and version, and what this login may see.",
            )
        told = answer.headers.get("ETag")
        if told:
            _kept[key] = (told, answer.data)
            _kept.move_to_end(key)
            if len(_kept) > _MOST_KEPT:
                _kept.popitem(last=False)
        return answer.data
