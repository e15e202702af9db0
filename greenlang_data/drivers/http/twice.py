"""Names that are there twice in one object: decoders take the last value without a word."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

_SPACED: Final = re.compile(rb'"\s+:')


def check_names(body: bytes | bytearray) -> None:
    """Raise ValueError where an object of ``body``, which is JSON, has a name twice."""
    try:
        json.loads(body, object_pairs_hook=_checked, parse_float=str, parse_int=str)
    except RecursionError:
        raise ValueError("its objects are too deep") from None


def check_rows(body: bytes | bytearray, rows: Sequence[msgspec.Raw]) -> None:
    """Like :func:`check_names` in a quarter of the time, for ``rows`` with all the same members.

    Names are counted by the colons behind quotes, and of rows with equally many only the first is
    looked into: another could have one twice only if it lacked one that the first has.
    """
    if rows and _SPACED.search(bytes(rows[0])):
        check_names(body)  # written by one hand, so the colons are elsewhere in all rows
        return
    known = set()
    for row in rows:
        text = bytes(row)
        names = text.count(b'":')
        if names not in known:
            check_names(text)
            known.add(names)


def _checked(members: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in members]
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise ValueError(f"an object has {twice[:40]!r} twice")
