"""A site's own values of the emission rules: the table ``[emissions]`` of ``greenlang.toml``."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from greenlang_data.nearest import nearest
from greenlang_data.settings.emission_tables import FUEL_FACTORS
from greenlang_data.settings.modc import ModcEntries

# So like the name of a known fuel that it can only be a slip.
_ALIKE: Final = 0.8
_Positive = Annotated[Decimal, Field(gt=0)]
_Percent = Annotated[Decimal, Field(ge=0, le=100)]


class FuelEntry(BaseModel):
    """``fd`` in dscf/mmBtu and ``fc`` in scf CO2/mmBtu."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fd: _Positive
    fc: _Positive


class EmissionSettings(BaseModel):
    """Values in place of those that were not read again in the rules; what is not here stays.

    ``fuel_factors`` by fuel, of which there may be further ones; ``diluent_caps`` in percent by
    kind of unit and gas; ``minimum_heat_input`` in mmBtu/h; ``invalid_per_day`` by kind of plant;
    ``measured_flags``, ``maintenance_flags`` and ``readings_apart`` (minutes) of an hour's
    validity; ``modc`` as in a source of ECMPS.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    fuel_factors: dict[str, FuelEntry] = Field(default_factory=dict)
    diluent_caps: dict[Literal["boiler", "turbine"], dict[Literal["CO2", "O2"], _Percent]] = Field(
        default_factory=dict
    )
    minimum_heat_input: float | None = Field(None, ge=0, allow_inf_nan=False)
    invalid_per_day: dict[Literal["combustion", "waste"], Annotated[int, Field(ge=0)]] = Field(
        default_factory=dict
    )
    measured_flags: tuple[str, ...] | None = Field(None, min_length=1)
    maintenance_flags: tuple[str, ...] | None = None
    readings_apart: float | None = Field(None, gt=0, le=60)
    modc: ModcEntries = Field(default_factory=dict)

    @field_validator("fuel_factors")
    @classmethod
    def _no_slips(cls, value: dict[str, FuelEntry]) -> dict[str, FuelEntry]:
        for name in value.keys() - FUEL_FACTORS.keys():
            close = nearest(name, FUEL_FACTORS, alike=_ALIKE)
            if close:
                raise ValueError(f"{name!r} is no fuel of the table; did you mean {close[0]!r}?")
        return value
