"""The batch call of the PI emulator: sub-requests, parents, parameters and templates."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from .historian_http import Answer, Request
from .pi_values import refuse

_PLACE = re.compile(r"\{(\d+)\}")
_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\*|\d+|'[^']*')\]")

Perform = Callable[[Request], Answer]


def execute(request: Request, perform: Perform) -> dict[str, Any]:
    """Perform all sub-requests, parents first; each result stands under its own id."""
    try:
        calls = json.loads(request.body)
    except ValueError as error:
        raise refuse(400, "The batch is no JSON.") from error
    if not isinstance(calls, dict) or not calls:
        raise refuse(400, "The batch is no object with sub-requests.")
    results: dict[str, Any] = {}
    waiting = list(calls)
    while waiting:
        ready = [name for name in waiting if _parents(calls[name]).isdisjoint(waiting)]
        if not ready:
            raise refuse(400, "The sub-requests wait for each other.")
        for name in ready:
            results[name] = _one(calls[name], results, request, perform)
        waiting = [name for name in waiting if name not in ready]
    return {name: results[name] for name in calls}


def _parents(call: dict[str, Any]) -> set[str]:
    return set(call.get("ParentIds") or [])


def _one(
    call: dict[str, Any], results: dict[str, Any], request: Request, perform: Perform
) -> dict[str, Any]:
    failed = [p for p in _parents(call) if results.get(p, {"Status": 404})["Status"] >= 400]
    if failed:
        return _result(Answer(409, {"Errors": [f"Parent '{failed[0]}' did not succeed."]}))
    found = [_path(results, text) for text in call.get("Parameters") or []]
    template = call.get("RequestTemplate")
    if template:
        rows = max((len(values) for values in found), default=0)
        resources = [
            _filled(template["Resource"], [values[row] for values in found]) for row in range(rows)
        ]
        items = [_performed(call, target, request, perform) for target in resources]
        return {
            "Status": 207,
            "Headers": {"Content-Type": "application/json; charset=utf-8"},
            "Content": {"Total": len(items), "Items": items},
        }
    target = _filled(call.get("Resource", ""), [values[0] if values else "" for values in found])
    return _performed(call, target, request, perform)


def _performed(
    call: dict[str, Any], target: str, request: Request, perform: Perform
) -> dict[str, Any]:
    split = urlsplit(target)
    local = split.path + (f"?{split.query}" if split.query else "")
    content = call.get("Content")
    if content is not None and not isinstance(content, str):
        return _result(Answer(400, {"Errors": ["Content is not a string."]}))
    headers = {name.lower(): value for name, value in (call.get("Headers") or {}).items()}
    inner = Request(
        call.get("Method", "GET").upper(),
        local,
        {**request.headers, **headers},
        (content or "").encode(),
    )
    return _result(perform(inner))


def _result(answer: Answer) -> dict[str, Any]:
    return {
        "Status": answer.status,
        "Headers": {"Content-Type": answer.content_type, **answer.headers},
        "Content": answer.body,
    }


def _filled(text: str, values: list[Any]) -> str:
    return _PLACE.sub(lambda match: str(values[int(match[1])]), text)


def _path(results: dict[str, Any], text: str) -> list[Any]:
    """The values a JSONPath such as ``$.search.Content.Items[*].WebId`` means."""
    if not text.startswith("$"):
        raise refuse(400, f"'{text}' is no JSONPath.")
    found: list[Any] = [results]
    place = 1
    while place < len(text):
        match = _STEP.match(text, place)
        if match is None:
            raise refuse(400, f"'{text}' is no JSONPath.")
        place = match.end()
        found = [child for parent in found for child in _children(parent, match)]
    return found


def _children(parent: Any, match: re.Match[str]) -> list[Any]:
    name, index = match[1], match[2]
    if index == "*":
        return list(parent.values() if isinstance(parent, dict) else parent)
    if index is not None and index.isdigit():
        inside = isinstance(parent, list) and int(index) < len(parent)
        return [parent[int(index)]] if inside else []
    key = name or index.strip("'")
    return [parent[key]] if isinstance(parent, dict) and key in parent else []
