"""From the wire's ``value`` and ``text`` to one column of the right type.

The source's own type name decides, and the numbers must agree with it; what fits nowhere exactly
stays text. No number is rounded to make it fit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

INTEGERS: Final = frozenset(
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
) | {"sbyte", "byte", "unsigned", "integer", "enumerated"}
BOOLEANS: Final = frozenset({"bool", "boolean"})


def typed_column(value: pa.Array, text: pa.Array, data_types: Iterable[str]) -> pa.Array | None:
    """One array for ``value`` and ``text``, or None when no single type holds both exactly.

    Booleans become bool, integers int64 (uint64 beyond its range), other numbers float64, and
    text alone a string column.
    """
    kinds = {name.lower() for name in data_types if name}
    has_text = text.null_count < len(text)
    if has_text and kinds <= INTEGERS:
        return _integers(value, text)
    if has_text:
        return text.cast(pa.string()) if value.null_count == len(value) else None
    if kinds and kinds <= BOOLEANS:
        return value.cast(pa.bool_())
    if kinds and kinds <= INTEGERS:
        return _exact_integers(value)
    return value


def _exact_integers(value: pa.Array) -> pa.Array:
    try:
        return value.cast(pa.int64())
    except pa.ArrowInvalid:  # scaled at the source, so its integers have become fractions
        return value


def _integers(value: pa.Array, text: pa.Array) -> pa.Array | None:
    """Integers of which the large ones came as text, since no float64 holds them."""
    strings = pc.coalesce(text.cast(pa.string()), pc.cast(value.cast(pa.int64()), pa.string()))
    for kind in (pa.int64(), pa.uint64()):
        try:
            return strings.cast(kind)
        except pa.ArrowInvalid:
            continue
    return None


def numbers_and_text(value: pa.Array, text: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """``value`` and, only where it is needed, the text of what no float64 can hold."""
    return value, None if text.null_count == len(text) else text.cast(pa.string())
