"""How a column of texts becomes bytes: codes in order of first occurrence, and each text once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from struct import pack
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.provenance.kinds import Array, Kind

# Distinct texts that get a code. Later ones are hashed in full at every occurrence, so memory stays
# bounded in a stream. Part of the definition: another limit gives other hashes.
LIMIT: Final = 4096

_NULL, _LITERAL, _UNSEEN = -1, -2, -3
SLICE: Final = 1 << 14  # rows in a pass
_SMALL: Final = 150  # up to here a Python loop is faster than one Arrow call


class Texts(Kind):
    """An int32 code per row (-1 null, -2 a text without a code) and every new text once.

    Used for strings, bytes and canonical JSON. The first ``LIMIT`` distinct texts are numbered in
    the order of their first occurrence in the rows, which no batch boundary and no dictionary
    encoding changes.
    """

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self._lengths = sha256()
        self._bytes = sha256()
        self._count = 0  # of the texts that have a code
        self._known: dict[str | bytes, int] = {}
        self._unlisted: Any = None  # the Arrow array of those that have a code, before any is known
        self._known_set: Any = None
        self._zeros = 0  # rows of the first code, as long as there are no others

    def add(self, values: Sequence[str | bytes | None]) -> None:
        """Add texts (None is null), one Python object each."""
        if len(values) > _SMALL:
            self.add_arrow(pa.array(values))
            return
        codes = self._codes(values)
        if _LITERAL in codes:
            pairs = zip(values, codes, strict=True)
            self._new([value for value, code in pairs if code == _LITERAL and value is not None])
        self.seen = self.seen or any(code != _NULL for code in codes)
        self._write_zeros()
        self.main.update(pack(f"<{len(codes)}i", *codes))
        self.rows += len(codes)

    def add_arrow(self, array: Any) -> None:
        """Add an Arrow array of strings or bytes."""
        if len(array) <= _SMALL:
            self.add(array.to_pylist())
            return
        for start in range(0, len(array), SLICE):
            part = array.slice(start, SLICE)
            if self._count == LIMIT:
                self._add_by_lookup(part)
            else:
                self._add_encoded(_encoded(part))

    def add_codes(self, codes: Array, values: Any) -> None:
        """Add rows as indices (negative is null) into an Arrow array of texts, in any order."""
        if len(codes) <= _SMALL and len(values) <= _SMALL:
            texts = values.to_pylist()
            self.add([texts[code] if code >= 0 else None for code in codes.tolist()])
            return
        alike = len(codes) > 0 and codes[0] >= 0 and (codes == codes[0]).all()
        if alike and self._add_alike(values[codes[0]], len(codes)):
            return
        # One entry more than there are values: index -1 reaches it.
        known = np.full(len(values) + 1, _UNSEEN, "<i4")
        known[-1] = _NULL
        for start in range(0, len(codes), SLICE):
            part = codes[start : start + SLICE]
            mapped = known[part]
            look = _SMALL
            # Most texts turn up in the first rows, so look at more only when some are left.
            while len(unseen := np.flatnonzero(mapped == _UNSEEN)):
                found = list(dict.fromkeys(part[unseen[:look]].tolist()))
                known[found] = self._codes([values[local].as_py() for local in found])
                mapped = known[part]
                look *= 8
            self._add_mapped(mapped, lambda rows, part=part: values.take(pa.array(part[rows])))

    def nulls(self, count: int) -> None:
        """Add ``count`` missing rows."""
        self._write_zeros()
        self.main.update(np.full(count, _NULL, "<i4").data)
        self.rows += count

    def digest(self) -> bytes:
        """The 32 bytes of everything added so far."""
        self._write_zeros()
        texts = self._lengths.digest() + self._bytes.digest()
        return sha256(super().digest() + texts).digest()

    def _add_alike(self, text: Any, rows: int) -> bool:
        """Add so many rows of one text, if it is the first and so far the only one."""
        if self.rows != self._zeros or self._codes([text.as_py()]) != [0]:
            return False
        self.seen = True
        self.rows += rows
        self._zeros += rows
        return True

    def _write_zeros(self) -> None:
        if self._zeros:
            self.main = _hash_of_zeros(self._zeros).copy()
            self._zeros = 0

    def _codes(self, values: Iterable[str | bytes | None]) -> list[int]:
        """The code of each; new texts get the next ones, until there are ``LIMIT``."""
        listed = self._listed()
        codes, new = [], []
        for value in values:
            code = _NULL if value is None else listed.get(value, _LITERAL)
            if code == _LITERAL and value is not None and len(listed) < LIMIT:
                code = listed[value] = len(listed)
                new.append(value)
            codes.append(code)
        self._count = len(listed)
        self._new(new)
        return codes

    def _listed(self) -> dict[str | bytes, int]:
        """Every text that has a code. Python objects cost most, and a single part needs none."""
        if self._unlisted is not None:
            texts, self._unlisted = self._unlisted.to_pylist(), None
            self._known = dict(zip(texts, range(len(texts)), strict=True))
        return self._known

    def _new(self, values: Iterable[str | bytes]) -> None:
        # A lone surrogate is a legal Python string, though no file format takes it.
        raw = [
            value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
            for value in values
        ]
        self._lengths.update(pack(f"<{len(raw)}q", *map(len, raw)))
        self._bytes.update(b"".join(raw))

    def _add_encoded(self, encoded: Any) -> None:
        distinct, indices = encoded.dictionary, encoded.indices
        codes = (indices.fill_null(_NULL) if indices.null_count else indices).to_numpy()
        if self._count:
            mapped = np.array([*self._codes(distinct.to_pylist()), _NULL], "<i4")[codes]
        else:
            # Arrow numbers the distinct values in the order of their first occurrence, as we do.
            self._unlisted = distinct.slice(0, LIMIT)
            self._count = len(self._unlisted)
            if self._count:
                self._new_arrow(self._unlisted)
            coded = len(distinct) <= LIMIT
            mapped = codes if coded else np.where(codes < LIMIT, codes, np.int32(_LITERAL))
        self._add_mapped(mapped, lambda rows: distinct.take(pa.array(codes[rows])))

    def _add_by_lookup(self, part: Any) -> None:
        if self._known_set is None:
            self._known_set = pa.array(list(self._listed()), part.type)
        codes = pc.index_in(part, value_set=self._known_set).fill_null(_LITERAL)
        mapped = codes.to_numpy(zero_copy_only=False).astype("<i4")
        if part.null_count:
            mapped[part.is_null().to_numpy(zero_copy_only=False)] = _NULL
        self._add_mapped(mapped, lambda rows: part.take(pa.array(np.flatnonzero(rows))))

    def _add_mapped(self, mapped: Array, take: Any) -> None:
        literal = mapped == _LITERAL
        if literal.any():
            self._new_arrow(take(literal))
        self._update(mapped)

    def _new_arrow(self, texts: Any) -> None:
        texts = texts.cast(pa.large_binary())
        _, offsets, data = texts.buffers()
        ends = np.frombuffer(offsets, "<i8", len(texts) + 1, texts.offset * 8)
        self._lengths.update(np.diff(ends).data)
        if ends[-1] > ends[0]:
            self._bytes.update(memoryview(data)[ends[0] : ends[-1]])

    def _update(self, codes: Array) -> None:
        self.seen = self.seen or bool((codes != _NULL).any())
        self._write_zeros()
        self.main.update(codes.data)
        self.rows += len(codes)


@lru_cache(maxsize=8)
def _hash_of_zeros(rows: int) -> Any:
    """The running SHA-256 of the first code in so many rows; columns of one frame share it."""
    block, running = bytes(4 * SLICE), sha256()
    for _ in range(rows // SLICE):
        running.update(block)
    running.update(block[: 4 * (rows % SLICE)])
    return running


def all_alike(texts: Any) -> bool:
    """Whether an Arrow array has the same text in every row, and no null; a unit often is.

    Comparing neighbours takes a tenth of the time that finding the distinct texts takes.
    """
    return not texts.null_count and texts.slice(1).equals(texts.slice(0, max(len(texts), 1) - 1))


def _encoded(part: Any) -> Any:
    if not all_alike(part):
        return part.dictionary_encode()
    return pa.DictionaryArray.from_arrays(np.zeros(len(part), np.int32), part.slice(0, 1))
