"""Both JSON dialects of Maximo: the lean one, and the one whose keys have namespaces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from greenlang_data.drivers.http.jsons import errors_in, json_decoder
from greenlang_data.drivers.http.twice import check_names

Row = dict[str, Any]

# An older server may know no lean answers, however they are asked for.
_LINK_KEYS: Final = ("href", "rdf:about", "rdf:resource")


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: its records, with plain keys, and the link to the next where there is one.

    ``is_last`` when nothing follows it; ``total`` is how many records there are, if that was asked.
    """

    rows: list[Row]
    next_link: str | None
    is_last: bool = False
    total: int | None = None


_decode: Callable[[bytes | bytearray], Any] = json_decoder(Any, float_hook=Decimal)


def read_page(body: bytes | bytearray) -> Page:
    """A collection in either dialect. Raises ValueError when it is none."""
    answer = _decode(body)
    check_names(body)
    if not isinstance(answer, dict):
        raise ValueError("it is no object")  # noqa: TRY004 - a decoder raises ValueErrors
    members = answer.get("member", answer.get("rdfs:member"))
    if not isinstance(members, list) or not all(isinstance(one, dict) for one in members):
        raise ValueError("it has no list of members")
    about = answer.get("responseInfo", answer.get("oslc:responseInfo"))
    told = plain(about) if isinstance(about, dict) else {}
    following, total = told.get("nextPage"), told.get("totalCount")
    link, count = link_of(following), _number(total)
    if link is None is not following or count is None is not total:
        raise ValueError("what it says of the next page or of the total is neither link nor number")
    return Page([plain(one) for one in members], link, total=count)


def read_count(body: bytes | bytearray) -> int:
    """The answer to a question for the number of records. Raises ValueError when it is none."""
    answer = _decode(body)
    count = _number(plain(answer).get("totalCount")) if isinstance(answer, dict) else None
    if count is None:
        raise ValueError("it has no totalCount")
    return count


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def plain(record: Row) -> Row:
    """A record whose keys have no namespaces; its own link is at ``href``."""
    return {_plain_key(key): _plain_value(value) for key, value in record.items()}


def link_of(value: Any) -> str | None:
    """The address in a link, whichever way it is written."""
    if isinstance(value, dict):
        value = next((value[key] for key in _LINK_KEYS if key in value), None)
    return value if isinstance(value, str) else None


def explain(body: bytes) -> str:
    """What Maximo says is wrong: its message, with the code that IBM's documents list."""
    said = errors_in(body)
    if not isinstance(said, dict):
        return ""
    error = plain(said).get("Error")
    if not isinstance(error, dict):
        return ""
    message, code = str(error.get("message") or ""), str(error.get("reasonCode") or "")
    return message if code in message else f"{code} - {message}"


def _plain_key(key: str) -> str:
    return "href" if key in _LINK_KEYS else key.rpartition(":")[2]


def _plain_value(value: Any) -> Any:
    if isinstance(value, dict):
        return plain(value)
    if isinstance(value, list):
        return [_plain_value(one) for one in value]
    return value
