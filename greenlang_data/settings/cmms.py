"""What a maintenance system is configured with, whichever it is."""

from __future__ import annotations

from datetime import tzinfo
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, field_validator

from greenlang_data.settings.odata import ODataProfile, ODataSettings
from greenlang_data.times import zone_named


class CmmsSettings(ODataSettings):
    """Where a maintenance system is, how to log in, and what it calls things.

    What differs between sites can be told for each entity (work_order, asset, pm, notification,
    meter, failure): ``objects`` names the object structure, grid or entity set that it is read
    from; ``field_map`` the system's own field of a canonical column ("" for none);
    ``status_map`` the canonical status of a status; ``native_columns`` further fields of the
    system, which become columns of text. ``dataspies`` has to name the saved filter of each grid of
    Infor that is read, because a user's usual one may hide records.

    What SAP tells of records in other sets has names of its own in ``objects`` and ``field_map``:
    operation and cost of work orders, item, cycle and schedule of plans, equipment and
    measurement of meters. They are read at their usual place, the cost where ``objects`` names one, and not at all where
    ``objects`` names another place for the records or ``field_map`` has "" for the columns.
    """

    api_url: str = ""
    time_zone: str | None = Field(
        None, description="IANA name of the zone of times that the system writes without one"
    )
    site_zones: dict[str, str] = Field(
        default_factory=dict, description="The zone of a site's clock, where it is another"
    )
    page_size: int = Field(500, ge=1, le=10_000, description="Records in one answer")
    date_format: str | None = Field(
        None, description="strptime form of the dates of Infor's grids, such as %m/%d/%Y"
    )
    decimal_mark: Literal[".", ","] | None = Field(
        None, description="Of numbers in Infor's grids; without it one with two readings is refused"
    )
    tenant: str | None = Field(None, description="Infor: whose system it is")
    organization: str | None = Field(None, description="Infor: the login's organization")
    role: str | None = Field(None, description="Infor: the login's role")
    dataspies: dict[str, str] = Field(
        default_factory=dict, description="Infor: the saved filter of each entity's grid"
    )
    work_units: dict[str, Decimal] = Field(
        default_factory=dict, description="SAP: the hours in units of work beside H, MIN and S"
    )
    include_tasks: bool = Field(False, description="Also the tasks of work orders, as rows")
    objects: dict[str, str] = Field(default_factory=dict)
    field_map: dict[str, dict[str, str]] = Field(default_factory=dict)
    status_map: dict[str, dict[str, str]] = Field(default_factory=dict)
    native_columns: dict[str, list[str]] = Field(default_factory=dict)

    @field_validator("time_zone", "site_zones")
    @classmethod
    def _there(cls, value: Any) -> Any:
        for name in value.values() if isinstance(value, dict) else [value]:
            if name is not None:
                zone_named(name)
        return value

    @field_validator("work_units")
    @classmethod
    def _positive(cls, value: dict[str, Decimal]) -> dict[str, Decimal]:
        for unit, hours in value.items():
            if not (hours.is_finite() and hours > 0):
                raise ValueError(f"work_units.{unit} is {hours}, and has to be a number of hours")
        return value

    @property
    def zone(self) -> tzinfo | None:
        """The zone of times that the system writes without one."""
        return None if self.time_zone is None else zone_named(self.time_zone)

    def zone_of(self, site: str | None) -> str | None:
        """The name of the zone of a site's clock, where it is known."""
        return self.site_zones.get(site or "", self.time_zone)

    @property
    def odata_address(self) -> str:
        return self.api_url

    @property
    def odata_profile(self) -> ODataProfile:
        return "sap"
