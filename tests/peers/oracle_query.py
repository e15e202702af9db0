"""``q``, ``orderBy``, ``fields`` and ``expand`` of the Oracle Fusion emulator."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from .odata_filter import BadFilter, Row, Test, normal
from .odata_types import Column

_TERM = re.compile(
    r"\s*(?P<name>\w+)\s*(?P<op>>=|<=|!=|<>|=|>|<|\bLIKE\b|\bIN\b|\bIS\s+NOT\s+NULL\b|\bIS\s+NULL\b)"
    r"\s*(?P<value>\([^)]*\)|'(?:[^']|'')*'|\"[^\"]*\"|(?!(?:and|or)\b)[-+\w.:]+)?\s*",
    re.IGNORECASE,
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<>": operator.ne, ">": operator.gt, "<": operator.lt,
    ">=": operator.ge, "<=": operator.le,
}  # fmt: skip


def parse_q(text: str, columns: dict[str, Column], version: int) -> Test:
    """A test of rows: version 1 joins with ``;``, later ones with ``and`` and ``or``."""
    if not text:
        return lambda _: True
    if version == 1:
        tests = [_whole_term(part, columns) for part in text.split(";") if part.strip()]
        return lambda row: all(test(row) for test in tests)
    either: list[list[Test]] = [[]]
    place = 0
    while place < len(text):
        found = _TERM.match(text, place)
        if not found:
            raise BadFilter(f"URL request parameter q with value {text} is not valid.")
        either[-1].append(_term(found, columns))
        place = found.end()
        joined = re.compile(r"(and|or|;)\s+|$", re.IGNORECASE).match(text, place)
        if not joined:
            raise BadFilter(f"URL request parameter q with value {text} is not valid.")
        if (joined[1] or "").lower() == "or":
            either.append([])
        place = joined.end() if joined[1] else len(text)
    return lambda row: any(all(test(row) for test in tests) for tests in either)


def _whole_term(text: str, columns: dict[str, Column]) -> Test:
    found = _TERM.fullmatch(text)
    if not found:
        raise BadFilter(f"URL request parameter q with value {text} is not valid.")
    return _term(found, columns)


def _term(found: re.Match[str], columns: dict[str, Column]) -> Test:
    name = found["name"]
    if name not in columns:
        raise BadFilter(f"URL request parameter q cannot be used: attribute {name} is not there.")
    relation = " ".join(found["op"].upper().split())
    if relation.startswith("IS"):
        return lambda row: (row[name] is None) == (relation == "IS NULL")
    if found["value"] is None:
        raise BadFilter(f"The attribute {name} is compared with nothing.")
    if relation == "IN":
        members = [_value(part.strip(), columns[name]) for part in found["value"][1:-1].split(",")]
        return lambda row: normal(row[name]) in members
    wanted = _value(found["value"], columns[name])
    if relation == "LIKE":
        pattern = re.compile(re.escape(str(wanted)).replace("%", ".*"), re.DOTALL)
        return lambda row: row[name] is not None and bool(pattern.fullmatch(row[name]))
    compare = _COMPARE[relation]

    def test(row: Row) -> bool:
        value = normal(row[name])
        return value is not None and compare(value, wanted)

    return test


def _value(text: str, column: Column) -> Any:
    quoted = text[:1] in {"'", '"'}
    inner = text[1:-1].replace("''", "'") if quoted else text
    try:
        if column.kind in {"int64", "int32", "decimal"}:
            return Decimal(inner)
        if column.kind == "date":
            return normal(date.fromisoformat(inner[:10]))
        if column.kind == "moment":
            return normal(datetime.fromisoformat(inner))
    except (InvalidOperation, ValueError) as error:
        raise BadFilter(f"The value {inner} is not valid for the attribute.") from error
    if not quoted:
        raise BadFilter(f"The text {inner} must be in quotes.")
    return inner


def parse_order(text: str, columns: dict[str, Column]) -> list[tuple[str, bool]]:
    """``A:asc,B:desc``."""
    order = []
    for part in filter(None, text.split(",")):
        name, _, way = part.strip().partition(":")
        if name not in columns or way.lower() not in {"", "asc", "desc"}:
            raise BadFilter(f"URL request parameter orderBy with value {part} is not valid.")
        order.append((name, way.lower() == "desc"))
    return order


def parse_fields(text: str) -> dict[str, list[str]]:
    """``A,B;lines:C,D`` as names by path; the empty path is the resource itself."""
    found: dict[str, list[str]] = {}
    for part in filter(None, text.split(";")):
        path, colon, names = part.partition(":")
        if not colon:
            path, names = "", path
        found[path] = [name.strip() for name in names.split(",") if name.strip()]
    return found
