"""Names of states in one cell: ``0=Off;1=On``."""

from __future__ import annotations

import re
from typing import Final

_PAIR: Final = re.compile(r"\s*([+-]?[0-9]+)\s*=\s*(.*?)\s*")


def parse_states(cell: str) -> dict[int, str]:
    """Raw integers and their names. Raises ValueError when a pair is malformed or there twice.

    >>> parse_states("0=Off; 1=On")
    {0: 'Off', 1: 'On'}
    """
    states: dict[int, str] = {}
    for pair in cell.split(";"):
        found = _PAIR.fullmatch(pair)
        if found is None or not found[2]:
            raise ValueError(f"{pair.strip()!r} names no state; write them as in 0=Off;1=On")
        if int(found[1]) in states:
            raise ValueError(f"state {int(found[1])} has two names")
        states[int(found[1])] = found[2]
    return states
