"""A named tag: the name that calls use for an OPC UA node."""

from __future__ import annotations

from typing import Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from greenlang_data.settings.unit import Unit

Entry = TypeVar("Entry", bound="Tagged")


class Tagged(Protocol):
    """An entry of a list of tags: something with the name of its tag."""

    @property
    def tag(self) -> str:
        """The name that calls use."""


def each_once(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """``entries`` unchanged. Raises ValueError when two have the same tag."""
    seen: set[str] = set()
    for one in entries:
        if one.tag in seen:
            raise ValueError(f"tag {one.tag!r} is there twice; give each a name of its own")
        seen.add(one.tag)
    return entries


class TagEntry(BaseModel):
    """``tag`` in calls and frames stands for ``node_id`` on the server.

    ``unit`` (UCUM or the source's own) is for servers that do not tell one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    tag: str = Field(min_length=1)
    node_id: str = Field(min_length=1)
    unit: Unit = None
