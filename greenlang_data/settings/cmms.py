"""What a maintenance system is configured with, whichever it is."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any, Literal

from pydantic import Field, field_validator

from greenlang_data.settings.http import HttpSettings
from greenlang_data.settings.secret import Secret
from greenlang_data.times import zone_named


class CmmsSettings(HttpSettings):
    """Where a maintenance system is, how to log in, and what it calls things.

    What differs between sites can be told for each entity (work_order, asset, pm, notification,
    meter, failure): ``objects`` names the object structure, grid or entity set that it is read
    from; ``field_map`` the system's own field of a canonical column ("" for none);
    ``status_map`` the canonical status of a status; ``native_columns`` further fields of the
    system, which become columns of text. ``dataspies`` has to name the saved filter of each grid of
    Infor that is read, because a user's usual one may hide records.
    """

    api_url: str = ""
    api_key: Secret | None = None
    time_zone: str | None = Field(
        None, description="IANA name of the zone of times that the system writes without one"
    )
    page_size: int = Field(500, ge=1, le=10_000, description="Records in one answer")
    date_format: str | None = Field(
        None, description="strptime form of the dates of Infor's grids, such as %m/%d/%Y"
    )
    decimal_mark: Literal[".", ","] = Field(".", description="Of numbers in Infor's grids")
    tenant: str | None = Field(None, description="Infor: whose system it is")
    organization: str | None = Field(None, description="Infor: the login's organization")
    role: str | None = Field(None, description="Infor: the login's role")
    dataspies: dict[str, str] = Field(
        default_factory=dict, description="Infor: the saved filter of each entity's grid"
    )
    include_tasks: bool = Field(False, description="Also the tasks of work orders, as rows")
    objects: dict[str, str] = Field(default_factory=dict)
    field_map: dict[str, dict[str, str]] = Field(default_factory=dict)
    status_map: dict[str, dict[str, str]] = Field(default_factory=dict)
    native_columns: dict[str, list[str]] = Field(default_factory=dict)

    @field_validator("time_zone")
    @classmethod
    def _there(cls, value: Any) -> Any:
        if value is not None:
            zone_named(value)
        return value

    @property
    def zone(self) -> tzinfo | None:
        """The zone of times that the system writes without one."""
        return None if self.time_zone is None else zone_named(self.time_zone)
