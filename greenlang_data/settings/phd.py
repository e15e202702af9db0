"""What a Honeywell Uniformance PHD source is configured with beside its address."""

from __future__ import annotations

from pydantic import Field

from greenlang_data.settings.config import ConnectorConfig


class PhdSettings(ConnectorConfig):
    """How PHD's confidence is understood, and where its own library is.

    PHD gives each sample a confidence of 0 to 100. From ``good_confidence`` on a sample is good, 0
    is bad, and in between it is uncertain; what a site means by it may be different.
    """

    good_confidence: int = Field(100, ge=1, le=100)
    assembly_path: str | None = Field(None, description="phdapinet.dll, for a phd:// address")
