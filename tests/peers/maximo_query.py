"""The query language of the Maximo emulator: ``oslc.where``, ``oslc.select``, ``oslc.orderBy``."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from .erp_rows import mixed
from .maximo_objects import Record


class BadQuery(Exception):
    """What the server cannot read."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code} - {message}")
        self.code = code


class Term(NamedTuple):
    attribute: str
    relation: str
    value: Any  # str in quotes, Decimal, bool, or a list of these


_TERM = re.compile(
    r"\s*(?P<name>[A-Za-z_][\w.:]*)\s*(?P<op>!=|>=|<=|=|>|<|\bin\b)\s*"
    r"(?P<value>\[[^\]]*\]|\"(?:[^\"\\]|\\.)*\"|[-+\w.]+)\s*(?P<rest>.*)",
    re.DOTALL,
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def parse_where(text: str) -> list[Term]:
    """The terms of a where clause; anything but ``and`` between them is an error."""
    terms: list[Term] = []
    rest = text.strip()
    while rest:
        found = _TERM.fullmatch(rest)
        if not found:
            raise BadQuery("BMXAA8744E", f"The where clause cannot be read at: {rest[:60]}")
        terms.append(Term(_bare(found["name"]), found["op"], _value(found["value"])))
        rest = found["rest"].strip()
        if rest:
            joined = re.match(r"and\b\s*(?=\S)", rest, re.IGNORECASE)
            if not joined:
                raise BadQuery("BMXAA8744E", f"Only and may join terms: {rest[:60]}")
            rest = rest[joined.end() :]
    return terms


def _bare(name: str) -> str:
    return name.replace("spi:", "").lower()


def _value(text: str) -> Any:
    if text.startswith("["):
        return [_value(part.strip()) for part in _split(text[1:-1])]
    if text.startswith('"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if text in {"true", "false"}:
        return text == "true"
    if re.fullmatch(r"[-+]?\d+(\.\d+)?", text):
        return Decimal(text)
    raise BadQuery("BMXAA8744E", f"A text must be in double quotes: {text}")


def _split(text: str) -> list[str]:
    """Split at commas that are in no braces and no quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for place, letter in enumerate(text):
        quoted ^= letter == '"'
        depth += (letter == "{") - (letter == "}")
        if letter == "," and not depth and not quoted:
            parts.append(text[start:place])
            start = place + 1
    if depth or quoted:
        raise BadQuery("BMXAA8744E", f"Braces or quotes do not match: {text[:60]}")
    return [part for part in (*parts, text[start:]) if part.strip()]


def fits(term: Term, record: Record) -> bool:
    """Whether a record meets one term; a value that is not there meets ``!="*"`` only."""
    found = _at(term.attribute, record)
    if isinstance(found, list):
        return any(_fits(term, item) for item in found)
    return _fits(term, found)


def _at(name: str, record: Record) -> Any:
    head, _, rest = name.partition(".")
    if head not in record:
        raise BadQuery("BMXAA4209E", f"The attribute {head.upper()} does not exist.")
    inner = record[head]
    if not rest:
        return inner
    if isinstance(inner, list):
        return [_at(rest, item) for item in inner]
    return _at(rest, inner) if isinstance(inner, dict) else None


def _fits(term: Term, found: Any) -> bool:
    relation, value = term.relation, term.value
    if value == "*":
        return (found is None) == (relation == "!=")
    if isinstance(value, str) and re.fullmatch(r"\[.*\]", value):  # !="[A,B]"
        relation = "in" if relation == "=" else "not in"
        value = value[1:-1].split(",")
    if found is None:
        return False
    if relation in {"in", "not in"}:
        inside = any(_equal(found, item) for item in value)
        return inside == (relation == "in")
    if relation == "!=":
        return not _equal(found, value)
    if relation == "=":
        return _equal(found, value)
    return _COMPARE[relation](_plain(found), _as(found, value))


def _equal(found: Any, value: Any) -> bool:
    if isinstance(value, str) and isinstance(found, str) and "%" in value:
        pattern = re.sub(r"([*?\[])", r"[\1]", value).replace("%", "*")
        return fnmatchcase(found.lower(), pattern.lower())
    return bool(_plain(found) == _as(found, value))


def _plain(found: Any) -> Any:
    if isinstance(found, datetime):
        return found.astimezone(UTC)
    return Decimal(found) if isinstance(found, int) else found


@functools.lru_cache(256)
def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _as(found: Any, value: Any) -> Any:
    """A value of the query in the type of what it is compared with."""
    try:
        if isinstance(found, datetime):
            return _moment(value)
        if isinstance(found, date):
            return date.fromisoformat(value[:10])
        if isinstance(found, str):
            return value if isinstance(value, str) else str(value)
        return Decimal(value)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise BadQuery("BMXAA8745E", f"The value {value!r} is of a wrong type.") from error


# --- order and selection -----------------------------------------------------------------


def parse_order(text: str) -> list[tuple[str, bool]]:
    """Attributes and whether each goes down; the sign must be there."""
    order = []
    for part in _split(text):
        sign, name = part.strip()[:1], _bare(part.strip()[1:])
        if sign not in {"+", "-"}:
            raise BadQuery("BMXAA8746E", f"The sort order needs + or - before {part.strip()}")
        order.append((name, sign == "-"))
    return order


def order_values(record: Record, order: list[tuple[str, bool]]) -> list[Any]:
    """What a record is sorted by: plain attributes of the object itself."""
    for name, _ in order:
        if isinstance(record.get(name, []), list | dict):
            raise BadQuery("BMXAA8747E", f"The attribute {name.upper()} cannot be sorted by.")
    return [_rank(record[name]) for name, _ in order]


def sorted_places(
    found: list[tuple[int, list[Any]]], order: list[tuple[str, bool]], shuffle: int
) -> list[int]:
    """The places in order; what is not there comes first, and equal ones are mixed by chance."""
    if order and shuffle:
        found.sort(key=lambda pair: mixed(pair[0], shuffle))
    for column in reversed(range(len(order))):
        found.sort(key=lambda pair: pair[1][column], reverse=order[column][1])
    return [place for place, _ in found]


def _rank(value: Any) -> tuple[bool, Any]:
    return (value is not None, _plain(value) if value is not None else 0)


class Chosen(NamedTuple):
    name: str
    alias: str
    inner: tuple[Chosen, ...]


def parse_select(text: str) -> tuple[Chosen, ...]:
    """What is asked for: names, ``child{a,b}``, ``rel.child{a,b}``, ``one.attribute``, ``a--b``."""
    return tuple(_chosen(part.strip()) for part in _split(text))


def _chosen(part: str) -> Chosen:
    head, brace, inside = part.partition("{")
    name, _, alias = head.strip().partition("--")
    name = _bare(name).removeprefix("rel.")
    if brace:
        return Chosen(name, alias or name, parse_select(inside.removesuffix("}")))
    outer, _, attribute = name.partition(".")
    if attribute:
        return Chosen(outer, outer, (Chosen(attribute, alias or attribute, ()),))
    return Chosen(name, alias or name, ())


def select(record: Record, chosen: tuple[Chosen, ...]) -> Iterator[tuple[str, Any]]:
    """The chosen attributes of a record, by their aliases; unknown ones are left out."""
    for one in chosen:
        if one.name == "*":
            yield from ((k, v) for k, v in record.items() if not isinstance(v, list | dict))
        elif one.name in record:
            yield one.alias, _inner(record[one.name], one.inner)


def _inner(value: Any, chosen: tuple[Chosen, ...]) -> Any:
    everything = chosen or (Chosen("*", "*", ()),)
    if isinstance(value, list):
        return [dict(select(item, everything)) for item in value]
    if isinstance(value, dict):
        return dict(select(value, everything))
    return value
