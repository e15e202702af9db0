"""Values that a user filters by as Python's own, whichever library they come from."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from greenlang_data.times import parse_moment

# Of pandas, which is not to be loaded for this.
_MISSING: Final = frozenset({"NAType", "NaTType"})


def plain_values(name: str, wanted: Any) -> Any:
    """What the column ``name`` is to equal: a value, or a list of them.

    Raises ValueError for a mapping, and for one of pandas' values that are missing: whether all
    records without a value are wanted then is not told by it.
    """
    if isinstance(wanted, Mapping):
        raise ValueError(f"{name!r} is to be compared with a mapping; give a value or a list")  # noqa: TRY004 - pydantic's
    if hasattr(wanted, "to_pylist"):
        wanted = wanted.to_pylist()
    elif getattr(wanted, "shape", None) == () and not isinstance(wanted, str | bytes):
        wanted = wanted[()]  # an array of one value, which cannot be iterated
    if isinstance(wanted, Collection) and not isinstance(wanted, str | bytes):
        return [_plain(name, one) for one in wanted]
    return _plain(name, wanted)


def _plain(name: str, value: Any) -> Any:
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        own = value.item()
        # A number where Python's times are not fine enough.
        is_time = value.dtype.kind == "M" and own is not None and not isinstance(own, date)
        value = parse_moment(value) if is_time else own
        if value is None:
            raise _missing(name, "NaT")
    is_number = isinstance(value, float | Decimal)
    if type(value).__name__ in _MISSING or (is_number and math.isnan(value)):
        raise _missing(name, str(value))
    if isinstance(value, datetime) and type(value) is not datetime:
        return parse_moment(value)
    return value


def _missing(name: str, value: str) -> ValueError:
    return ValueError(
        f"{name!r} is to be compared with a missing value ({value}); leave it out (dropna), or give "
        "None for records that have none"
    )
