"""What EPA's two sources of hourly emissions have in common."""

from __future__ import annotations

from pydantic import Field

from greenlang_data.settings.http import HttpSettings
from greenlang_data.settings.secret import Secret
from greenlang_data.settings.zone import ZoneSettings


class EpaSettings(HttpSettings, ZoneSettings):
    """EPA counts hours in the plant's local standard time all year.

    So ``time_zone`` is needed: its offset in January holds for the whole year. The ``api_key`` is
    one of api.data.gov and goes into a header, never into an address. ``server_url`` is EPA's own
    unless given.
    """

    server_url: str = ""
    api_key: Secret | None = None
    facility_id: int | None = Field(None, ge=1, description="ORIS code")
