"""What a source that speaks OData is configured with, whatever family it belongs to."""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

from pydantic import Field

from greenlang_data.settings.counted import CountedSettings
from greenlang_data.settings.secret import Secret

ODataProfile = Literal["sap", "finance", "dataverse"]


class ODataSettings(CountedSettings):
    """How a system's OData services are read.

    ``services`` maps a service's name, as entities use it, to its path below the address; one
    that is not there is below ``v2_path``, or below ``v4_path`` when its name has a slash.
    """

    api_key: Secret | None = None
    api_key_header: str = Field("APIKey", description="The name of the header that it is sent in")
    tenant_id: str | None = Field(None, description="Of Microsoft Entra, for a client's secret")
    sap_client: str | None = Field(None, pattern=r"^\d{3}$", description="The client to log in to")
    sap_language: str | None = Field(None, pattern=r"^[A-Za-z]{2}$")
    v2_path: str = Field("/sap/opu/odata/sap", description="Where SAP's services of V2 are")
    v4_path: str = Field("/sap/opu/odata4/sap", description="Where SAP's services of V4 are")
    services: dict[str, str] = Field(default_factory=dict)
    page_size: int = Field(5000, ge=1, le=100_000, description="Rows asked for at once")
    parallel_ranges: int = Field(
        1,
        ge=1,
        le=16,
        description="Ranges of the key of a large set that are read at once; may change while a "
        "read with checkpoint_path goes on",
    )
    server_names: tuple[str, ...] = Field(
        (), description="Other origins (https://host) by which the server calls itself in links"
    )

    @property
    @abstractmethod
    def odata_address(self) -> str:
        """The address that the paths of services are below."""

    @property
    @abstractmethod
    def odata_profile(self) -> ODataProfile:
        """Whose habits the server has."""
