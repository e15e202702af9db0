"""Everything about one query that stays the same from read to read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from greenlang_data.drivers.dnp3.points import Address, parse_tag, tag_forms
from greenlang_data.drivers.scaling import Scale
from greenlang_data.drivers.schema import UNKNOWN_TAG
from greenlang_data.nearest import did_you_mean
from greenlang_data.settings.point import Point, PointType

_UNSCALED: Final = Scale(1, 0, 1)
# Looking for the nearest name among thousands takes a while, so not for every wrong tag.
_NAMES_GUESSED: Final = 20


class _Rows:
    """Which rows the points of one type go to; several names may stand for one point."""

    def __init__(self, places: Iterable[tuple[int, int]]) -> None:
        ordered = np.array(sorted(places))
        self._indices, self._rows = ordered[:, 0], ordered[:, 1]
        self.wanted: list[int] = np.unique(self._indices).tolist()

    def find(self, indices: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Positions in ``indices``, and the row for each."""
        first = np.searchsorted(self._indices, indices, "left")
        counts = np.searchsorted(self._indices, indices, "right") - first
        positions = np.repeat(np.arange(len(indices)), counts)
        within = np.arange(len(positions)) - np.repeat(np.cumsum(counts) - counts, counts)
        return positions, self._rows[first[positions] + within]


class Layout:
    """Where the values of ``tags`` go, their columns that never change, and names that mean nothing.

    ``integers`` are the types whose values are known to be integers at the device.
    """

    def __init__(
        self, tags: Sequence[str], points: Mapping[str, Point], integers: frozenset[PointType]
    ) -> None:
        self.tags = tags
        self.integers = integers
        self.unknown: dict[int, str] = {}
        self.scales: dict[int, Scale] = {}
        self.addresses: list[Address | None] = []
        places: dict[PointType, list[tuple[int, int]]] = defaultdict(list)
        for row, tag in enumerate(tags):
            point = points.get(tag)
            address = Address(point.type, point.index) if point else parse_tag(tag)
            self.addresses.append(address)
            if address is None:
                self.unknown[row] = self._unknown(tag, points)
                continue
            places[address.type].append((address.index, row))
            if point and (scale := Scale.of(point.scale, point.offset)) != _UNSCALED:
                self.scales[row] = scale
        self.rows = {kind: _Rows(of_kind) for kind, of_kind in places.items()}
        self.tag_ids = pa.array(tags, pa.string())
        units = [points[tag].unit if tag in points else None for tag in tags]
        self.units = pa.array(units, pa.string())

    def wanted(self) -> dict[PointType, list[int]]:
        """The indices asked for, by type, in order."""
        return {kind: rows.wanted for kind, rows in self.rows.items()}

    def _unknown(self, tag: str, points: Mapping[str, Point]) -> str:
        hint = did_you_mean(tag, points) if len(self.unknown) < _NAMES_GUESSED else ""
        return f"{UNKNOWN_TAG} {tag!r}{f'; {hint}' if hint else f': {tag_forms()}'}"
