"""Keep a record small: long parts become a count, a hash and the first few entries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from greenlang_data.errors import ProvenanceError
from greenlang_data.provenance.frozen import FrozenDict, freeze
from greenlang_data.provenance.hash import Written, canonical_json, write_json

# pandas writes attributes into a Parquet footer three times; 120 MB of them made a file unreadable.
LIMIT: Final = 8000
LONG: Final = 1500
_LONG_PARENTS: Final = 4000  # an entry has about 500: a handful stays readable
_FIRST: Final = 5
_ENTRY: Final = 80

_SHORTENED: Final = (
    "parents",
    "columns",
    "units",
    "failures",
    "query",
    "metadata",
    "notes",
    "exchanges",
)


def capped(
    fields: FrozenDict, known: Mapping[str, Written]
) -> tuple[dict[str, Any], str, FrozenDict]:
    """(fields within ``LIMIT`` characters of JSON, their canonical JSON, the long parts in full).

    ``known`` are parts that were written out already. All values that are given back are frozen.
    Raises ProvenanceError when a part that may not be shortened is too long.
    """
    # Each part is written out once, for its size and for its hash: it may have 10,000 names.
    written = {
        key: known.get(key) or write_json(fields[key]) for key in _SHORTENED if fields.get(key)
    }
    long = [
        key
        for key, part in written.items()
        if part.length > (_LONG_PARENTS if key == "parents" else LONG)
    ]
    short = {**fields, **{key: freeze(digest(written[key])) for key in long}}
    while not _fits(short, text := canonical_json(short)):
        rest = [key for key in written if key not in long]
        if not rest:
            raise ProvenanceError(
                f"the provenance record has more than {LIMIT} characters",
                remedy="Shorten the names of the source and the connector.",
            )
        largest = max(rest, key=lambda key: written[key].length)
        long.append(largest)
        short[largest] = freeze(digest(written[largest]))
    return short, text, FrozenDict({key: fields[key] for key in long})


def digest(written: Written) -> dict[str, Any]:
    """``{"count", "sha256", "first"}`` of a list or a mapping.

    >>> digest(write_json(["a"] * 1000))["count"]
    1000
    """
    value = written.value
    first: Any
    if isinstance(value, dict):
        first = {key[:_ENTRY]: _entry(item) for key, item in list(value.items())[:_FIRST]}
    else:
        first = [_entry(item) for item in value[:_FIRST]]
    return {"count": len(value), "sha256": written.sha256, "first": first}


def is_digest(value: object) -> bool:
    """Whether a part of a record is a digest instead of the part itself."""
    return isinstance(value, dict) and value.keys() == {"count", "sha256", "first"}


def _entry(value: Any) -> Any:
    # An item takes a character at least, so no more of them can show.
    few = value[:_ENTRY] if isinstance(value, list) else value
    text = few if isinstance(few, str) else json.dumps(few, ensure_ascii=False)
    return value if len(text) <= _ENTRY else f"{text[: _ENTRY - 1]}…"


def _fits(fields: Mapping[str, Any], text: str) -> bool:
    """Whether ``fields``, whose canonical JSON is ``text``, have ``LIMIT`` characters in pandas'."""
    # That has a space after each comma and colon, and six characters for one beyond ASCII.
    at_most = len(text) + text.count(",") + text.count(":")
    return (text.isascii() and at_most <= LIMIT) or len(json.dumps(fields)) <= LIMIT
