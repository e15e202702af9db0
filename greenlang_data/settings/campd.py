"""What EPA's CAMPD is configured with."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from greenlang_data.errors import QueryError
from greenlang_data.settings.http import HttpSettings
from greenlang_data.settings.secret import Secret
from greenlang_data.times import zone_named


class CampdSettings(HttpSettings):
    """One unit of a facility in EPA's Clean Air Markets Program Data, hour by hour.

    The ``api_key`` is one of api.data.gov and goes into a header, never into an address.
    ``facility_unit`` is the unit as CAMPD calls it; it may be left out where the facility has
    one. CAMPD counts hours in the plant's local standard time all year, so ``time_zone`` (such as
    America/Chicago) is needed: its offset in January holds for the whole year.

    ``streaming`` reads a quarter in one answer; without it there are pages of ``rows_per_page``.
    ``measure_flags`` says of further flags, or otherwise of known ones, which quality they are.
    """

    server_url: str = ""
    api_key: Secret | None = None
    facility_id: int | None = Field(None, ge=1, description="ORIS code")
    facility_unit: str | None = Field(None, min_length=1)
    time_zone: str | None = None
    streaming: bool = True
    rows_per_page: int = Field(500, ge=1, le=500)
    measure_flags: dict[str, Literal["good", "uncertain", "bad"]] = Field(default_factory=dict)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                zone_named(value)
            except QueryError as error:
                raise ValueError(str(error)) from None
        return value
