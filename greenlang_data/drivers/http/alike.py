"""Lists of JSON objects that are alike but for their values, taken apart as columns.

A page of records is the same names thousands of times. The first object is the template, and all
others are followed beside it, a member at a time: what is between two values has to be equal, byte
for byte, and each object has to begin where the one before it ended. A value is what is between
two quotes that no backslash escapes, or else all that comes before the template's next member. So
nothing is skipped and nothing guessed; what the values are is for the caller to read strictly.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.http.bytes_at import all_at, closing_quotes, equal_at
from greenlang_data.drivers.http.cells import Cells
from greenlang_data.drivers.http.jsons import read_any

FEWEST: Final = 2000
"""So many objects are worth it."""
_LARGEST: Final = 2**30  # places in a string array are int32
_TOKEN: Final = re.compile(
    rb'("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[{}\[\],]|(?P<bare>[-+.\w]+)', re.DOTALL
)
_QUOTE, _BRACE, _SPACE = np.frombuffer(b'"{ ', np.uint8)


@dataclass(frozen=True, slots=True)
class Alike:
    """``rows`` objects, and the ``cells`` of their members that are texts, numbers, truth or null.

    ``others`` are the names of members that are objects or lists, and ``inner`` the values in them.
    The objects are from ``begin`` to ``end`` in the ``body``.
    """

    rows: int
    cells: Mapping[str, Cells]
    others: frozenset[str]
    inner: Sequence[Cells]
    begin: int
    end: int
    body: bytes | bytearray

    def rest(self, mark: bytes) -> bytes:
        """The document with ``mark`` in place of the objects."""
        return b"".join([self.body[: self.begin], mark, self.body[self.end :]])

    def check_all_but(self, read: Collection[str]) -> None:
        """Raise ValueError where a value is no JSON, those apart that the caller will ``read``."""
        unread = [one for name, one in self.cells.items() if name not in read]
        for one in [*unread, *self.inner]:
            one.check()


@dataclass(slots=True)
class _Object:
    """One object. ``literals`` are before, between and behind its values, which are at ``bounds``.

    ``bare`` tells which values have no quotes around them, ``names`` which are members of the object
    itself, whose names are ``keys``; the others (None) are within one of them.
    """

    literals: list[bytes]
    names: list[str | None]
    keys: list[str]
    bounds: list[tuple[int, int]]
    bare: list[bool]
    end: int


def read_alike(body: bytes | bytearray, start: int) -> Alike | None:
    """The objects from the one at ``start`` to the last like it, None where it is none or others are.

    None as well where they are too few to be worth it, or have what only a strict reader tells.
    What the values are, and that the list ends behind the last object, is for the caller to see.
    """
    first = _object(body, start)
    if first is None or not FEWEST * (first.end - start) < 2 * len(body) < _LARGEST:
        return None
    gap = bytes(body[first.end : body.find(b"{", first.end)])
    buffer = np.frombuffer(body, np.uint8)
    braces = np.flatnonzero(buffer == _BRACE)
    begins = braces[equal_at(buffer, braces, first.literals[0])]
    begins = begins[np.searchsorted(begins, start) :]
    if len(begins) < FEWEST or gap.strip() != b",":
        return None
    last = _object(body, int(begins[-1]))
    if last is None or last.literals != first.literals:
        return None
    escapes = body.find(b"\\", start, last.end) >= 0
    try:
        cells = _cells(body, begins, first, gap, last, escapes)
    except IndexError:  # beyond the end
        return None
    if cells is None or not _is_clean(body, start, last.end, len(begins), first, gap):
        return None
    own = {name: one for name, one in zip(first.names, cells, strict=True) if name is not None}
    inner = [one for name, one in zip(first.names, cells, strict=True) if name is None]
    others = frozenset(first.keys) - own.keys()
    return Alike(len(begins), own, others, inner, start, last.end, body)


def _object(body: bytes | bytearray, start: int) -> _Object | None:
    """The object at ``start``, where it can be the template of others."""
    try:
        found = _parsed(body, start)
        if found is None:
            return None
        read_any(body[start : found.end])
    except ValueError:
        return None
    # Values are told by quotes, so each has to be followed by the quotes of a name.
    plain = all(b'"' in one and b"\\" not in one for one in found.literals[:-1])
    return found if plain and len(set(found.keys)) == len(found.keys) else None


def _parsed(body: bytes | bytearray, start: int) -> _Object | None:
    found = _Object([], [], [], [], [], start)
    depth, key = 0, ""
    for token in _TOKEN.finditer(body, start):
        text = token[0]
        if text in b"{[":
            depth += 1
        elif text in b"}]":
            depth -= 1
        elif token[2] and depth == 1:
            key = read_any(token[1])
            found.keys.append(key)
        elif not token[2] and text != b",":
            quotes = token["bare"] is None
            found.literals.append(bytes(body[found.end : token.start()]))
            found.names.append(key if depth == 1 else None)
            found.bounds.append((token.start() + quotes, token.end() - quotes))
            found.bare.append(not quotes)
            found.end = token.end()
        if not depth:
            found.literals.append(bytes(body[found.end : token.end()]))
            found.end = token.end()
            return found if found.names else None
    return None


def _cells(
    body: bytes | bytearray,
    begins: np.ndarray,
    first: _Object,
    gap: bytes,
    last: _Object,
    escapes: bool,
) -> list[Cells] | None:
    """Each member of all objects, the ``last`` of which is known; None where one is not alike."""
    buffer = np.frombuffer(body, np.uint8)
    opening, *between, closing = first.literals
    places = begins[:-1] + len(opening)
    found = []
    texts = [*between, closing + gap + opening]
    for text, (low, high), ending, bare in zip(
        texts, first.bounds, last.bounds, last.bare, strict=True
    ):
        quoted = buffer[places] == _QUOTE
        if quoted.all():
            starts = places + 1
            ends = closing_quotes(buffer, starts, high - low)
            after = ends + 1
            alone = np.append(~quoted, True) if bare else None
        else:
            starts = places + quoted
            ends = closing_quotes(buffer, starts, high - low)
            ends -= np.where(quoted, 0, text.index(b'"'))
            after = ends + quoted
            alone = np.append(~quoted, bare)
            if (ends < starts).any():
                return None
        if not all_at(buffer, after, text):
            return None
        places = after + len(text)
        bounds = np.empty(2 * len(begins), np.int32)
        bounds[:-2:2], bounds[1:-2:2], bounds[-2:] = starts, ends, ending
        found.append(Cells(bounds, alone, body, escapes))
    return found if (places - len(opening) == begins[1:]).all() else None


def _is_clean(
    body: bytes | bytearray, start: int, end: int, rows: int, first: _Object, gap: bytes
) -> bool:
    """Whether no value has a control character, and all is UTF-8."""
    objects = np.frombuffer(body, np.uint8)[start:end]
    spaces = rows * _controls(b"".join(first.literals)) + (rows - 1) * _controls(gap)
    if (_controls(objects) if spaces else objects.min() < _SPACE) != spaces:
        return False
    bounds = np.array([start, end], np.int32)
    whole = pa.StringArray.from_buffers(1, pa.py_buffer(bounds), pa.py_buffer(body))
    try:
        whole.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _controls(text: bytes | np.ndarray) -> int:
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) < _SPACE))
