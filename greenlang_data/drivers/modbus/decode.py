"""From bytes as they came to values, column by column.

The answers of one read lie in one array of bytes, the image: registers as on the wire, bits
unpacked to a byte each. Where the bytes of every value are is worked out once per query, most
significant first, so that word orders cost nothing and a repeated read is a few numpy calls.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from greenlang_data.drivers.modbus.meaning import Meaning
from greenlang_data.drivers.modbus.places import Decoded, Place
from greenlang_data.drivers.modbus.plan import BIT_TABLES
from greenlang_data.drivers.scaling import EXACT, Scale, Scales, as_float64
from greenlang_data.settings.register import Register, WordOrder

Image = NDArray[np.uint8]

_DTYPES: Final = {
    "int16": ">i2",
    "uint16": ">u2",
    "int32": ">i4",
    "uint32": ">u4",
    "int64": ">i8",
    "uint64": ">u8",
    "float32": ">f4",
    "float64": ">f8",
    "bcd16": ">u2",
    "bcd32": ">u4",
}
_UNSCALED: Final = Scale(1, 0, 1)
_WORDS_SWAPPED: Final = frozenset({"CDAB", "DCBA"})
_BYTES_SWAPPED: Final = frozenset({"BADC", "DCBA"})
_PADDING: Final = b"\0 "


def byte_order(words: int, word_order: WordOrder | None) -> list[int]:
    """Where on the wire the bytes of a value are, the most significant first.

    >>> byte_order(2, "CDAB")
    [2, 3, 0, 1]
    """
    positions = range(words)[::-1] if word_order in _WORDS_SWAPPED else range(words)
    pair = (1, 0) if word_order in _BYTES_SWAPPED else (0, 1)
    return [2 * word + byte for word in positions for byte in pair]


def decoded_type(register: Register) -> str:
    """The type that users get: the register's, or float64 for an integer scaled to a fraction.

    Otherwise the column of a snapshot would be integer or float depending on the day's values.
    States with names are ``enum``.
    """
    if register.enum is not None:
        return "enum"
    fraction = not Scale.of(register.scale, register.offset).keeps_integers
    return "float64" if fraction and not register.type.startswith("float") else register.type


class Decoder:
    """Decodes the same values again and again."""

    def __init__(self, places: Sequence[Place], rows: int) -> None:
        self._rows = rows
        kinds: dict[tuple[str, bool], list[Place]] = defaultdict(list)
        for place in places:
            kinds[place.register.type, _scale(place) == _UNSCALED].append(place)
        self._strings = _columns(kinds.pop(("string", True), []))
        self._meaning = Meaning(places)
        self._bits = [_Bits(kinds.pop(("bool", True)))] if ("bool", True) in kinds else []
        self._numbers = [_Numbers(kind, group) for (kind, _), group in kinds.items()]

    def decode(self, image: Image) -> Decoded:
        """The values in ``image``."""
        decoded = Decoded(np.zeros(self._rows))
        for bits in self._bits:
            bits.decode(image, decoded)
        for numbers in self._numbers:
            numbers.decode(image, decoded)
        for row, positions in self._strings:
            _decode_string(image[positions].tobytes(), row, decoded)
        self._meaning.judge(decoded)
        return decoded


class _Bits:
    def __init__(self, places: Sequence[Place]) -> None:
        self._rows = np.array([place.row for place in places])
        located = [_bit_position(place) for place in places]
        self._bytes = np.array([position for position, _ in located])
        self._shifts = np.array([shift for _, shift in located], np.uint8)

    def decode(self, image: Image, decoded: Decoded) -> None:
        decoded.values[self._rows] = (image[self._bytes] >> self._shifts) & 1


class _Numbers:
    def __init__(self, kind: str, places: Sequence[Place]) -> None:
        self._dtype = np.dtype(_DTYPES[kind])
        self._bcd = kind.startswith("bcd")
        self._rows = np.array([place.row for place in places])
        self._bytes = np.array([positions for _, positions in _columns(places)])
        scales = [_scale(place) for place in places]
        # Every unscaled number but a 64-bit integer simply fits into a float64.
        simple = scales[0] == _UNSCALED and kind not in ("int64", "uint64")
        self._scales = None if simple else Scales(scales, kind)

    def decode(self, image: Image, decoded: Decoded) -> None:
        raw = image[self._bytes].view(self._dtype)[:, 0]
        if self._bcd:
            raw = self._digits(raw, decoded)
        if self._scales is None:
            values = as_float64(raw)
        else:
            values = self._scale(raw, self._scales, decoded)
        decoded.values[self._rows] = values
        finite = np.isfinite(values)
        if not finite.all():
            for position in np.flatnonzero(~finite).tolist():
                row = int(self._rows[position])
                decoded.statuses.setdefault(row, _not_finite(values[position]))

    def _digits(self, raw: NDArray[Any], decoded: Decoded) -> NDArray[np.int64]:
        """The number that the decimal digits spell, where all of them are digits."""
        number = np.zeros(len(raw), np.int64)
        wrong = np.zeros(len(raw), np.bool_)
        for place in range(2 * self._dtype.itemsize):
            digit = (raw >> (4 * place)) & 0xF
            wrong |= digit > 9
            number += digit.astype(np.int64) * 10**place
        for position in np.flatnonzero(wrong).tolist():
            decoded.statuses[int(self._rows[position])] = f"InvalidBcd 0x{int(raw[position]):X}"
        return number

    def _scale(self, raw: NDArray[Any], scales: Scales, decoded: Decoded) -> NDArray[np.float64]:
        values, instead = scales.apply(raw)
        for position, value in instead.items():
            row = int(self._rows[position])
            if value is None:
                decoded.statuses[row] = "Overflow"
            elif abs(value) > EXACT and isinstance(value, int):
                decoded.texts[row] = str(value)
            values[position] = 0.0 if row in decoded.texts or value is None else value
        return values


def _scale(place: Place) -> Scale:
    return Scale.of(place.register.scale, place.register.offset)


def _columns(places: Sequence[Place]) -> list[tuple[int, list[int]]]:
    """Row, and positions of the bytes in the image, of each value."""
    return [
        (row, [offset + byte for byte in byte_order(register.width, register.word_order)])
        for row, register, offset in places
    ]


def _bit_position(place: Place) -> tuple[int, int]:
    _, register, offset = place
    if register.table in BIT_TABLES:
        return offset, 0
    bit = register.bit or 0
    high, low = byte_order(1, register.word_order)
    return offset + (high if bit >= 8 else low), bit % 8


def _not_finite(value: float) -> str:
    if np.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _decode_string(raw: bytes, row: int, decoded: Decoded) -> None:
    content = raw.rstrip(_PADDING)
    try:
        decoded.texts[row] = content.decode("utf-8")
    except UnicodeDecodeError as error:
        decoded.statuses[row] = "InvalidText"
        decoded.failures[row] = (
            f"the text is not UTF-8: byte 0x{content[error.start]:02X} at position {error.start}"
        )
