"""Decimals, exact to the last digit.

They are made from the digits on the wire and never pass through a float. Arrow reads those that
are plainly digits, in a fraction of the time, but only as many as it can hold: of more, its cast
returns other numbers without an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Context, Decimal
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.http.cells import text_bytes
from greenlang_data.drivers.http.jsons import json_decoder

_MOST_DIGITS: Final = 76
# Enough that nothing is ever rounded: a value with more digits has been refused before.
_EXACT: Final = Context(prec=2 * _MOST_DIGITS + 2)

# A number with so many digits after they were moved by the scale is below 2**127.
_MOST_PLAIN: Final = 37
_DIGITS: Final = b"0123456789.-"
_PLAIN: Final = _DIGITS + b'"nul\n'
_NULL: Final = b"null"
_NULL_TEXT: Final = b'"null"'
_read_decimal: Callable[[bytes], Decimal | None] = json_decoder(Decimal | None)  # type: ignore[arg-type]  # a union is no type


def decimals_of(
    tokens: Sequence[msgspec.Raw | None], precision: int | None, scale: int | None
) -> pa.Array:
    """The decimals of JSON numbers, texts and nulls, in the type of :func:`decimal_array`.

    Raises ValueError for anything else, for infinity and NaN, and for more than 76 digits.
    """
    written = [_NULL if one is None else one for one in tokens]
    if _is_plain(precision, scale):
        texts = _digits(b"\n".join(written), len(written))
        plain = None if texts is None else plain_decimals(texts, precision, scale)
        if plain is not None:
            return plain
    return decimal_array([_read_decimal(bytes(one)) for one in written], precision, scale)


def plain_decimals(
    texts: pa.StringArray, precision: int | None, scale: int | None
) -> pa.Array | None:
    """What :func:`decimals_of` gives for texts of JSON; None where one is not plainly digits."""
    if precision is None or scale is None or not _is_plain(precision, scale):
        return None
    if text_bytes(texts).translate(None, _DIGITS) or _longest(texts) + scale > _MOST_PLAIN:
        return None
    try:
        return texts.cast(pa.decimal128(precision, scale))
    except pa.ArrowInvalid:
        return None


def _is_plain(precision: int | None, scale: int | None) -> bool:
    return precision is not None and scale is not None and scale <= precision <= _MOST_PLAIN


def _digits(lines: bytes, count: int) -> pa.Array | None:
    """The digits of ``count`` tokens, or None where one holds more than digits, point and sign."""
    if lines.translate(None, _PLAIN) or _NULL_TEXT in lines:
        return None
    plain = lines.replace(b'"', b"")
    texts = pc.split_pattern(pa.array([plain.decode()]), "\n").flatten()
    if len(texts) != count:
        return None
    return pc.if_else(pc.equal(texts, "null"), None, texts) if _NULL in plain else texts


def _longest(texts: pa.Array) -> int:
    return pc.max(pc.binary_length(texts)).as_py() or 0


def decimal_type(precision: int, scale: int) -> pa.DataType:
    """The smaller of Arrow's two decimals that holds so many digits, ``scale`` after the point."""
    return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)


def decimal_array(
    values: Sequence[Decimal | None], precision: int | None, scale: int | None
) -> pa.Array:
    """``values`` in the type that the metadata declares, or in a wider one where one needs it.

    Raises ValueError for infinity and NaN, and for more than 76 digits.
    """
    declared = precision is not None and scale is not None and precision <= _MOST_DIGITS
    if declared:
        try:
            # It refuses what does not fit, and rounds nothing.
            return pa.array(values, decimal_type(precision or 1, scale or 0))
        except pa.ArrowInvalid:
            pass
    digits, places = _needed(values)
    if declared and precision is not None and scale is not None:
        places = max(places, scale)
        digits = max(digits, precision - scale)
    if digits + places > _MOST_DIGITS:
        raise ValueError(f"a decimal has more than {_MOST_DIGITS} digits")
    unit = Decimal(1).scaleb(-places)
    # Of one exponent, because Arrow takes none with a positive one.
    aligned = [None if one is None else one.quantize(unit, context=_EXACT) for one in values]
    return pa.array(aligned, decimal_type(max(digits + places, 1), places))


def _needed(values: Iterable[Decimal | None]) -> tuple[int, int]:
    """Digits before and after the point that hold all of ``values``."""
    before = after = 0
    for one in values:
        if one is None:
            continue
        _, digits, exponent = one.as_tuple()
        if not isinstance(exponent, int):
            raise ValueError(f"a decimal is {one}")  # noqa: TRY004 - a value and no type of ours
        if digits == (0,):
            continue
        if exponent < -after:
            # Only now, because trailing zeros are rare and this is not free.
            exponent += _trailing_zeros(digits, -after - exponent)
            after = max(after, -exponent)
        before = max(before, one.adjusted() + 1)
    return before, after


def _trailing_zeros(digits: tuple[int, ...], most: int) -> int:
    count = 0
    for digit in reversed(digits):
        if digit or count == most:
            break
        count += 1
    return count


def widest_decimal(types: Iterable[pa.DataType]) -> pa.DataType:
    """The decimal type that holds every value of all of ``types``."""
    kinds = list(types)
    scale = max(one.scale for one in kinds)
    return decimal_type(max(one.precision - one.scale for one in kinds) + scale, scale)
