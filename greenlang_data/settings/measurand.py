"""One quantity that an analyser shows: the tag it is read from, and the basis of its numbers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from greenlang_data.settings.condition import Condition

Moisture = Literal["wet", "dry"]


class MeasuringRange(Condition):
    """While it holds, the measurand is read from ``read_from``: analysers switch their range."""

    read_from: str = Field(min_length=1)


class Measurand(BaseModel):
    """``tag`` in calls and frames, such as SO2, stands for ``read_from`` in the register map.

    ``read_from`` is a tag of ``registers`` (Modbus) or of ``tags``, or a node id (OPC UA), and
    ``tag`` itself unless given; the unit is there too. ``moisture`` says whether the gas is wet or
    dry, ``reference_oxygen`` (percent) to what oxygen the number is corrected; None: to none.

    ``ranges`` are for analysers that show a measurand elsewhere, in the same unit, while a bit says
    that another range is on. A reading during which the range changed is unknown, and bad.

    Only with ``without_signals`` are readings that no signal concerns taken as emissions, as for
    a flow meter, through which no calibration gas is passed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    tag: str = Field(min_length=1)
    read_from: str = Field(min_length=1)
    moisture: Moisture | None = None
    reference_oxygen: float | None = Field(None, ge=0, lt=20.9)
    without_signals: bool = False
    ranges: tuple[MeasuringRange, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _same_name(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("read_from") is None and "tag" in data:
            return {**data, "read_from": data["tag"]}
        return data

    @property
    def places(self) -> tuple[str, ...]:
        """Every tag that it may be read from."""
        return (self.read_from, *(one.read_from for one in self.ranges))

    @property
    def basis(self) -> dict[str, Any]:
        """Moisture and reference oxygen, as they stand in the provenance."""
        return {"moisture": self.moisture, "reference_oxygen": self.reference_oxygen}
