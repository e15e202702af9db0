"""JSON of the PI emulator: timed values, selected fields and errors."""

from __future__ import annotations

from typing import Any

from .historian_http import Answer, Refused
from .historian_tags import Event, State, Value
from .pi_times import text_of


def refuse(status: int, *messages: str) -> Refused:
    """An answer with PI's error body."""
    return Refused(Answer(status, {"Errors": list(messages)}))


def json_value(value: Value) -> Any:
    """A value as PI writes it; a digital state is an object."""
    if isinstance(value, State):
        return {"Name": value.name, "Value": value.code, "IsSystem": value.is_system}
    return value


def timed_value(event: Event, unit: str, order: str) -> dict[str, Any]:
    """One event; the order of the keys differs between versions of the server."""
    flags: dict[str, Any] = {
        "UnitsAbbreviation": unit,
        "Good": event.good,
        "Questionable": event.questionable,
        "Substituted": event.substituted,
        "Annotated": event.annotated,
    }
    time, value = {"Timestamp": text_of(event.ticks)}, {"Value": json_value(event.value)}
    body = {**time, **value, **flags} if order == "old" else {**time, **flags, **value}
    if event.error is not None:
        body["Errors"] = [{"FieldName": "Value", "Message": [event.error]}]
    return body


Fields = dict[str, "Fields"]


def fields_of(text: str) -> Fields | None:
    """The tree of ``selectedFields``; None when all fields are wanted."""
    tree: Fields = {}
    for path in text.lower().split(";"):
        branch = tree
        for name in filter(None, path.strip().split(".")):
            branch = branch.setdefault(name, {})
    return tree or None


def select(body: Any, fields: Fields | None) -> Any:
    """The body with the selected fields only; a leaf keeps everything below it."""
    if not fields:
        return body
    if isinstance(body, list):
        return [select(entry, fields) for entry in body]
    if not isinstance(body, dict):
        return body
    return {
        name: select(value, fields[name.lower()])
        for name, value in body.items()
        if name.lower() in fields
    }
