"""Sources whose times are wall-clock times."""

from __future__ import annotations

from pydantic import Field, field_validator

from greenlang_data.errors import QueryError
from greenlang_data.settings.config import ConnectorConfig
from greenlang_data.times import zone_named


class ZoneSettings(ConnectorConfig):
    """``time_zone`` is a name of the IANA database, such as America/Chicago or Etc/GMT+6."""

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
