"""The SAP Gateway emulator, in a process of its own.  See ``README_business.md``."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from typing import Any, ClassVar
from urllib.parse import quote
from xml.sax.saxutils import escape

from .erp_emulator import ErpEmulator
from .erp_live import Table
from .gateway_batch import answer_batch
from .gateway_metadata import functions, metadata
from .gateway_paging import PAGING_DEFAULTS, Page, Pager, whole
from .gateway_tables import LINKS, ODP, odp_changes, services
from .gateway_totals import MEASURES, totals
from .historian_access import basic_is_right, bearer_is_right, token_answer
from .historian_http import Answer, Refused, Request, run
from .odata_filter import BadFilter, Row
from .odata_types import dumps_raw, v2_value, v4_value

V2_ROOT, V4_ROOT = "/sap/opu/odata/sap/", "/sap/opu/odata4/sap/"
CATALOGUE = "/sap/opu/odata/iwfnd/catalogservice;v=2/ServiceCollection"
TOKEN_PATH = "/sap/bc/sec/oauth2/token"
_INITIAL_DATE = "0000-00-00T00:00:00"


class GatewayEmulator(ErpEmulator):
    """SAP's services over OData V2 and V4, with what a Gateway does and CAP does not."""

    path = "/sap/opu/odata/sap"
    defaults: ClassVar[dict[str, Any]] = {
        **ErpEmulator.defaults,
        **PAGING_DEFAULTS,
        "auth": "basic",  # basic, oauth or any
        "csrf_uses": 0,  # a CSRF token dies after so many requests; 0 is never
        "sap_message": "",  # error or warning: a 200 with a header that says so
        "errors": "json",  # the form of errors: json, xml or html
        "initial_date": "null",  # how V2 says that there is no date: null or zeros
        "offset": "+0000",  # what instants of V2 end with; may be empty
        "honours_maxpagesize": True,
        "ieee754": "asked",  # V4 numbers as strings: asked (by Accept), always or never
        "time_out_rows": 0,  # asking for more rows than that is a dump
        "root_slash": "any",  # of the service root: any, needs or refuses
        "delta": 0,  # how many deltas the source of changes has beyond the whole
    }

    def __init__(self, items: int = 120_000, orders: int = 3_000) -> None:
        super().__init__()
        self._services = services(items, orders)
        self._pager = Pager(self)
        self._csrf: dict[str, int] = {}

    def reset(self) -> None:
        super().reset()
        self._pager = Pager(self)
        self._csrf.clear()

    # --- routes --------------------------------------------------------------------------

    def answer(self, request: Request) -> Answer:
        if request.path == TOKEN_PATH:
            return token_answer(self, self.tokens, request)
        self.rate.take(self)
        self._admit(request)
        if request.path == CATALOGUE:
            names = [
                {"ID": f"{name}_0001", "TechnicalServiceName": name} for name in self._services
            ]
            return Answer(200, {"d": {"results": names}})
        try:
            answer = self.serve(request)
        except BadFilter as bad:
            answer = self._error(400, str(bad))
        if self.knob("sap_message") and answer.status == 200:
            answer.headers["sap-message"] = json.dumps(
                {
                    "code": "ZMM/042",
                    "message": "Data could not be read completely",
                    "severity": self.knob("sap_message"),
                    "target": "",
                    "details": [],
                }
            )
        return answer

    def _admit(self, request: Request) -> None:
        form = self.knob("auth")
        basic = form in {"basic", "any"} and basic_is_right(self, request, "user", "password")
        if basic or (form in {"oauth", "any"} and bearer_is_right(self.tokens, request)):
            return
        answer = self._error(401, "Anmeldung fehlgeschlagen")
        answer.headers["WWW-Authenticate"] = (
            'Basic realm="SAP NetWeaver Application Server [S4H/100]"'
        )
        raise Refused(answer)

    def serve(self, request: Request) -> Answer:
        """Answer for a service; also for the parts of a batch."""
        version = 4 if request.path.startswith(V4_ROOT) else 2
        root = V4_ROOT if version == 4 else V2_ROOT
        rest = request.path.removeprefix(root)
        name = next(
            (n for n in self._services if rest == n or rest.startswith((f"{n}/", f"{n};v="))), ""
        )
        if not name or rest == request.path:
            return self._error(404, f"No service found for {request.path}")
        below = re.sub(r"^;v=\d+", "", rest[len(name) :])
        if below in {"", "/"}:
            return self._root(request, name, below)
        if below == "/$batch":
            self._check_csrf(request)
            return answer_batch(self, request)
        if request.method not in {"GET", "HEAD"}:
            return self._error(405, "This peer is read only")
        tables = self._services[name]
        if below == "/$metadata":
            return self._metadata(request, name, tables, version)
        return self._resource(request, tables, below[1:], version)

    # --- the root and its CSRF token -----------------------------------------------------

    def _root(self, request: Request, name: str, below: str) -> Answer:
        form = self.knob("root_slash")
        if (form == "needs" and not below) or (form == "refuses" and below):
            return self._error(404, "The service root is spelled otherwise")
        headers = {}
        if request.headers.get("x-csrf-token", "").lower() == "fetch":
            token = hashlib.sha256(f"{len(self._csrf)}{request.target}".encode()).hexdigest()[:24]
            self._csrf[token] = self.knob("csrf_uses") or 1 << 60
            headers = {
                "X-CSRF-Token": token,
                "Set-Cookie": f"SAP_SESSIONID_S4H_100={token}; path=/",
            }
        return Answer(200, {"d": {"EntitySets": list(self._services[name])}}, headers)

    def _check_csrf(self, request: Request) -> None:
        token = request.headers.get("x-csrf-token", "")
        cookie = f"SAP_SESSIONID_S4H_100={token}" in request.headers.get("cookie", "")
        if not cookie or self._csrf.get(token, 0) < 1:
            answer = Answer(403, "CSRF token validation failed", {"X-CSRF-Token": "Required"})
            answer.content_type = "text/plain"
            raise Refused(answer)
        self._csrf[token] -= 1

    def _metadata(
        self, request: Request, name: str, tables: dict[str, Table], version: int
    ) -> Answer:
        extra = functions(ODP) if ODP.name in tables and version == 2 else ""
        text = metadata(name.split("/", maxsplit=1)[0], tables, version, extra)
        etag = f'W/"{hashlib.sha256(text.encode()).hexdigest()[:20]}"'
        if request.headers.get("if-none-match") == etag:
            return Answer(304, b"", {"ETag": etag})
        return Answer(200, text, {"ETag": etag}, "application/xml")

    # --- data ----------------------------------------------------------------------------

    def _resource(
        self, request: Request, tables: dict[str, Table], path: str, version: int
    ) -> Answer:
        found = re.fullmatch(r"(\w+?)(\((.*)\))?(/\$count)?", path, re.DOTALL)
        name = found[1] if found else path
        if found and name in {f"SubscribedTo{ODP.name}", f"TerminateDeltasFor{ODP.name}"}:
            return Answer(200, {"d": {name: {"Subscribed": True}}})
        if found and name == f"DeltaLinksOf{ODP.name}" and version == 2:
            return Answer(200, {"d": {"results": [{"DeltaToken": self._delta_token(0)}]}})
        if not found or name not in tables:
            return self._error(404, f"Resource not found for segment '{name}'")
        table = tables[name]
        if name in MEASURES:
            places = self._pager.places(Request("GET", f"/?{_filter_of(request)}", {}), table)
            table = totals(table, places, self._selected(request, table))
        if found[2]:
            return self._single(request, table, found[3], version)
        if found[4]:
            total = len(self._pager.places(request, table)) + self.knob("count_lie")
            return Answer(200, str(total), content_type="text/plain;charset=utf-8")
        delta = re.search(r"!deltatoken='D(\d+)'", request.target.replace("%27", "'"))
        if delta:
            return self._changes(request, table, int(delta[1]))
        return self._collection(request, table, version)

    def _collection(self, request: Request, table: Table, version: int) -> Answer:
        prefer = request.headers.get("prefer", "")
        asked = re.search(r"odata\.maxpagesize=(\d+)", prefer)
        wanted = (
            int(asked[1]) if asked and version == 4 and self.knob("honours_maxpagesize") else None
        )
        limit, top = self.knob("time_out_rows"), whole(request, "$top")
        if limit and min(filter(None, (top, self.knob("page"), wanted)), default=limit + 1) > limit:
            return Answer(
                500, "<html>TIME_OUT: Time limit exceeded.</html>", content_type="text/html"
            )
        page = self._pager.page(request, table, wanted)
        names = self._selected(request, table)
        if version == 4:
            return self._v4(request, table, page, names, asked[0] if wanted and asked else "")
        body: dict[str, Any] = {"results": [self._v2_row(row, table, names) for row in page.rows]}
        if request.one("$inlinecount") == "allpages":
            body["__count"] = str(page.total)
        if page.token:
            body["__next"] = self._link(request, page.token)
        elif "track-changes" in prefer and table is ODP:
            body["__delta"] = self._delta_link(request, 1)
        headers = {"Preference-Applied": "odata.track-changes"} if "__delta" in body else {}
        return Answer(200, {"d": body}, headers | {"DataServiceVersion": "2.0"})

    def _v4(
        self, request: Request, table: Table, page: Page, names: list[str], applied: str
    ) -> Answer:
        form, accept = self.knob("ieee754"), request.headers.get("accept", "").lower()
        strings = form == "always" or (form == "asked" and "ieee754compatible=true" in accept)
        body: dict[str, Any] = {"@odata.context": f"$metadata#{table.name}"}
        if request.one("$count") == "true":
            body["@odata.count"] = page.total
        body["value"] = [
            {name: v4_value(row[name], table.columns[name], strings=strings) for name in names}
            for row in page.rows
        ]
        if page.token:
            link = self._link(request, page.token)
            body["@odata.nextLink"] = link.rsplit("/", 1)[1] if self.knob("next_relative") else link
        headers = {"OData-Version": "4.0"} | ({"Preference-Applied": applied} if applied else {})
        kind = "application/json;odata.metadata=minimal"
        kind += ";IEEE754Compatible=true" if strings else ""
        return Answer(200, dumps_raw(body), headers, kind)

    def _selected(self, request: Request, table: Table) -> list[str]:
        names = [name.strip() for name in request.one("$select").split(",") if name.strip()]
        for name in names:
            if name not in table.columns:
                raise BadFilter(f"Property {name} does not exist.")
        return names or list(table.columns)

    def _v2_row(self, row: Row, table: Table, names: list[str]) -> dict[str, Any]:
        offset, columns = self.knob("offset"), table.columns
        told = {name: v2_value(row[name], columns[name], offset) for name in names}
        if self.knob("initial_date") == "zeros":
            for name in names:
                if row[name] is None and table.columns[name].kind == "date":
                    told[name] = _INITIAL_DATE
        key = ",".join(f"{name}='{quote(str(row[name]))}'" for name in table.keys)
        link = f"https://sandbox.example.invalid{V2_ROOT}{table.name}({key})"
        if table.name in LINKS and len(names) == len(table.columns):
            name, _ = LINKS[table.name]
            told[name] = {"__deferred": {"uri": f"{link}/{name}"}}
        return {"__metadata": {"id": link, "uri": link, "type": f"SAP.{table.name}Type"}, **told}

    def _single(self, request: Request, table: Table, predicate: str, version: int) -> Answer:
        parts = re.findall(r"(?:(\w+)=)?((?:\w+)?'(?:[^']|'')*'|[^,]+)", predicate)
        terms = [f"{name or table.keys[0]} eq {text}" for name, text in parts]
        asked = Request("GET", f"/?$filter={quote(' and '.join(terms))}", {})
        places = self._pager.places(asked, table)
        if not places:
            return self._error(404, "Resource not found")
        row, names = table.make(places[0]), self._selected(request, table)
        if version == 4:
            told = {n: v4_value(row[n], table.columns[n], strings=False) for n in names}
            return Answer(
                200, dumps_raw({"@odata.context": f"$metadata#{table.name}/$entity"} | told)
            )
        return Answer(200, {"d": self._v2_row(row, table, names)})

    # --- links and changes ---------------------------------------------------------------

    def _link(self, request: Request, token: str) -> str:
        kept = [(n, t) for n, t in request.query if n != "$skiptoken"]
        query = "&".join(f"{n}={quote(t)}" for n, t in [*kept, ("$skiptoken", token)])
        return f"{self.knob('next_host') or self.origin}{quote(request.path, safe='/;=')}?{query}"

    @staticmethod
    def _delta_token(number: int) -> str:
        return f"D{number}"

    def _delta_link(self, request: Request, number: int) -> str:
        token = self._delta_token(number)
        return f"{self.knob('next_host') or self.origin}{request.path}?!deltatoken='{token}'"

    def _changes(self, request: Request, table: Table, number: int) -> Answer:
        """What came since a delta token was given; it can be read again until the next one."""
        if table is not ODP or number < 1 or number > self.knob("delta") + 1:
            return self._error(410, "The delta token is not valid any more")
        rows = odp_changes(number) if number <= self.knob("delta") else []
        following = number + 1 if rows else number
        told = [self._v2_row(row, table, list(table.columns)) for row in rows]
        return Answer(
            200, {"d": {"results": told, "__delta": self._delta_link(request, following)}}
        )

    # --- errors --------------------------------------------------------------------------

    def _error(self, status: int, message: str) -> Answer:
        form = self.knob("errors")
        if form == "html":
            page = f"<html><body><h1>{status}</h1>{escape(message)}</body></html>"
            return Answer(status, page, content_type="text/html; charset=utf-8")
        code = f"/IWBEP/CM_MGW_RT/{status % 1000:03d}"
        if form == "xml":
            text = (
                '<?xml version="1.0"?><error xmlns="http://schemas.microsoft.com/ado/2007/08/'
                f'dataservices/metadata"><code>{code}</code><message xml:lang="en">'
                f"{escape(message)}</message></error>"
            )
            return Answer(status, text, content_type="application/xml")
        detail = {"code": code, "message": message, "severity": "error", "target": ""}
        inner = {"transactionid": "4A1B2C3D", "timestamp": "", "errordetails": [detail]}
        return Answer(
            status,
            {
                "error": {
                    "code": code,
                    "message": {"lang": "en", "value": message},
                    "innererror": inner,
                }
            },
        )


def _filter_of(request: Request) -> str:
    return f"$filter={quote(request.one('$filter'))}" if request.one("$filter") else ""


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--items", type=int, default=120_000)
    parser.add_argument("--orders", type=int, default=3_000)


if __name__ == "__main__":
    run(__doc__, lambda options: GatewayEmulator(options.items, options.orders), _options)
