"""Wet or dry, and the reference oxygen, of columns that come together: never two of one name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from greenlang_data.errors import QueryError


def merged_basis(
    records: Iterable[tuple[Mapping[str, Any], Mapping[Any, str]]],
) -> dict[str, dict[str, Any]]:
    """What is known of each column, from records and how their columns were renamed.

    Raises QueryError for a column whose numbers would stand on two bases.
    """
    merged: dict[str, dict[str, Any]] = {}
    for record, renamed in records:
        known = (record.get("metadata") or {}).get("basis") or {}
        for name, basis in known.items() if isinstance(known, Mapping) else ():
            column = renamed.get(name, name)
            new = dict(basis) if isinstance(basis, Mapping) else {}
            old = merged.setdefault(column, new)
            if old != new:
                raise QueryError(
                    f"{column} is {_text(old)} in one frame and {_text(new)} in another",
                    remedy="Convert one of them (gd.emissions.to_dry, to_reference_oxygen) first.",
                )
    return merged


def _text(basis: Mapping[str, Any]) -> str:
    oxygen = basis.get("reference_oxygen")
    corrected = f", at {oxygen:g} % oxygen" if oxygen is not None else ""
    return f"{basis.get('moisture') or 'of unknown moisture'}{corrected}"
