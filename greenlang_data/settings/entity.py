"""Where a system keeps an entity, for systems that keep it elsewhere than usual."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class EntityPlace(BaseModel):
    """An entity's own service, set and column names; ``date`` is what start and end bound.

    ``columns`` maps canonical names to the system's own; ``key`` are own names, for systems that
    do not tell them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    service: str = Field(min_length=1)
    name: str = Field(min_length=1)
    columns: dict[str, str] = Field(default_factory=dict)
    date: str | None = None
    key: tuple[str, ...] = ()
