"""What EPA's two sources of hourly emissions have in common."""

from __future__ import annotations

from pydantic import Field, field_validator

from greenlang_data.errors import QueryError
from greenlang_data.settings.http import HttpSettings
from greenlang_data.settings.secret import Secret
from greenlang_data.times import zone_named


class EpaSettings(HttpSettings):
    """EPA counts hours in the plant's local standard time all year.

    So ``time_zone`` (such as America/Chicago) is needed: its offset in January holds for the
    whole year. The ``api_key`` is one of api.data.gov and goes into a header, never into an
    address. ``server_url`` is EPA's own unless given.
    """

    server_url: str = ""
    api_key: Secret | None = None
    time_zone: str | None = Field(None, min_length=1)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                zone_named(value)
            except QueryError as error:
                raise ValueError(str(error)) from None
        return value
