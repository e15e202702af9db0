"""The classical notation of Modbus addresses: the table's digit, and a number that counts from 1."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

_FORM: Final = re.compile(r"([0134])([0-9]{4,5})")
_TABLES: Final[dict[str, Literal["coil", "discrete", "input", "holding"]]] = {
    "0": "coil",
    "1": "discrete",
    "3": "input",
    "4": "holding",
}


def place_of_reference(
    reference: Any,
) -> tuple[Literal["coil", "discrete", "input", "holding"], int]:
    """Table and zero-based address of a reference of five or six digits.

    Raises ValueError for anything else.

    >>> place_of_reference("40001"), place_of_reference("300010")
    (('holding', 0), ('input', 9))
    """
    if not isinstance(reference, str):
        raise ValueError(f'reference is a text; write "{reference}" in quotes')  # noqa: TRY004 - pydantic reports only ValueErrors
    found = _FORM.fullmatch(reference)
    if found is None or not 1 <= int(found[2]) <= 65536:
        raise ValueError(
            f"{reference!r} is no reference; write the table's digit (0 coil, 1 discrete, 3 input, "
            "4 holding) and four or five digits from 0001 to 65536"
        )
    return _TABLES[found[1]], int(found[2]) - 1
