"""Where a system keeps an entity, for systems that keep it elsewhere than usual."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class EntityPlace(BaseModel):
    """An entity's own service, set and column names; ``date`` is what start and end bound.

    ``columns`` maps canonical names to the system's own; ``key`` and ``types`` are by own
    names, for systems that do not tell them, and ``types`` also for times of OData that are to
    be text; ``where`` is what all rows fulfil, as a condition of SuiteQL or of OData's ``$filter``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    service: str = Field(min_length=1)
    name: str = Field(min_length=1)
    columns: dict[str, str] = Field(default_factory=dict)
    date: str | None = None
    key: tuple[str, ...] = ()
    types: dict[str, Literal["text", "integer", "decimal", "boolean", "date", "datetime"]] = Field(
        default_factory=dict
    )
    where: str = ""
