"""A named DNP3 point: the name that calls use for a type and an index."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from greenlang_data.settings.unit import Unit

PointType = Literal[
    "binary",
    "double_bit",
    "binary_output_status",
    "counter",
    "frozen_counter",
    "analog",
    "analog_output_status",
    "octet_string",
]

_NUMBERS = frozenset({"counter", "frozen_counter", "analog", "analog_output_status"})


class Point(BaseModel):
    """``tag`` in calls and frames stands for point ``index`` of ``type`` at the outstation.

    The value is ``raw * scale + offset`` in ``unit``, both taken as the decimal numbers they are
    written as.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    tag: str = Field(min_length=1)
    type: PointType
    index: int = Field(ge=0, le=65535)
    scale: float = Field(1.0, allow_inf_nan=False)
    offset: float = Field(0.0, allow_inf_nan=False)
    unit: Unit = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.scale == 0:
            raise ValueError(f"tag {self.tag!r}: scale 0 would make every value the offset")
        if self.type not in _NUMBERS and (self.scale, self.offset) != (1.0, 0.0):
            raise ValueError(f"tag {self.tag!r}: type {self.type} cannot be scaled")
        return self
