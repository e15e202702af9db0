"""What emissions reports of ECMPS are configured with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from greenlang_data.nearest import nearest_or_all
from greenlang_data.settings.ecmps_units import parameters_with_units
from greenlang_data.settings.epa import EpaSettings
from greenlang_data.settings.files import FileSettings
from greenlang_data.settings.modc import MODC_TABLE, ModcEntries, ModcTable


class EcmpsSettings(EpaSettings, FileSettings):
    """One unit or stack of the quarterly emissions reports under 40 CFR 75.

    The reports are ``files`` (XML or JSON, as the plant's DAHS writes them), or are asked of EPA's
    export by ``monitor_plan_id``. By ``facility_id`` EPA's streaming service gives derived values
    only, with their codes; a report of another facility is refused where it is given. ``location`` is a unit or stack as the report calls it (``1``,
    ``CS0AAN``); it may be left out where a report has one. ``hourly_value`` chooses the values with or
    without the bias adjustment; where a parameter is never adjusted there is one only.

    ``modc`` says what codes mean in place of the table of 40 CFR 75.57 (:data:`MODC`), or beside
    it: ``modc = { "23" = { flag = "measured:bypass", counts_as = "measured" } }``.
    ``parameter_units`` names units in place of those of the instructions, by parameter.
    """

    monitor_plan_id: str | None = Field(None, min_length=1)
    location: str | None = Field(None, min_length=1)
    hourly_value: Literal["adjusted", "unadjusted"] = "adjusted"
    modc: ModcEntries = Field(default_factory=dict)
    parameter_units: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)

    @field_validator("parameter_units")
    @classmethod
    def _of_parameters(cls, value: dict[str, str]) -> dict[str, str]:
        known = parameters_with_units()
        for name in value:
            if name not in known:
                raise ValueError(
                    f"{name!r} is no parameter with a unit; {nearest_or_all(name, known)}"
                )
        return value

    @property
    def modc_table(self) -> ModcTable:
        """What the codes of its hours mean."""
        return MODC_TABLE.but(self.modc)
