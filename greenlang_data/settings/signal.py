"""A status of an analyser that says that its readings are no emissions."""

from __future__ import annotations

from typing import Literal

from greenlang_data.settings.condition import Condition

SignalMeaning = Literal["calibration", "maintenance", "fault", "over_range"]


class Signal(Condition):
    """While it holds, the analyser is as ``means`` says.

    A bit that says that all is well means a fault when it is false. ``measurands`` are those that
    it concerns; empty: all.
    """

    means: SignalMeaning
    measurands: tuple[str, ...] = ()

    def concerns(self, measurand: str) -> bool:
        """Whether the readings of ``measurand`` depend on it."""
        return not self.measurands or measurand in self.measurands
