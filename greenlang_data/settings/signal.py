"""A status of an analyser that says that its readings are no emissions."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

SignalMeaning = Literal["calibration", "maintenance", "fault", "over_range"]


class Signal(BaseModel):
    """While the tag ``tag`` holds a value of ``when``, the analyser is as ``means`` says.

    ``tag`` is one of ``registers`` or ``tags``, or a node id. ``when`` are booleans (bits),
    integers or texts (names of states); a bit that says that all is well means a fault when it is
    false. ``measurands`` are those that it concerns; empty: all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    tag: str = Field(min_length=1)
    means: SignalMeaning
    when: tuple[bool | int | str, ...] = Field((True,), min_length=1)
    measurands: tuple[str, ...] = ()

    @field_validator("when", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, bool | int | str) else value

    def concerns(self, measurand: str) -> bool:
        """Whether the readings of ``measurand`` depend on it."""
        return not self.measurands or measurand in self.measurands

    def holds(self, value: float | None, text: str | None) -> bool:
        """Whether one reading of the tag is among ``when``. Numbers count as numbers."""
        for one in self.when:
            if isinstance(one, str):
                if text == one:
                    return True
            elif value is not None and value == float(one):
                return True
        return False
