"""What every room of the PI emulator shares: knobs, credentials, limits, parameters and pages."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from . import pi_assets, pi_call, pi_times, pi_webid
from .historian_access import ACCESS_DEFAULTS, RateLimit, Tokens, basic_is_right, bearer_is_right
from .historian_http import Answer, Emulator, Refused, Request
from .pi_points import WEB_ID_KINDS, Points
from .pi_values import refuse

CHALLENGE = {"WWW-Authenticate": 'Negotiate, NTLM, Basic realm="127.0.0.1"'}


class PiDoor(Emulator):
    """Knobs, credentials, limits and parameters: what every room of the emulator shares."""

    path = "/piwebapi"
    defaults: ClassVar[dict[str, Any]] = {
        **Emulator.defaults,
        **ACCESS_DEFAULTS,
        "auth": "anonymous",  # anonymous, basic, bearer or kerberos (which nobody passes)
        "csrf": True,
        "now": "2026-01-01T00:00:00Z",  # an ISO time, or real
        "time_zone": "Europe/Berlin",
        "max_returned": 150_000,
        "cap_accounting": "stream",  # stream or call
        "silent_cap": 0,
        "search_max": 1000,
        "key_order": "new",  # new or old
        "web_id_type": "Full",
        "web_id_2": True,  # False: made WebIDs are not known, as before 2017 R2
        "query_limit": 2048,
        "url_limit": 4096,
        "next_links": "none",  # none, right, loop or foreign
        "link_origin": "",  # where links point to instead of here
        "streamset_unknown": "fail",  # fail, or items: the stream carries Errors
        "denied": [],  # names of tags that answer 403
        "outside": "nearest",  # nearest: an event on the boundary counts; strict: it does not
        "non_numeric_summary": "bad",  # bad or 409
    }

    def __init__(self, bulk: int = 2_500) -> None:
        super().__init__()
        self.points = Points(bulk)
        tags = {point.tag.name: point.tag for point in self.points.all}
        self.attributes = pi_assets.attributes(tags)
        self.tokens, self.rate = Tokens(), RateLimit()

    def reset(self) -> None:
        super().reset()
        self.tokens.clear()
        self.rate = RateLimit()

    # --- the door ------------------------------------------------------------------------

    def _check_length(self, request: Request) -> None:
        query = urlsplit(request.target).query
        long = len(query) > self.knob("query_limit") or len(request.target) > self.knob("url_limit")
        if long:
            page = "<html><body>HTTP Error 404.15 - Not Found: query string too long</body></html>"
            raise Refused(Answer(404, page, content_type="text/html"))

    def _check_credentials(self, request: Request) -> None:
        scheme = self.knob("auth")
        right = {
            "anonymous": lambda: True,
            "basic": lambda: basic_is_right(self, request, "user", "password"),
            "bearer": lambda: bearer_is_right(self.tokens, request),
            "kerberos": lambda: False,
        }[scheme]()
        if not right:
            challenge = {"WWW-Authenticate": "Bearer"} if scheme == "bearer" else CHALLENGE
            page = "<html><body>401 - Unauthorized</body></html>"
            raise Refused(Answer(401, page, dict(challenge), "text/html"))

    # --- parameters ----------------------------------------------------------------------

    def _kind(self, request: Request) -> str:
        name = request.one("webIdType") or self.knob("web_id_type")
        kind = WEB_ID_KINDS.get(name.lower())
        if kind is None:
            raise refuse(400, f"The WebID type '{name}' is not valid.")
        return kind

    @property
    def _links(self) -> str:
        return self.knob("link_origin") or self.origin

    def _now(self) -> int:
        text = self.knob("now")
        if text == "real":
            return time.time_ns() // 100
        return pi_times.parse(text, 0, ZoneInfo("UTC"))

    def _page(self, request: Request, rows: list[Any], most: int) -> dict[str, Any]:
        """One page of a list; the caller gets the rows it asked for and no word about more."""
        count, start = self._whole(request, "maxCount", 1000), self._whole(request, "startIndex", 0)
        if count > most:
            raise pi_call.over_cap("maxCount", most)
        links: dict[str, str] = {}
        form = self.knob("next_links")
        if form != "none" and start + count < len(rows):
            following = start if form == "loop" else start + count
            others = [(k, v) for k, v in request.query if k.lower() != "startindex"]
            query = "&".join(f"{quote(k)}={quote(v)}" for k, v in others)
            origin = self._links if form != "foreign" else "http://127.0.0.2:9"
            links["Next"] = f"{origin}{quote(request.path)}?startIndex={following}&{query}"
        return {"Links": links, "Items": rows[start : start + count]}

    @staticmethod
    def _whole(request: Request, name: str, default: int) -> int:
        text = request.one(name) or str(default)
        if not (text.isascii() and text.isdigit()):
            raise refuse(400, f"The value '{text}' is not valid for parameter '{name}'.")
        return int(text)

    def _web_id(self, text: str) -> pi_webid.WebId:
        try:
            web_id = pi_webid.decode(text)
        except ValueError as error:
            raise refuse(400, f"The WebID '{text[:60]}' is not valid: {error}") from error
        if not self.knob("web_id_2") and web_id.kind != "F":
            raise refuse(404, f"The WebID '{text[:60]}' is not known.")
        return web_id

    def _multiple(self, request: Request, finders: dict[str, Callable[[str], Any]]) -> Answer:
        """Many objects by path or WebID; 207 when some are missing."""
        kind = self._kind(request)
        items: list[dict[str, Any]] = []
        for name, value in request.query:
            find = finders.get(name.lower())
            if find is None:
                continue
            item: dict[str, Any] = {"IdentifierType": "Path" if name.lower() == "path" else "WebId"}
            item |= {"Identifier": value, "Object": None, "Exception": None}
            try:
                item["Object"] = find(value).body(kind, self._links)
            except Refused as refused:
                item["Exception"] = refused.answer.body
            items.append(item)
        failed = any(item["Exception"] for item in items)
        return Answer(207 if failed else 200, {"Links": {}, "Items": items})
