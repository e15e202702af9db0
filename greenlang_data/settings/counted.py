"""What a source that tells how many records it has is configured with."""

from __future__ import annotations

from pydantic import Field

from greenlang_data.settings.http import HttpSettings


class CountedSettings(HttpSettings):
    """Whether the server's counts are to be relied on."""

    trust_counts: bool = Field(
        True, description="Refuse an answer with fewer rows than the server counts"
    )
