"""The Proficy Historian REST emulator, in a process of its own.  See ``README.md``."""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from . import pi_times, proficy_data
from .historian_access import ACCESS_DEFAULTS, RateLimit, Tokens, bearer_is_right, token_answer
from .historian_http import Answer, Emulator, Refused, Request, run
from .historian_tags import HOUR, Tag
from .pi_points import name_pattern
from .proficy_data import MILLISECOND, Sample

UTC = ZoneInfo("UTC")
RESULT_SIZE_EXCEEDED, INVALID_TAG, ARGUMENT, TAG_UNKNOWN, MORE_TAGS = -24, -14, -28, 6, 14
# The places of a path form, after the call's name.
_FORMS = {
    "raw": ("tagNames", "start", "end", "direction", "count"),
    "interpolated": ("tagNames", "start", "end", "count", "intervalMs"),
    "calculated": ("tagNames", "start", "end", "calculationMode", "count", "intervalMs"),
    "trend": ("tagNames", "start", "end", "samplingMode", "calculationMode", "direction", "count",
              "intervalMs"),
    "sampled": ("tagNames", "start", "end", "samplingMode", "calculationMode", "direction",
                "count", "intervalMs"),
    "currentvalue": ("tagNames",),
}  # fmt: skip
_MODES = {"currentvalue": 1, "interpolated": 2, "trend": 3, "raw": 4, "calculated": 6}


