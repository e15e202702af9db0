"""A named tag: the name that calls use for an OPC UA node."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from greenlang_data.settings.unit import Unit


class TagEntry(BaseModel):
    """``tag`` in calls and frames stands for ``node_id`` on the server.

    ``unit`` (UCUM or the source's own) is for servers that do not tell one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    tag: str = Field(min_length=1)
    node_id: str = Field(min_length=1)
    unit: Unit = None
