"""Which lines of an ERP system are utility bills, and what each of them is for."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class UtilityBills(BaseModel):
    """The rules of the ``utility_bill`` view over the lines of ``entity``.

    ``commodity_by`` is the column that tells the commodity, such as a material group, a general
    ledger account or a supplier, and ``commodities`` has its values for each. ``filters`` says
    which lines are bills (without it: those with one of these values). ``fields`` are the columns
    of the view; ``columns`` maps names of your own to the system's. All values are texts, leading
    zeros included.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    entity: str = Field(min_length=1)
    commodity_by: str = Field(min_length=1)
    commodities: dict[str, list[str]] = Field(min_length=1)
    fields: list[str] = Field(min_length=1)
    columns: dict[str, str] = Field(default_factory=dict)
    filters: dict[str, list[str]] = Field(default_factory=dict)
    date: str | None = None

    @model_validator(mode="after")
    def _unambiguous(self) -> Self:
        if self.entity == "utility_bill" or "commodity" in {*self.fields, *self.columns}:
            raise ValueError("the view makes utility_bill and its commodity out of other records")
        values = [one for some in self.commodities.values() for one in some]
        twice = sorted({one for one in values if values.count(one) > 1})
        if twice:
            raise ValueError(f"commodities has {', '.join(twice)} more than once")
        names = set(self.fields)
        if not ({"quantity", "unit"} <= names or {"amount", "currency"} <= names):
            raise ValueError("fields needs quantity and unit, or amount and currency")
        return self
