"""Arrays of DataValue, from bytes straight into columns.

Where one record looks like the next, which is nearly always, they are read as one packed numpy
view; where they alternate, their starts are found one by one and each kind of record is gathered
at once; only what has no fixed width is read alone. Records start where the one before ends, so
every byte that is compared is a true header and the result is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Final

import numpy as np

from greenlang_data.drivers.opcua.binary import MalformedAnswerError, Reader
from greenlang_data.drivers.opcua.times import NO_TIME, add_picoseconds, nanoseconds
from greenlang_data.drivers.opcua.variants import (
    BOOLEAN,
    DATA_VALUE_TIMES,
    INT64,
    LARGEST_EXACT,
    NULL,
    NUMBERS,
    UINT64,
    read_variant,
)

# More at once would block the event loop for more than about two milliseconds.
BLOCK_ROWS: Final = 50_000

_VALUE, _STATUS, _SOURCE, _SERVER, _SOURCE_PICO, _SERVER_PICO = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_RESERVED: Final = 0xC0
_SBYTE: Final = 2
_FIRST_WINDOW: Final = 64
_WALK_ROWS: Final = 1024
_HANDLE_BYTES: Final = 4

_BY_ROW: Final = ("texts", "type_names", "edits")

Rows = slice | np.ndarray


@dataclass(slots=True)
class Columns:
    """DataValues as columns of the same length; ``texts``, ``type_names`` and ``edits`` by row.

    ``kinds`` are built-in type ids, 0 where there is no value. Times are nanoseconds since 1970
    UTC, or NO_TIME. ``numbers`` counts only where ``valid`` is set. ``edits`` say what was done to
    the value after it was recorded, in the history of modifications.
    """

    numbers: np.ndarray
    valid: np.ndarray
    kinds: np.ndarray
    codes: np.ndarray
    source: np.ndarray
    server: np.ndarray
    texts: dict[int, str] = field(default_factory=dict)
    type_names: dict[int, str] = field(default_factory=dict)
    edits: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.codes)

    @classmethod
    def empty(cls, rows: int) -> Columns:
        """Columns of ``rows`` DataValues with nothing in them but a good status."""
        return cls(
            numbers=np.zeros(rows),
            valid=np.zeros(rows, np.bool_),
            kinds=np.zeros(rows, np.uint8),
            codes=np.zeros(rows, np.uint32),
            source=np.full(rows, NO_TIME),
            server=np.full(rows, NO_TIME),
        )

    def take(self, rows: np.ndarray) -> Columns:
        """The given rows, in the given order."""
        taken = self._arrays(rows)
        for name in _BY_ROW:
            old: dict[int, str] = getattr(self, name)
            if old:
                places = enumerate(rows.tolist())
                setattr(taken, name, {new: old[row] for new, row in places if row in old})
        return taken

    def part(self, first: int, last: int) -> Columns:
        """The rows from ``first`` up to ``last``, without a copy."""
        if first == 0 and last == len(self):
            return self
        cut = self._arrays(slice(first, last))
        for name in _BY_ROW:
            whole: dict[int, str] = getattr(self, name)
            kept = {row - first: one for row, one in whole.items() if first <= row < last}
            setattr(cut, name, kept)
        return cut

    def _arrays(self, rows: Rows) -> Columns:
        return Columns(
            numbers=self.numbers[rows],
            valid=self.valid[rows],
            kinds=self.kinds[rows],
            codes=self.codes[rows],
            source=self.source[rows],
            server=self.server[rows],
        )


def whole_numbers(columns: Columns) -> np.ndarray:
    """Which values are of an integer type, SByte to UInt64, and small enough to be in ``numbers``."""
    whole: np.ndarray = (columns.kinds >= _SBYTE) & (columns.kinds <= UINT64) & columns.valid
    return whole


def join(parts: list[Columns]) -> Columns:
    """Columns one after the other."""
    if len(parts) == 1:
        return parts[0]
    joined = Columns(
        numbers=np.concatenate([part.numbers for part in parts]),
        valid=np.concatenate([part.valid for part in parts]),
        kinds=np.concatenate([part.kinds for part in parts]),
        codes=np.concatenate([part.codes for part in parts]),
        source=np.concatenate([part.source for part in parts]),
        server=np.concatenate([part.server for part in parts]),
    )
    start = 0
    for part in parts:
        for name in _BY_ROW:
            by_row: dict[int, str] = getattr(part, name)
            getattr(joined, name).update({start + row: one for row, one in by_row.items()})
        start += len(part)
    return joined


def decode_values(reader: Reader, count: int) -> Columns:
    """The next ``count`` DataValues; the reader stands behind them afterwards.

    Nothing returned refers to the answer's bytes. Raises MalformedAnswerError.
    """
    if count > reader.end - reader.position:
        raise MalformedAnswerError(f"{count} values in {reader.end - reader.position} bytes")
    out = Columns.empty(count)
    row = 0
    while row < count:
        length = _read_run(reader, out, row, count)
        row += length
        if length < _FIRST_WINDOW and row < count:
            row = _walk(reader, out, row, min(row + _WALK_ROWS, count))
    return out


def decode_notifications(reader: Reader, count: int) -> tuple[np.ndarray, Columns]:
    """The client handles and values of the next ``count`` MonitoredItemNotifications.

    Each is a UInt32 and a DataValue, so they are read record by record and not as one view.
    Raises MalformedAnswerError.
    """
    if count * (_HANDLE_BYTES + 1) > reader.end - reader.position:
        raise MalformedAnswerError(f"{count} values in {reader.end - reader.position} bytes")
    out, handles = Columns.empty(count), np.zeros(count, np.uint32)
    row = 0
    while row < count:
        row = _walk(reader, out, row, min(row + _WALK_ROWS, count), handles)
    return handles, out


def _read_run(reader: Reader, out: Columns, row: int, count: int) -> int:
    """Read the records that look like the next one, as long as they last; return how many."""
    start = reader.position
    key = _key(reader.data, start)
    size = _SIZES[key]
    if not size:
        return 0
    layout = _layout(_CLASSES[key])
    held = min(count - row, (reader.end - start) // size)
    records = np.ndarray((held,), layout, reader.data, start)
    length, window = 0, _FIRST_WINDOW
    while length < held:
        heads = records["head"][length : length + window]
        equal = heads == heads.dtype.type(_CLASSES[key])
        if not equal.all():
            length += int(equal.argmin())
            break
        length += len(heads)
        window *= 8
    _store(out, slice(row, row + length), records[:length], _CLASSES[key])
    reader.skip(length * size)
    return length


def _walk(
    reader: Reader, out: Columns, row: int, last: int, handles: np.ndarray | None = None
) -> int:
    """Read record by record up to row ``last``; return the row reached, which is ``last``.

    With ``handles`` there is one before each record, which goes there.
    """
    gap = 0 if handles is None else _HANDLE_BYTES
    data, position, sizes = reader.data, reader.position + gap, _SIZES
    offsets: list[int] = []
    odd: list[tuple[int, int, int]] = []
    start = row
    while row < last:
        first = len(offsets)
        try:
            for _ in range(last - row):
                size = sizes[data[position] | data[position + 1] << 8]
                if not size:
                    break
                offsets.append(position)
                position += size + gap
        except IndexError:
            raise MalformedAnswerError("the answer ends within a value") from None
        reader.skip(position - gap - reader.position)
        row += len(offsets) - first
        if row < last:
            if handles is not None:
                handles[row] = reader.uint32()
            odd.append((row, *_read_one(reader, out, row)))
            offsets.append(0)
            row += 1
            position = reader.position + gap
    if handles is not None:
        _gather_handles(data, handles, start, offsets)
    _gather(data, out, start, offsets, odd)
    return row


def _gather_handles(data: bytes, handles: np.ndarray, start: int, offsets: list[int]) -> None:
    """Copy the handles before the records at ``offsets``; those of odd ones (0) are there."""
    begins = np.array(offsets)
    fixed = np.flatnonzero(begins)
    everywhere = np.ndarray((max(len(data) - 3, 0),), "<u4", data, 0, (1,))
    handles[start + fixed] = everywhere[begins[fixed] - _HANDLE_BYTES]


def _gather(
    data: bytes, out: Columns, start: int, offsets: list[int], odd: list[tuple[int, int, int]]
) -> None:
    """Copy the records that begin at ``offsets``; of the odd ones only what follows the value."""
    octets = np.frombuffer(data, np.uint8)
    begins = np.array(offsets)
    keys = _CLASS_TABLE[octets[begins] | octets[begins + 1].astype(np.uint16) << 8]
    for row, begin, key in odd:
        begins[row - start], keys[row - start] = begin, key
    for key in np.unique(keys).tolist():
        rows = np.flatnonzero(keys == key)
        layout = _layout(key)
        everywhere = np.ndarray((len(data) - layout.itemsize + 1,), layout, data, 0, (1,))
        _store(out, rows + start, everywhere[begins[rows]], key)


def _read_one(reader: Reader, out: Columns, row: int) -> tuple[int, int]:
    """Read one value that has no fixed width.

    Returns where the rest of its record is, as a record without a value, and the key of that.
    """
    mask = reader.byte()
    if mask & _RESERVED:
        raise MalformedAnswerError(f"a value with the reserved bits {mask:#04x}")
    kind = reader.data[reader.position] & 0x3F if reader.position < reader.end else 0
    number, text, type_name = read_variant(reader)
    out.kinds[row] = kind
    if type_name:
        out.type_names[row] = type_name
    if number is not None:
        out.numbers[row], out.valid[row] = number, True
    if text is not None:
        out.texts[row] = text
    key = mask & ~_VALUE
    # The byte before stands where the mask would; it is not read again.
    return reader.skip(_layout(key).itemsize - 1) - 1, key


def _store(out: Columns, rows: Rows, records: np.ndarray, key: int) -> None:
    """Copy records of one layout into their rows."""
    mask, kind = key & 0xFF, key >> 8
    if mask & _VALUE and kind != NULL:
        values = records["value"]
        out.numbers[rows] = values != 0 if kind == BOOLEAN else values
        out.valid[rows] = True
        out.kinds[rows] = kind
        if kind in (INT64, UINT64):
            _store_large(out, rows, values)
    _store_tail(out, rows, records, mask)


def _store_tail(out: Columns, rows: Rows, records: np.ndarray, mask: int) -> None:
    if mask & _STATUS:
        out.codes[rows] = records["status"]
    for column, bit, pico_bit, name in (
        (out.source, _SOURCE, _SOURCE_PICO, "source"),
        (out.server, _SERVER, _SERVER_PICO, "server"),
    ):
        if mask & bit:
            times = nanoseconds(records[name])
            if mask & pico_bit:
                times = add_picoseconds(times, records[f"{name}_pico"])
            column[rows] = times


def _store_large(out: Columns, rows: Rows, values: np.ndarray) -> None:
    """Integers that no float64 holds go to the texts."""
    large = values > LARGEST_EXACT
    if values.dtype.kind == "i":
        large |= values < -LARGEST_EXACT
    for place in np.flatnonzero(large).tolist():
        row = rows.start + place if isinstance(rows, slice) else int(rows[place])
        out.texts[row] = str(values[place])
        out.valid[row] = False


def _key(data: bytes, position: int) -> int:
    """Mask and encoding byte of the record at ``position``, as one number."""
    head = data[position : position + 2]
    if not head:
        raise MalformedAnswerError("the answer ends before a value")
    return int.from_bytes(head, "little")


@cache
def _layout(key: int) -> np.dtype[np.void]:
    """The packed record of a mask and, above it, an encoding byte: fields in standard order."""
    mask, kind = key & 0xFF, key >> 8
    fields: list[tuple[str, str, int]] = [("head", "<u2" if mask & _VALUE else "u1", 0)]
    end = 1
    if mask & _VALUE:
        end = 2
        if kind != NULL:
            fields.append(("value", NUMBERS[kind], end))
            end += np.dtype(NUMBERS[kind]).itemsize
    for bit, name, form in (
        (_STATUS, "status", "<u4"),
        (_SOURCE, "source", "<i8"),
        (_SOURCE_PICO, "source_pico", "<u2"),
        (_SERVER, "server", "<i8"),
        (_SERVER_PICO, "server_pico", "<u2"),
    ):
        if mask & bit:
            fields.append((name, form, end))
            end += np.dtype(form).itemsize
    names, formats, offsets = zip(*fields, strict=True)
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": end})


def _tables() -> tuple[list[int], list[int]]:
    """For every first two bytes: the record's size (0: not fixed) and its layout's key."""
    sizes, classes = [0] * 65536, [0] * 65536
    for mask in range(_RESERVED):
        if mask & _RESERVED:
            continue
        tail = sum(width for bit, width in ((_STATUS, 4), *DATA_VALUE_TIMES) if mask & bit)
        for encoding in (NULL, *NUMBERS) if mask & _VALUE else range(256):
            width = np.dtype(NUMBERS[encoding]).itemsize if encoding in NUMBERS else 0
            sizes[mask | encoding << 8] = 2 + width + tail if mask & _VALUE else 1 + tail
            classes[mask | encoding << 8] = mask | encoding << 8 if mask & _VALUE else mask
    return sizes, classes


_SIZES, _CLASSES = _tables()
_CLASS_TABLE: Final = np.array(_CLASSES, np.uint16)
