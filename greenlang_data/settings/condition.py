"""A status that holds while a tag has one of some values."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Condition(BaseModel):
    """Holds while the tag ``tag``, one of ``registers`` or ``tags`` or a node id, has a value of ``when``.

    ``when`` are booleans (bits), integers or texts (names of states).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    tag: str = Field(min_length=1)
    when: tuple[bool | int | str, ...] = Field((True,), min_length=1)

    @field_validator("when", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, bool | int | str) else value

    def holds(self, value: float | None, text: str | None) -> bool:
        """Whether one reading of the tag is among ``when``. Numbers count as numbers."""
        for one in self.when:
            if isinstance(one, str):
                if text == one:
                    return True
            elif value is not None and value == float(one):
                return True
        return False
