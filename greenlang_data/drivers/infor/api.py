"""Requests to Infor EAM's REST web services."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.exchange import Decode
from greenlang_data.drivers.http.faults import refusal
from greenlang_data.drivers.http.message import Answer, Ask
from greenlang_data.drivers.http.tokens import needed
from greenlang_data.drivers.infor.login import infor_login
from greenlang_data.drivers.infor.wire import (
    Page,
    collection_reader,
    explain,
    lost_session,
    read_grid,
)
from greenlang_data.settings.cmms import CmmsSettings

_EXPECTED: Final = frozenset({400})


class Filter(NamedTuple):
    """A comparison of a grid's field; all of a request's have to hold."""

    field: str
    operator: str
    value: str


class InforApi:
    """One Infor EAM system, below ``/axis/restservices``."""

    def __init__(self, settings: CmmsSettings, source: str) -> None:
        self.source = source
        self._login = infor_login(settings, source)
        self.client = HttpClient(
            settings.api_url, settings, source, explain=explain, login=self._login
        )
        self._headers = {
            "tenant": needed(settings.tenant, "tenant", "infor", source),
            "organization": needed(settings.organization, "organization", "infor", source),
            **({"role": settings.role} if settings.role else {}),
        }

    async def close(self) -> None:
        """Close idle connections; never raises."""
        await self.client.close()

    async def grid(
        self,
        name: str,
        dataspy: str,
        filters: Sequence[Filter],
        sort: str,
        position: int,
        rows: int,
        log: ReadLog,
    ) -> Page:
        """A page of a grid from ``position`` on. Raises what HTTP raises."""
        body = {
            "GRID": {
                "GRID_NAME": name,
                "USER_FUNCTION_NAME": name,
                "NUMBER_OF_ROWS_FIRST_RETURNED": rows,
                "CURSOR_POSITION": position,
            },
            "GRID_TYPE": {"TYPE": "LIST"},
            "REQUEST_TYPE": "LIST.HEAD_DATA.STORED",
            "DATASPY": {"DATASPY_ID": dataspy},
            "LOCALIZE_RESULT": "false",
            "ADDON_SORT": {"ALIAS_NAME": sort, "TYPE": "ASC"},
            **_filters(filters),
        }
        # It only queries; grids take no other method.
        ask = Ask(
            "grids",
            method="POST",
            content=json.dumps(body).encode(),
            headers=self._headers,
            expected=_EXPECTED,
        )
        return await self._asked(ask, log, read_grid)

    async def collection(self, path: str, within: str, position: int, log: ReadLog) -> Page:
        """A page of the entities called ``within``. Raises what HTTP raises."""
        headers = {**self._headers, "cursorposition": str(position)}
        ask = Ask(path, headers=headers, expected=_EXPECTED)
        return await self._asked(ask, log, collection_reader(within))

    async def _asked(self, ask: Ask, log: ReadLog, decode: Decode[Page]) -> Page:
        """The page; when the session was lost it is asked for once more, in a new one."""
        answer = await self._ask(ask, log, decode)
        if answer.data is None and lost_session(answer.body):
            self._login.session = None
            answer = await self._ask(ask, log, decode)
        if answer.data is None:
            raise refusal(answer.status, answer.headers, answer.body, explain, self.source)
        return answer.data

    async def _ask(self, ask: Ask, log: ReadLog, decode: Decode[Page]) -> Answer[Page]:
        answer = await self.client.ask(ask, log, decode)
        opened = answer.headers.get("sessionid")
        if opened:
            self._login.session = opened
        return answer


def _filters(filters: Sequence[Filter]) -> Mapping[str, Any]:
    entries = [
        {
            "ALIAS_NAME": one.field,
            "OPERATOR": one.operator,
            "VALUE": one.value,
            "JOINER": "AND",
            "SEQNUM": place,
        }
        for place, one in enumerate(filters, start=1)
    ]
    return {"MULTIADDON_FILTERS": {"MADDON_FILTER": entries}} if entries else {}
