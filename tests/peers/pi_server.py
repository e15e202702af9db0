"""The PI Web API emulator, in a process of its own.  Contents and knobs are in ``README.md``."""

from __future__ import annotations

import argparse
import json
from collections import OrderedDict
from typing import Any

from . import pi_call, pi_streams
from .historian_access import token_answer
from .historian_http import Answer, Refused, Request, run
from .pi_asset_room import AssetRoom
from .pi_batch import execute
from .pi_point_room import BASE, PointRoom
from .pi_values import fields_of, refuse, select

KEPT_PAGES = 48
KEPT_PAGE_BYTES = 32 << 20


class PiEmulator(PointRoom, AssetRoom):
    """One data server, one asset server, and what is known about both."""

    def __init__(self, bulk: int = 2_500) -> None:
        super().__init__(bulk)
        self._pages: OrderedDict[str, Answer] = OrderedDict()

    # --- one request ---------------------------------------------------------------------

    def handle(self, request: Request) -> Answer:
        parts = [part.lower() for part in request.parts]
        if parts[0] == "identity" and parts[1:] == ["connect", "token"]:
            return token_answer(self, self.tokens, request)
        self._check_length(request)
        if parts[:3] == [BASE, ".well-known", "openid-configuration"]:
            return Answer(200, {"token_endpoint": f"{self.origin}/identity/connect/token"})
        self.rate.take(self)
        self._check_credentials(request)
        if request.method == "POST":
            if self.knob("csrf") and not request.headers.get("x-requested-with", "").strip():
                raise refuse(400, "The X-Requested-With header is missing.")
            if parts == [BASE, "batch"]:
                return Answer(207, execute(request, self._sub_request))
        return self._kept(request) if parts[-1] == "recorded" else self.perform(request)

    def _sub_request(self, request: Request) -> Answer:
        try:
            self.rate.take(self)
            return self.perform(request)
        except Refused as refused:
            return refused.answer

    def _kept(self, request: Request) -> Answer:
        """Pages of events are made once, so that a measurement is not of this process."""
        key = json.dumps([request.target, request.rule, self.changed], sort_keys=True)
        with self.lock:
            if key in self._pages:
                self._pages.move_to_end(key)
                kept = self._pages[key]
                return Answer(200, kept.body, packed=kept.packed)
        made = self.perform(request)
        made.body = made.encoded()
        if len(made.body) <= KEPT_PAGE_BYTES:
            with self.lock:
                self._pages[key] = made
                while len(self._pages) > KEPT_PAGES:
                    self._pages.popitem(last=False)
        return Answer(200, made.body, packed=made.packed)

    def perform(self, request: Request) -> Answer:
        """Answer a request that has passed the door."""
        if request.method not in {"GET", "HEAD"}:
            text = f"The requested resource does not support http method '{request.method}'."
            return Answer(405, {"Message": text})
        parts = request.parts
        if parts[0].lower() != BASE:
            raise Refused(Answer(404, "<html><body>404</body></html>", content_type="text/html"))
        body = self._body(request, [part for part in parts[1:] if part])
        status = 200
        if isinstance(body, Answer):
            status, body = body.status, body.body
        error = body.pop("WebException", None) if isinstance(body, dict) else None
        body = select(body, fields_of(request.one("selectedFields")))
        if error:
            body["WebException"] = error  # written at the end, whatever fields were selected
        return Answer(status, body)

    def _body(self, request: Request, parts: list[str]) -> Any:
        room, rest = (parts[0].lower() if parts else ""), parts[1:]
        known = {
            "": self._root,
            "system": self._system,
            "dataservers": self._data_servers,
            "points": self._points,
            "enumerationsets": self._enumeration_sets,
            "streams": self._streams,
            "streamsets": self._stream_sets,
            "attributes": self._attributes,
            "assetservers": self._asset_servers,
            "assetdatabases": self._asset_databases,
            "elements": self._elements,
            "eventframes": self._event_frames,
        }.get(room)
        if known is None:
            raise Refused(Answer(404, {"Message": f"No HTTP resource was found: {request.path}"}))
        return known(request, rest)

    def _root(self, _: Request, __: list[str]) -> dict[str, Any]:
        names = ("System", "DataServers", "AssetServers")
        return {"Links": {n: f"{self._links}/{BASE}/{n.lower()}" for n in ("Self", *names)}}

    def _system(self, _: Request, __: list[str]) -> dict[str, Any]:
        return {
            "ProductTitle": "PI Web API 2023 SP1",
            "ProductVersion": "1.19.0.621" if self.knob("web_id_2") else "1.8.0.26",
            "Links": {"Self": f"{self._links}/{BASE}/system"},
        }

    # --- streams -------------------------------------------------------------------------

    def _stream(self, text: str) -> pi_call.Stream:
        web_id = self._web_id(text)
        if web_id.marker == "Ab":
            attribute = self._attribute(text)
            name, path = attribute.name, "\\\\" + attribute.path
            return pi_call.Stream(
                text, name, path, attribute.tag, attribute.abbreviation, is_attribute=True
            )
        point = self._point(text)
        return pi_call.Stream(text, point.tag.name, point.path, point.tag, point.tag.unit)

    def _settings(self) -> pi_call.Settings:
        return pi_call.Settings(
            self._now(),
            self.knob("time_zone"),
            self.knob("max_returned"),
            self.knob("key_order"),
            self.knob("silent_cap"),
            self.knob("outside"),
            self.knob("non_numeric_summary"),
        )

    def _streams(self, request: Request, rest: list[str]) -> Any:
        call = pi_streams.CALLS.get(rest[1].lower()) if len(rest) == 2 else None
        if call is None:
            raise Refused(Answer(404, {"Message": "No HTTP resource was found."}))
        stream = self._stream(rest[0])
        body = call(pi_call.Call(stream, request, self._settings()))
        return self._broken([body], body, request)

    def _stream_sets(self, request: Request, rest: list[str]) -> Any:
        name = rest[0].lower() if rest else ""
        if len(rest) != 1 or name not in pi_streams.CALLS:
            raise Refused(Answer(404, {"Message": "No HTTP resource was found."}))
        if not request.all("webId"):
            raise refuse(400, "At least one WebID is required.")
        settings, items = self._settings(), []
        for text in request.all("webId"):
            try:
                stream = self._stream(text)
            except Refused as refused:
                if self.knob("streamset_unknown") == "fail":
                    raise
                items.append({"WebId": text, "Items": [], **refused.answer.body})
                continue
            body = pi_streams.CALLS[name](pi_call.Call(stream, request, settings))
            if name in pi_streams.SINGLE:
                body = {"Value": body}
            items.append({**stream.head(), **body, "Links": {}})
        total = sum(len(item.get("Items", ())) for item in items)
        if self.knob("cap_accounting") == "call" and total > settings.cap:
            raise pi_call.over_cap("maxCount", settings.cap)
        return self._broken(items, {"Links": {}, "Items": items}, request)

    @staticmethod
    def _broken(lists: list[dict[str, Any]], body: dict[str, Any], request: Request) -> Any:
        """Break the streams when a rule says so; the status stays 200."""
        kind = request.rule.get("kind")
        if kind == "no_items":
            for entry in lists:
                entry.pop("Items", None)
        if kind == "begins_late":
            for entry in lists:
                entry["Items"] = entry["Items"][request.rule.get("events", 1) :]
        if kind != "web_exception":
            return body
        left = request.rule.get("events", 3)
        for entry in lists:
            entry["Items"] = entry.get("Items", [])[:left]
            left -= len(entry["Items"])
        message = "The archive closed the connection."
        return {**body, "WebException": {"StatusCode": 502, "Errors": [message]}}


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bulk", type=int, default=2_500)


if __name__ == "__main__":
    run(__doc__, lambda options: PiEmulator(options.bulk), _options)
