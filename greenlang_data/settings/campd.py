"""What EPA's CAMPD is configured with."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from greenlang_data.settings.epa import EpaSettings


class CampdSettings(EpaSettings):
    """One unit of a facility in EPA's Clean Air Markets Program Data, hour by hour.

    ``facility_unit`` is the unit as CAMPD calls it; it may be left out where the facility has
    one. ``streaming`` reads a quarter in one answer; without it there are pages of
    ``rows_per_page``. ``measure_flags`` says of further flags, or otherwise of known ones, which
    quality they are.
    """

    facility_unit: str | None = Field(None, min_length=1)
    streaming: bool = True
    rows_per_page: int = Field(500, ge=1, le=500)
    measure_flags: dict[str, Literal["good", "uncertain", "bad"]] = Field(default_factory=dict)
