"""What a register map says about values beside where they are: names of states, plausible ranges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from greenlang_data.drivers.modbus.places import Decoded, Place


class Meaning:
    """The states and ranges of many values; the rest costs nothing."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._states = [
            (place.row, place.register.enum) for place in places if place.register.enum is not None
        ]
        kinds = {place.row: place.register.type for place in places}
        ranged = [
            (place.row, place.register.low, place.register.high)
            for place in places
            if place.register.low is not None or place.register.high is not None
        ]
        self._large = [
            position
            for position, (row, _, _) in enumerate(ranged)
            if not kinds[row].startswith("float")
        ]
        self._rows = np.array([row for row, _, _ in ranged], np.intp)
        self._lows = np.array([-np.inf if low is None else low for _, low, _ in ranged])
        self._highs = np.array([np.inf if high is None else high for _, _, high in ranged])

    def judge(self, decoded: Decoded) -> None:
        """Replace raw states by their names; mark values that are implausible or have no name."""
        for row, names in self._states:
            self._name(row, names, decoded)
        values = decoded.values[self._rows]
        outside = (values < self._lows) | (values > self._highs)
        # Integers that no float64 holds are texts, and the number beside them means nothing.
        for position in np.flatnonzero(outside).tolist():
            if (row := int(self._rows[position])) not in decoded.texts:
                self._refuse(row, decoded)
        for position in self._large:
            row = int(self._rows[position])
            low, high = self._lows[position], self._highs[position]
            if row in decoded.texts and not low <= int(decoded.texts[row]) <= high:
                self._refuse(row, decoded)

    def _name(self, row: int, names: dict[int, str], decoded: Decoded) -> None:
        if row in decoded.statuses:
            return
        raw = int(decoded.texts.pop(row, 0) or decoded.values[row])
        if raw in names:
            decoded.texts[row] = names[raw]
        else:
            decoded.statuses[row] = f"UnmappedValue {raw}"

    def _refuse(self, row: int, decoded: Decoded) -> None:
        """Bad; what it would have been stands in the status, and nowhere else."""
        if row not in decoded.statuses:
            shown = decoded.texts.pop(row, None) or _shown(float(decoded.values[row]))
            decoded.statuses[row] = f"OutOfRange {shown}"


def _shown(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
