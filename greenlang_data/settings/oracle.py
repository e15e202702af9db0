"""What an Oracle Fusion Cloud source is configured with."""

from __future__ import annotations

from abc import abstractmethod

from pydantic import Field

from greenlang_data.settings.counted import CountedSettings


class OracleSettings(CountedSettings):
    """How the REST resources of a Fusion Cloud pod are read."""

    oracle_path: str = Field(
        "/fscmRestApi/resources/11.13.18.05", description="Where the resources are"
    )

    @property
    @abstractmethod
    def oracle_address(self) -> str:
        """The address of the pod, which the path is below."""
