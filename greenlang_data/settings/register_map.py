"""Register maps in CSV files: a row per tag, columns named like the fields of Register.

::

    tag,table,address,type,word_order,scale,unit
    Boiler.Pressure,holding,100,float32,CDAB,,kPa
    Boiler.Level,input,7,uint16,,0.1,%

A column ``reference`` (40001, 300010) may stand for table and address, and the states of a cell
``enum`` are written ``0=Off;1=On``.

Nothing is guessed: another delimiter, a decimal comma, a 4xxxx address or an unknown name is an
error that names the file, the line, the column and what to write instead.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import ValidationError

from greenlang_data.nearest import either, nearest_or_all
from greenlang_data.settings.csv_table import (
    WrongLineError,
    explain,
    read_table,
    required_columns,
)
from greenlang_data.settings.reference import place_of_reference
from greenlang_data.settings.register import Register, RegisterType, Table, WordOrder

_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "table": get_args(Table),
    "type": get_args(RegisterType),
    "word_order": get_args(WordOrder),
}
_INTEGERS: Final = frozenset({"address", "length", "bit", "unit_id"})
_NUMBERS: Final = frozenset({"scale", "offset", "low", "high"})
_INTEGER: Final = re.compile(r"[0-9]{1,9}")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?[0-9]*,[0-9]+")
# A column that stands for others.
_INSTEAD: Final = {"reference": ("table", "address")}


def read_register_map(path: str | Path) -> tuple[Register, ...]:
    """The tags of a register map, in the order of the file.

    Raises ConfigurationError that names up to ten wrong lines at once.
    """
    return read_table(path, Register, _register, "register map", instead=_INSTEAD)


def _register(row: dict[str, str]) -> Register:
    _check_notation(row)
    given = {*row, *(_INSTEAD["reference"] if "reference" in row else ())}
    for name in required_columns(Register):
        if name not in given:
            choices = f"; write {either(_CHOICES[name])}" if name in _CHOICES else ""
            raise WrongLineError(f"column {name} is empty{choices}")
    values: dict[str, Any] = {name: _checked(name, cell) for name, cell in row.items()}
    try:
        return Register(**values)
    except ValidationError as error:
        raise WrongLineError(explain(error.errors()[0], row)) from None


def _check_notation(row: dict[str, str]) -> None:
    """Refuse 40001 where its first digit can only stand for the table."""
    address = row.get("address", "")
    try:
        table, place = place_of_reference(address)
    except ValueError:
        return
    if "table" not in row or int(address) > 65535:
        raise WrongLineError(
            f"column address: {address} looks like the notation that starts with the table's "
            f"digit and counts from 1; write it into a column reference, or write table {table} "
            f"and address {place}"
        )


def _checked(name: str, cell: str) -> str:
    """``cell`` if pydantic can take it without stretching; it is laxer than a map should be."""
    if name in _CHOICES and cell not in _CHOICES[name]:
        problem = f"there is no {name} {cell!r}; {nearest_or_all(cell, _CHOICES[name])}"
    elif name in _INTEGERS and not _INTEGER.fullmatch(cell):
        problem = f"{cell!r} is no whole number; write decimal digits only"
    elif name in _NUMBERS and _DECIMAL_COMMA.fullmatch(cell):
        problem = f"{cell!r} has a decimal comma; write {cell.replace(',', '.')}"
    elif name in _NUMBERS and not _NUMBER.fullmatch(cell):
        problem = f"{cell!r} is no number; write one such as 0.1 or 1e-3"
    else:
        return cell
    raise WrongLineError(f"column {name}: {problem}")
