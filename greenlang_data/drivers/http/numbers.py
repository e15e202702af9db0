"""JSON's numbers, many at once."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

BEYOND_EXACT: Final = 2.0**53
"""From here on float64 does not tell all integers apart."""
_MINUS, _DOT, _ZERO = np.frombuffer(b"-.0", np.uint8)
_TEN: Final = np.uint8(10)


def read_numbers(texts: pa.StringArray) -> np.ndarray | None:
    """The float64 nearest to each text, as every JSON reader gives it.

    None when a text is no number by JSON's grammar, or beyond the integers that float64 tells
    apart: then it matters how the number was written.
    """
    if not len(texts) or not _are_json(texts):
        return None
    try:
        numbers = np.asarray(texts.cast(pa.float64()))
    except pa.ArrowInvalid:
        return None
    exact = numbers.min() > -BEYOND_EXACT and numbers.max() < BEYOND_EXACT
    return numbers if exact else None


def _are_json(texts: pa.StringArray) -> bool:
    """Whether none is written as only Arrow allows it: ``01``, ``.5``, ``5.``, ``nan``, ``inf``.

    Of ``texts`` that Arrow reads as numbers.
    """
    _, offsets, data = texts.buffers()
    places = np.frombuffer(offsets, np.int32, len(texts) + 1, texts.offset * 4)
    text = np.frombuffer(data, np.uint8)[: places[-1]]
    first, last = places[:-1], places[1:] - 1
    if (first > last).any():
        return False
    first = np.minimum(first + (text[first] == _MINUS), last)
    lead = text[first]
    second = text[np.minimum(first + 1, last)]
    # After a leading zero that is not all there is, only a dot or an exponent may come.
    padded = (lead == _ZERO) & (first < last) & _is_digit(second)
    dots = np.flatnonzero(text[:-1] == _DOT) + 1
    return bool(
        _is_digit(lead).all()
        and _is_digit(text[last]).all()
        and _is_digit(text[dots]).all()
        and not padded.any()
    )


def _is_digit(text: np.ndarray) -> np.ndarray:
    digit: np.ndarray = text - _ZERO < _TEN  # bytes below zero wrap around
    return digit