class Failed(Exception):
    """An error that is answered with status 200."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class ProficyEmulator(Emulator):
    """Tags, samples and errors the way the REST interface gives them."""

    path = "/historian-rest-api/v1"
    defaults: ClassVar[dict[str, Any]] = {
        **Emulator.defaults,
        **ACCESS_DEFAULTS,
        "now": "2026-01-01T00:00:00Z",
        "max_samples": 100_000,  # more samples in one answer are error -24
        "size_scope": "query",  # query: the whole answer fails; tag: only the tag that is too big
        "raw_excludes_start": True,  # as the 8.0 documentation says
        "unknown_tag": "tag",  # tag: an error of that tag; top: the whole answer fails
        "interval_stamp": "end",  # which end of its interval a calculated value is stamped with
        "page_max": 1000,
        "links": "right",  # right, none, foreign or loop
    }

    def __init__(self, bulk: int = 2_500) -> None:
        super().__init__()
        self.tags = proficy_data.tags(bulk)
        self.tokens, self.rate = Tokens(), RateLimit()

    def reset(self) -> None:
        super().reset()
        self.tokens.clear()
        self.rate = RateLimit()

    def handle(self, request: Request) -> Answer:
        if request.path == "/uaa/oauth/token":
            return token_answer(self, self.tokens, request)
        self.rate.take(self)
        if not request.path.startswith(f"{self.path}/"):
            raise Refused(Answer(404, "<html>404</html>", content_type="text/html"))
        if not bearer_is_right(self.tokens, request):
            refusal = {"error": "invalid_token", "error_description": "The token is not valid."}
            raise Refused(Answer(401, refusal, {"WWW-Authenticate": "Bearer"}))
        try:
            return Answer(200, self._body(request))
        except Failed as failed:
            body: dict[str, Any] = {
                "ErrorCode": failed.code,
                "ErrorMessage": str(failed),
                "Data": [],
            }
            return Answer(200, body)

    def _body(self, request: Request) -> dict[str, Any]:
        rule = request.rule
        if rule.get("kind") == "error_code" and "tag" not in rule:
            raise Failed(rule.get("code", -1), rule.get("message", "A fault of the test."))
        room, *rest = request.parts[2:]
        if room == "tags" and rest[:1] == ["properties"]:
            return self._properties(request, rest[1:])
        if request.method == "GET" and not rest and room in {"tags", "tagslist"}:
            return self._names(request) if room == "tags" else self._list(request)
        known = room == "datapoints" and rest and rest[0] in _FORMS
        if not known or request.method not in {"GET", "POST"}:
            raise Refused(Answer(405 if known or rest[:1] == ["create"] else 404, {"error": room}))
        return self._data(rest[0], self._parameters(request, rest), rule)

    # --- tags ----------------------------------------------------------------------------

    def _names(self, request: Request) -> dict[str, Any]:
        pattern = name_pattern(request.one("nameMask") or "*")
        names = [name for name in self.tags if pattern.fullmatch(name)]
        most = _whole(request.one("maxNumber") or "0", "maxNumber")
        more = 0 < most < len(names)
        return {
            "ErrorCode": MORE_TAGS if more else 0,
            "ErrorMessage": "There are more tags." if more else None,
            "tags": names[:most] if more else names,
        }

    def _list(self, request: Request) -> dict[str, Any]:
        rows = [
            proficy_data.properties(number, tag)
            for number, tag in enumerate(self.tags.values())
            if _matches(request.one("tagname"), tag.name)
            and _matches(request.one("description"), tag.descriptor)
        ]
        size = min(_whole(request.one("pagesize") or "100", "pagesize"), self.knob("page_max"))
        page = max(1, _whole(request.one("pageno") or "1", "pageno"))
        last = max(1, -(-len(rows) // max(1, size)))
        return {
            "ErrorCode": 0,
            "ErrorMessage": None,
            "Data": rows[(page - 1) * size : page * size],
            "Links": self._page_links(request, page, last),
        }

    def _page_links(self, request: Request, page: int, last: int) -> dict[str, str | None]:
        form = self.knob("links")
        if form == "none":
            return {}
        origin = "http://127.0.0.2:9" if form == "foreign" else self.origin
        kept = [(k, v) for k, v in request.query if k.lower() != "pageno"]
        query = "".join(f"&{quote(k)}={quote(v)}" for k, v in kept)

        def link(number: int) -> str:
            return f"{origin}{self.path}/tagslist?pageno={number}{query}"

        following = page if form == "loop" else page + 1
        return {
            "first": link(1),
            "prev": link(page - 1) if page > 1 else None,
            "next": link(following) if page < last else None,
            "last": link(last),
        }

    def _properties(self, request: Request, rest: list[str]) -> dict[str, Any]:
        name = rest[0] if rest else request.one("tagName")
        if name not in self.tags:
            raise Failed(TAG_UNKNOWN, f"The tag {name} does not exist.")
        found = proficy_data.properties(list(self.tags).index(name), self.tags[name])
        if request.method == "POST":
            chosen = json.loads(request.body or b"{}")
            found = {key: value for key, value in found.items() if chosen.get(key)}
        return {"ErrorCode": 0, "ErrorMessage": None, "Data": [found]}

    # --- samples -------------------------------------------------------------------------

    @staticmethod
    def _parameters(request: Request, rest: list[str]) -> dict[str, Any]:
        """The same names from the path, the query and the JSON body."""
        values: dict[str, Any] = dict(zip(_FORMS[rest[0]], rest[1:], strict=False))
        values |= dict(request.query)
        if request.method == "POST":
            try:
                values |= json.loads(request.body or b"{}")
            except ValueError as error:
                raise Refused(Answer(400, {"error": "The body is no JSON."})) from error
        return {name.lower(): value for name, value in values.items()}

    def _asked(self, values: dict[str, Any]) -> list[str]:
        """Tag names; a semicolon separates them unless the whole text is one tag's name."""
        given = values.get("tagnames", "")
        if isinstance(given, list):
            return [str(name) for name in given]
        names = [given] if given in self.tags else [name for name in given.split(";") if name]
        if not names:
            raise Failed(ARGUMENT, "There is no tag name.")
        return names

    def _data(self, call: str, values: dict[str, Any], rule: dict[str, Any]) -> dict[str, Any]:
        window = self._window(values)
        data: list[dict[str, Any]] = []
        left: int = self.knob("max_samples")
        per_query = self.knob("size_scope") == "query"
        for name in self._asked(values):
            entry: dict[str, Any] = {"TagName": name, "ErrorCode": 0, "Samples": []}
            data.append(entry)
            try:
                if rule.get("kind") == "error_code" and rule.get("tag") == name:
                    raise Failed(rule.get("code", -1), "A fault of the test.")
                if name not in self.tags:
                    raise Failed(INVALID_TAG, f"The tag {name} is not valid.")
                tag = self.tags[name]
                entry["DataType"] = proficy_data.data_type(tag)
                found = list(itertools.islice(self._samples(call, tag, values, window), left + 1))
                if len(found) > left:
                    raise Failed(RESULT_SIZE_EXCEEDED, "The query result size was exceeded.")
            except Failed as failed:
                unknown = failed.code == INVALID_TAG and self.knob("unknown_tag") == "top"
                if unknown or (failed.code == RESULT_SIZE_EXCEEDED and per_query):
                    raise
                entry["ErrorCode"] = failed.code
                continue
            entry["Samples"] = [sample.body() for sample in found]
            left -= len(found) if per_query else 0
            if call == "trend" and window[1] > window[0]:
                entry["Statistics"] = proficy_data.statistics(tag, *window)
        return {"ErrorCode": 0, "ErrorMessage": None, "Data": data}

    def _window(self, values: dict[str, Any]) -> tuple[int, int]:
        now = self._now()
        try:
            start, end = (
                pi_times.parse(str(values[name]), now, UTC) if values.get(name) else default
                for name, default in (("start", now - 2 * HOUR), ("end", now))
            )
        except ValueError as error:
            raise Failed(ARGUMENT, str(error)) from error
        return start // MILLISECOND * MILLISECOND, end // MILLISECOND * MILLISECOND

    def _now(self) -> int:
        text = self.knob("now")
        return time.time_ns() // 100 if text == "real" else pi_times.parse(text, 0, UTC)

    def _samples(
        self, call: str, tag: Tag, values: dict[str, Any], window: tuple[int, int]
    ) -> Iterable[Sample]:
        mode = _MODES.get(call) or _number(values, "samplingmode", 6)
        start, end = window
        if mode == 1:
            newest = tag.last_before(self._now() + 1)
            return [proficy_data.sample(newest)] if newest else []
        count = _number(values, "count", 0)
        if mode in {4, 5}:
            backward = _number(values, "direction", 0) == 1
            return self._raw(tag, start, end, count if mode == 5 or count else 0, backward=backward)
        spans = self._spans(start, end, count, _number(values, "intervalms", 0))
        at_end = self.knob("interval_stamp") == "end"
        if mode in {2, 7}:
            held = tag if mode == 2 else replace(tag, step=True)
            return proficy_data.interpolated(held, [span[at_end] for span in spans])
        if mode == 3:
            return proficy_data.trend(tag, spans)
        calculation = _number(values, "calculationmode", 1)
        if mode not in {0, 6} or calculation not in proficy_data.CALCULATIONS:
            raise Failed(ARGUMENT, "The sampling or calculation mode is not supported.")
        return (
            proficy_data.calculated(tag, a, b, calculation, b if at_end else a) for a, b in spans
        )

    def _raw(
        self, tag: Tag, start: int, end: int, count: int, *, backward: bool
    ) -> Iterable[Sample]:
        if start == end:
            before = tag.last_before(start + MILLISECOND)
            return [proficy_data.sample(before)] if before else []
        low, high = min(start, end), max(start, end)
        if not count:
            found = proficy_data.raw(tag, low, high, open_start=self.knob("raw_excludes_start"))
            return reversed(list(found)) if backward else found
        if backward:
            oldest = end if end < start else -(1 << 62)
            return itertools.islice(proficy_data.raw_backward(tag, start, oldest), count)
        newest = end if end > start else 1 << 62
        return itertools.islice(proficy_data.raw(tag, start, newest, open_start=False), count)

    def _spans(self, start: int, end: int, count: int, milliseconds: int) -> list[tuple[int, int]]:
        if end < start:
            start, end = end, start
        step = milliseconds * MILLISECOND
        if count > 0:
            step = (end - start) // count
        if step <= 0:
            return [(start, end)] if end > start else [(start - MILLISECOND, start)]
        if (end - start) // step > self.knob("max_samples"):
            raise Failed(RESULT_SIZE_EXCEEDED, "The query result size was exceeded.")
        edges = [*range(start, end, step), end]
        if count > 0:
            edges = [*edges[:count], end]
        return list(itertools.pairwise(edges))


def _whole(text: str, name: str) -> int:
    if not (text.isascii() and text.lstrip("-").isdigit()):
        raise Refused(Answer(400, {"error": f"{name} is no number"}))
    return int(text)


def _number(values: dict[str, Any], name: str, default: int) -> int:
    return _whole(str(values.get(name, default)), name)


def _matches(text: str, value: str) -> bool:
    """A text without wildcards is looked for anywhere, one with them must match as a whole."""
    if not text:
        return True
    if "*" in text or "?" in text:
        return bool(name_pattern(text).fullmatch(value))
    return text.lower() in value.lower()


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bulk", type=int, default=2_500)


if __name__ == "__main__":
    run(__doc__, lambda options: ProficyEmulator(options.bulk), _options)
