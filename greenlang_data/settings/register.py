"""A Modbus tag: where its registers are and how to read them."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from greenlang_data.settings.unit import Unit

Table = Literal["holding", "input", "coil", "discrete"]
RegisterType = Literal[
    "bool", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "string"
]
WordOrder = Literal["ABCD", "CDAB", "BADC", "DCBA"]

_WIDTHS = {"int32": 2, "uint32": 2, "float32": 2, "int64": 4, "uint64": 4, "float64": 4}


class Register(BaseModel):
    """One tag of a register map.

    ``address`` is zero-based within its table, as on the wire. ``word_order`` names the bytes of
    a 32-bit value as they arrive (ABCD big-endian, CDAB words swapped, BADC bytes swapped within
    words, DCBA little-endian; 64-bit values likewise) and has no default for them, because a
    wrong order gives believable numbers. In a value of one word, and in a text, only the bytes
    within words can be swapped. The value is ``raw * scale + offset`` in ``unit``, both taken as
    the decimal numbers they are written as.
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
        if problem:
            raise ValueError(f"tag {self.tag!r}: {problem}")
        return self
