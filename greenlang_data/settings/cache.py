"""How a source's raw samples are kept on disk; off unless asked."""

from __future__ import annotations

from pydantic import Field

from greenlang_data.settings.config import ConnectorConfig


class CacheSettings(ConnectorConfig):
    """Where raw samples are kept, and from when on they are taken to be final.

    Samples younger than ``cache_late_seconds`` when they were read are read again each time. The
    clocks of the source and of this machine must not differ by more than that.
    """

    cache_path: str | None = Field(None, min_length=1, description="A folder; None: no cache")
    cache_late_seconds: float = Field(
        86_400, ge=60, description="So long after its time a sample may still come or change"
    )
