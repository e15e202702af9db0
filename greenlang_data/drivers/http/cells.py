"""One member of many JSON objects, as it stands in the document: texts and nulls, or any value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.http.bytes_at import all_at
from greenlang_data.drivers.http.jsons import json_decoder, read_any

_TRUE, _NULL = b"tn"
_BARE: Final = b"0123456789+-.eEtrufalsn"  # of numbers, true, false and null
_read_texts: Final[Callable[[bytes], list[str]]] = json_decoder(list[str])


@dataclass(frozen=True, slots=True)
class Cells:
    """The values of one member, in UTF-8 and without control characters.

    ``bounds`` (int32) are where each begins and ends in the ``body``, without the quotes around it;
    ``bare`` tells which have none, and is None where all have them. ``escapes`` is false where
    there is no backslash.
    """

    bounds: np.ndarray
    bare: np.ndarray | None
    body: bytes | bytearray
    escapes: bool

    def texts(self) -> pa.StringArray | None:
        """The texts, null where there is null; None where there is anything else.

        Raises ValueError for an escape that JSON does not have.
        """
        if self.bare is not None and not self._all_are(b"null", self.bare):
            return None
        texts = self._between(self.bounds, self.bare)
        return _unescaped(texts) if self.escapes else texts

    def truths(self) -> pa.BooleanArray | None:
        """Truth, null where there is null; None where there is anything else."""
        if self.bare is None or not self.bare.all():
            return None
        initial = np.frombuffer(self.body, np.uint8)[self.bounds[::2]]
        true, null = initial == _TRUE, initial == _NULL
        words = ((b"true", true), (b"null", null), (b"false", ~(true | null)))
        if not all(self._all_are(word, which) for word, which in words):
            return None
        return pa.array(true, mask=null)

    def tokens(self) -> bytes:
        """All values as one JSON list. Raises ValueError for what cannot be a single one."""
        quotes = np.ones(len(self.bounds) // 2, np.int32)
        if self.bare is not None:
            quotes -= self.bare
            # Nothing that would end the list's item, or begin another.
            if text_bytes(self._between(self.bounds, ~self.bare)).translate(None, _BARE):
                raise ValueError("a value is none")
        bounds = self.bounds.copy()
        bounds[::2] -= quotes
        bounds[1::2] += quotes
        tokens = self._between(bounds)
        whole = pa.ListArray.from_arrays(pa.array([0, len(tokens)], pa.int32()), tokens)
        return b"[" + text_bytes(pc.binary_join(whole, ",")) + b"]"

    def check(self) -> None:
        """Raise ValueError unless each is a value of JSON."""
        if (self.bare is not None or self.escapes) and self.texts() is None:
            read_any(self.tokens())

    def _all_are(self, word: bytes, which: np.ndarray) -> bool:
        first, last = self.bounds[::2][which], self.bounds[1::2][which]
        alike = (last - first == len(word)).all()
        return bool(alike) and all_at(np.frombuffer(self.body, np.uint8), first, word)

    def _between(self, bounds: np.ndarray, missing: np.ndarray | None = None) -> pa.StringArray:
        """What is between ``bounds``, null where it is ``missing``."""
        every = pa.StringArray.from_buffers(
            len(bounds) - 1, pa.py_buffer(bounds), pa.py_buffer(self.body)
        )
        return every.take(pa.array(np.arange(0, len(bounds), 2, dtype=np.int32), mask=missing))


def _unescaped(texts: pa.StringArray) -> pa.StringArray:
    if b"\\" not in text_bytes(texts):
        return texts
    which = pc.match_substring(texts, "\\")
    written = '","'.join(texts.filter(which).to_pylist())
    return pc.replace_with_mask(texts, which, pa.array(_read_texts(f'["{written}"]'.encode())))


def text_bytes(texts: pa.StringArray) -> bytes:
    """All texts of an array that is no slice, one behind the other."""
    data: pa.Buffer | None = texts.buffers()[2]
    return b"" if data is None else data.to_pybytes()
