"""A Modbus tag: where its registers are and how to read them."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from greenlang_data.settings.reference import place_of_reference
from greenlang_data.settings.states import parse_states
from greenlang_data.settings.unit import Unit

Table = Literal["holding", "input", "coil", "discrete"]
RegisterType = Literal[
    "bool", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "string",
    "bcd16", "bcd32",
]  # fmt: skip
WordOrder = Literal["ABCD", "CDAB", "BADC", "DCBA"]

_WIDTHS = {
    "int32": 2, "uint32": 2, "float32": 2, "bcd32": 2, "int64": 4, "uint64": 4, "float64": 4,
}  # fmt: skip


class Register(BaseModel):
    """One tag of a register map.

    ``address`` is zero-based within its table, as on the wire. ``word_order`` names the bytes of
    a 32-bit value as they arrive (ABCD big-endian, CDAB words swapped, BADC bytes swapped within
    words, DCBA little-endian; 64-bit values likewise) and has no default for them, because a
    wrong order gives believable numbers. In a value of one word, and in a text, only the bytes
    within words can be swapped. The value is ``raw * scale + offset`` in ``unit``, both taken as
    the decimal numbers they are written as.

    ``reference`` is the classical notation (40001, 400001, 30001, 10001, 00001, as a text), which
    counts from 1 and stands for table and address together. ``enum`` gives the raw integers of a
    state their names; a raw value without one is bad and not guessed at. A value below ``low`` or
    above ``high`` (in ``unit``) is bad with the status OutOfRange. In a ``bcd16`` or ``bcd32``
    every four bits are a decimal digit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    tag: str = Field(min_length=1)
    table: Table
    address: int = Field(ge=0, le=65535)
    type: RegisterType
    word_order: WordOrder | None = None
    length: int | None = Field(None, ge=1, le=125, description="Registers of a string")
    bit: int | None = Field(None, ge=0, le=15, description="Of a holding or input register")
    scale: float = Field(1.0, allow_inf_nan=False)
    offset: float = Field(0.0, allow_inf_nan=False)
    unit: Unit = None
    unit_id: int | None = Field(None, ge=0, le=255, description="If not the source's")
    reference: str | None = Field(None, description="Instead of table and address, as in 40001")
    enum: dict[int, str] | None = Field(None, min_length=1, description="Raw integer to its name")
    low: float | None = Field(None, allow_inf_nan=False, description="Least plausible value")
    high: float | None = Field(None, allow_inf_nan=False, description="Largest plausible value")

    @model_validator(mode="before")
    @classmethod
    def _placed(cls, data: Any) -> Any:
        """Table and address as ``reference`` says; they may be given as well if they agree."""
        if not isinstance(data, dict) or data.get("reference") is None:
            return data
        table, address = place_of_reference(data["reference"])
        for name, meant in (("table", table), ("address", address)):
            if data.get(name, meant) != meant:
                raise ValueError(
                    f"reference {data['reference']} is {name} {meant}, and {name} says "
                    f"{data[name]}; write only one of them"
                )
        return {**data, "table": table, "address": address}

    @field_validator("enum", mode="before")
    @classmethod
    def _states(cls, value: Any) -> Any:
        return parse_states(value) if isinstance(value, str) else value

    @property
    def width(self) -> int:
        """How many registers (or bits, in the bit tables) the value takes."""
        return self.length or _WIDTHS.get(self.type, 1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        in_bits = self.table in ("coil", "discrete")
        problem = None
        if self.type in _WIDTHS and self.word_order is None:
            problem = f"type {self.type} needs word_order (ABCD, CDAB, BADC or DCBA)"
        elif (self.type == "string") != (self.length is not None):
            problem = "length (in registers) goes with type string, and only with it"
        elif in_bits and (self.type != "bool" or self.bit is not None):
            problem = f"table {self.table} holds single bits: use type bool and no bit"
        elif not in_bits and (self.type == "bool") != (self.bit is not None):
            problem = f"in table {self.table}, type bool and bit go together"
        elif self.type in ("bool", "string") and (self.scale, self.offset) != (1.0, 0.0):
            problem = f"type {self.type} cannot be scaled"
        elif self.type == "string" and self.word_order in ("CDAB", "DCBA"):
            problem = "a text has no word order; BADC if the second character comes first, or none"
        elif self.scale == 0:
            problem = "scale 0 would make every value the offset"
        elif self.address + self.width > 65536:
            problem = "the value reaches past the last address 65535"
        problem = problem or self._wrong_meaning()
        if problem:
            raise ValueError(f"tag {self.tag!r}: {problem}")
        return self

    def _wrong_meaning(self) -> str | None:
        """What is wrong with the names of states or the range, if anything is."""
        scaled = (self.scale, self.offset) != (1.0, 0.0)
        ranged = self.low is not None or self.high is not None
        if self.enum is not None and (self.type in ("string", "float32", "float64") or scaled):
            return "enum names raw integers: use an integer type or bool, and no scale or offset"
        if ranged and (self.enum is not None or self.type in ("bool", "string")):
            return "low and high go with numbers only"
        if self.low is not None and self.high is not None and self.low > self.high:
            return f"low {self.low:g} is above high {self.high:g}"
        return None
