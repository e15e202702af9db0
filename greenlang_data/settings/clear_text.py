"""Whether credentials may go where others can read them along."""

from __future__ import annotations

from pydantic import Field

from greenlang_data.settings.config import ConnectorConfig


class ClearTextSettings(ConnectorConfig):
    """Of every protocol that can log in over a channel that is not encrypted."""

    allow_clear_text_credentials: bool = Field(
        False,
        description="Send them over a channel that is not encrypted; over http to this machine "
        "they need no leave",
    )
