"""What is said of a wrong name in a configuration."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest_of(name: str, known: Iterable[str]) -> str:
    """The nearest right name, or all of them.

    >>> nearest_of("so2c", ["SO2", "SO2C"]), nearest_of("x", ["01", "02"])
    ("did you mean 'SO2C'?", 'there are 01, 02')
    """
    names = {one.casefold(): one for one in sorted(known)}
    close = difflib.get_close_matches(name.casefold(), names, n=1)
    return (
        f"did you mean {names[close[0]]!r}?" if close else f"there are {', '.join(names.values())}"
    )
