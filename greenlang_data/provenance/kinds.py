"""How the values of one column become bytes: numbers, times, truth values and decimals.

A *kind* is what a column means, not how it is stored: float32, Int64 and decimal-free ArrowDtype
columns are all ``number``. Each kind streams one fixed-width little-endian record per row, so the
digest does not depend on how the rows were cut into batches. What the record cannot hold exactly
(an integer no float64 equals, an instant outside the range of int64 nanoseconds) goes with its row
number into a second stream.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from hashlib import sha256
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Mask = NDArray[np.bool_]

BLOCK: Final = 1 << 15  # rows per pass: a block of float64 stays in the L2 cache

_NOT_A_TIME: Final = np.iinfo(np.int64).min
_LARGEST: Final = np.iinfo(np.int64).max
_EXACT: Final = 1 << 53  # every integer up to here is a float64
_SECOND: Final = 1_000_000_000


class Kind(ABC):
    """The running digest of one column. ``seen`` is whether it held any value but null."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.rows = 0
        self.seen = False
        self.main = sha256()
        self._beyond: Any = None

    @abstractmethod
    def nulls(self, count: int) -> None:
        """Add ``count`` missing rows."""

    def digest(self) -> bytes:
        """The 32 bytes of everything added so far."""
        streams = self.main.digest() + (self._beyond.digest() if self._beyond else b"")
        return sha256(self.label.encode() + b"\0" + streams).digest()

    def beyond(self, rows: Array, *exact: Array) -> None:
        """Add the exact values of those rows of the present block that need more room."""
        if len(rows):
            if self._beyond is None:
                self._beyond = sha256()
            columns = [rows.astype("<i8") + self.rows, *(part.view("<i8") for part in exact)]
            self._beyond.update(np.ascontiguousarray(np.stack(columns, axis=1)).ravel())


class Numbers(Kind):
    """float64 of every number; null and NaN are the same missing value, -0.0 is 0.0."""

    def add(self, values: Array, missing: Mask | None = None) -> None:
        """Add integers or floats of any width; rows under ``missing`` count as null."""
        for start in range(0, len(values), BLOCK):
            part = values[start : start + BLOCK]
            absent = None if missing is None else missing[start : start + BLOCK]
            if part.dtype.kind != "f":
                self._exact_integers(part, absent)
            # Adding zero turns -0.0 into 0.0 and leaves every other number as it is.
            block = np.add(part, 0.0, dtype="<f8")
            if absent is not None:
                block[absent] = np.nan
            self._update(block)

    def nulls(self, count: int) -> None:
        """Add ``count`` missing rows."""
        self._update(np.full(count, np.nan, "<f8"))

    def _update(self, block: Array) -> None:
        nan = np.isnan(block)
        if nan.any():
            block[nan] = np.nan  # a NaN has many bit patterns; one of them is canonical
            self.seen = self.seen or not nan.all()
        else:
            self.seen = self.seen or len(block) > 0
        self.main.update(block.data)
        self.rows += len(block)

    def _exact_integers(self, values: Array, missing: Mask | None) -> None:
        if values.dtype.itemsize < 8 or not len(values):
            return
        if int(values.max()) <= _EXACT and int(values.min()) >= -_EXACT:
            return
        rounded = values.astype("<f8")
        # 2**63 as float64 overflows the way back; what rounds up to it was not exact anyway.
        fits = rounded < (2.0**63 if values.dtype.kind == "i" else 2.0**64)
        back = np.where(fits, rounded, 0.0).astype(values.dtype)
        inexact = ~fits | (back != values)
        if missing is not None:
            inexact &= ~missing
        rows = np.flatnonzero(inexact)
        self.beyond(rows, values[rows].astype(values.dtype.newbyteorder("<")))


class Times(Kind):
    """int64 nanoseconds: instants since 1970 in UTC, wall-clock times, durations, times of day."""

    def add(self, values: Array, unit: int, missing: Mask | None = None) -> None:
        """Add integers counting ``unit`` nanoseconds; without ``missing``, NaT is int64's least."""
        for start in range(0, len(values), BLOCK):
            block = values[start : start + BLOCK].astype("<i8", copy=False)
            absent = block == _NOT_A_TIME if missing is None else missing[start : start + BLOCK]
            if unit != 1:
                self._far(block, unit, absent)
                block = block * unit  # far values wrap around; their exact value is in `beyond`
            if (unit != 1 or missing is not None) and absent.any():
                block = np.where(absent, _NOT_A_TIME, block)
            self.seen = self.seen or not absent.all()
            self._update(block)

    def nulls(self, count: int) -> None:
        """Add ``count`` missing rows."""
        self._update(np.full(count, _NOT_A_TIME, "<i8"))

    def _update(self, block: Array) -> None:
        self.main.update(np.ascontiguousarray(block).data)
        self.rows += len(block)

    def _far(self, values: Array, unit: int, missing: Mask) -> None:
        limit = _LARGEST // unit
        far = ((values > limit) | (values < -limit)) & ~missing
        rows = np.flatnonzero(far)
        if not len(rows):
            return
        # Seconds and nanoseconds, so that 9999-12-31 is the same in every resolution.
        per_second = max(_SECOND // unit, 1)
        seconds = values[rows] // per_second * max(unit // _SECOND, 1)
        self.beyond(rows, seconds, values[rows] % per_second * unit % _SECOND)


class Booleans(Kind):
    """One byte a row: 0 false, 1 true, 2 missing."""

    def add(self, values: Array, missing: Mask | None = None) -> None:
        """Add truth values; rows under ``missing`` count as null."""
        codes = values.astype(np.uint8)
        if missing is not None:
            codes[missing] = 2
        self.seen = self.seen or _any_present(len(values), missing)
        self.main.update(codes.data)
        self.rows += len(codes)

    def nulls(self, count: int) -> None:
        """Add ``count`` missing rows."""
        self.main.update(b"\x02" * count)
        self.rows += count


class Decimals(Kind):
    """The unscaled 128-bit integer of every decimal; the scale is part of the column's label."""

    _MISSING: Final = (0, _NOT_A_TIME)

    def add(self, words: Array, missing: Mask | None = None) -> None:
        """Add int64 words, shape (rows, 2) or (rows, 4), least significant first."""
        low = np.array(words[:, :2], dtype="<i8")
        if words.shape[1] > 2:
            sign = words[:, 1] >> 63
            wide = (words[:, 2] != sign) | (words[:, 3] != sign)
            if missing is not None:
                wide &= ~missing
            rows = np.flatnonzero(wide)
            self.beyond(rows, words[rows, 2].copy(), words[rows, 3].copy())
        if missing is not None:
            low[missing] = self._MISSING
        self.seen = self.seen or _any_present(len(words), missing)
        self.main.update(low.ravel().data)
        self.rows += len(low)

    def nulls(self, count: int) -> None:
        """Add ``count`` missing rows."""
        self.main.update(np.tile(np.array(self._MISSING, "<i8"), count).data)
        self.rows += count


def _any_present(rows: int, missing: Mask | None) -> bool:
    return rows > 0 if missing is None else not missing.all()
