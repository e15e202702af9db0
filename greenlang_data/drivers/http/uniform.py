"""Lists of JSON objects that are alike but for a time stamp and a value, taken apart as columns.

A page of samples is the same few words fifty thousand times. One of its objects is taken as the
template, and every other is compared with it, byte for byte, all at once: what is neither time
stamp nor value has to be equal. What is left of the document, with a mark where such objects were,
is for the caller to read as usual: that shows that every mark is where a sample may be, and has
what differs in anything else. The caller also has to read every time stamp and value strictly,
which is the other half of the proof. So nothing is skipped and nothing guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.http.bytes_at import equal_at, windows

_FEWEST: Final = 256  # objects
_SHORTEST: Final = 16  # objects in a run, on the average
_LARGEST: Final = 2**30  # places in a string array are int32
_TRIED: Final = 100
_TIMES: Final = range(19, 35)  # how long ISO 8601 is, with a zone and up to nine digits
_MOST_ROOM: Final = 4
_WORD: Final = 8
_BLOCK: Final = 2**19
_MARK: Final = "#"
# In a word of a one and seven zeros, the highest byte of the product is the place of the one.
_PLACES: Final = np.uint64(0x0001020304050607)
_HIGHEST: Final = np.uint64(56)
_ONE: Final = np.uint64(1)


class Shape:
    """Objects with a member ``time`` and, after it, one called ``value``.

    ``written`` is the expression of a value; a quoted one has the quotes around its group of that
    name. ``plain`` is what is expected ahead in an object that can be the template.
    """

    def __init__(self, time: str, value: str, written: str, plain: str) -> None:
        once = "".join(f'(?![^{{}}]*"{key}"[^{{}}]*"{key}")' for key in (time, value))
        member = r'[^{{}}]*?"{}"\s*:\s*'.format
        text = (
            rf"\{{(?=[^{{}}\\]*\}}){once}{plain}"
            rf'{member(time)}"(?P<time>[^"{{}}]+)"{member(value)}{written}[^{{}}]*\}}'
        )
        self.pattern = re.compile(text.encode())
        self._time = time

    def mark(self, run: int) -> bytes:
        """What stands for a run of uniform objects."""
        return f'{{"{self._time}":"{_MARK}{run}"}},'.encode()


def marked_run(time: str) -> int | None:
    """The number of the run that a time stamp in what is left stands for; None for a real one."""
    return int(time[1:]) if time.startswith(_MARK) and time[1:].isdecimal() else None


@dataclass(frozen=True, slots=True)
class Uniform:
    """``times`` and ``values`` of the objects like ``example``, in order, as they are written.

    ``runs`` tells how many follow one another, ``rest`` is the document with a mark for each run.
    """

    example: bytes
    times: pa.StringArray
    values: pa.StringArray
    runs: list[int]
    rest: bytes


@dataclass(frozen=True, slots=True)
class _Template:
    """What an object has ``before`` its time stamp and ``between`` that and its value.

    ``joint`` is all from the end of a value to the next object's time stamp, of which the first
    ``own`` bytes are before the next object.
    """

    example: bytes
    length: int
    before: bytes
    between: bytes
    joint: bytes
    own: int


def read_uniform(body: bytes | bytearray, start: int, shape: Shape) -> Uniform | None:
    """The objects like one another from the one at ``start`` on; None where they are too few."""
    template = _template(body, start, shape)
    if template is None or len(body) > _LARGEST:
        return None
    buffer = np.frombuffer(body, np.uint8)
    compared = _compared(buffer, start, template)
    if compared is None:
        return None
    opened, lengths, fits = compared
    edges = np.flatnonzero(np.diff(fits, prepend=False, append=False))
    low, high = edges[::2], edges[1::2]
    runs = (high - low).tolist()
    if sum(runs) < max(_FEWEST, len(fits) // 2, len(runs) * _SHORTEST):
        return None
    slices = [slice(*ends) for ends in zip(low.tolist(), high.tolist(), strict=True)]
    times = _joined(opened, slices) + len(template.before)
    lengths = _joined(lengths, slices)
    values = times + lengths + len(template.between)
    ends = _joined(opened[1:], slices) - template.own
    return Uniform(
        template.example,
        _texts(buffer, times, times + lengths),
        _texts(buffer, values, ends),
        runs,
        _rest(body, opened[low], opened[high], shape),
    )


def _joined(column: np.ndarray, slices: list[slice]) -> np.ndarray:
    return np.concatenate([column[one] for one in slices])


def _texts(buffer: np.ndarray, first: np.ndarray, last: np.ndarray) -> pa.StringArray:
    """Copies of what is between the places ``first`` and ``last``."""
    length = int(last[0] - first[0])
    if (last - first == length).all():
        ends = np.arange(0, length * len(first) + 1, length, dtype=np.int32)
        buffers = pa.py_buffer(ends), pa.py_buffer(windows(buffer, length)[first].view(np.uint8))
        return pa.StringArray.from_buffers(len(first), *buffers)
    bounds = np.empty((len(first), 2), np.int32)
    bounds[:, 0], bounds[:, 1] = first, last
    buffers = pa.py_buffer(bounds), pa.py_buffer(buffer)
    texts = pa.StringArray.from_buffers(bounds.size - 1, *buffers)
    return texts.take(np.arange(0, bounds.size, 2, dtype=np.int32))


def _compared(
    buffer: np.ndarray, start: int, template: _Template
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Where objects begin, with the lengths of their time stamps, and whether all else is equal.

    The last one that is given is only where the one before ends. In blocks, which the processor's
    cache holds. None when there are more objects than could be alike, or none at ``start``.
    """
    places, lengths, fits = [], [], []
    opened: np.ndarray = np.empty(0, np.intp)
    begun = buffer[start : start + len(template.before)].tobytes() == template.before
    for low in range(start, len(buffer), _BLOCK):
        found = _braces(buffer[low : low + _BLOCK]) + low
        size = len(template.example)
        if len(found) * size > _MOST_ROOM * (_BLOCK + size) or (low == start and not len(found)):
            return None
        places.append(found)
        opened = np.concatenate([opened[-1:], found])
        if len(opened) > 1:
            own, alike, begun = _block(buffer, opened, template, begun)
            lengths.append(own)
            fits.append(alike)
    if not fits or buffer[start] != ord("{"):
        return None
    return _narrow(places), _narrow(lengths), np.concatenate(fits)


def _narrow(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts, dtype=np.int32, casting="same_kind")


def _braces(block: np.ndarray) -> np.ndarray:
    """Where there are braces that open an object."""
    marks = np.empty(-(-len(block) // _WORD) * _WORD, bool)
    marks[len(block) :] = False
    np.equal(block, ord("{"), out=marks[: len(block)])
    words = marks.view("<u8")
    # Nearly all words are empty, and words are an eighth of what there is to look through.
    (places,) = (words != 0).nonzero()
    found = words[places]
    if (found & (found - _ONE)).any():  # two in one word
        return marks.nonzero()[0]
    braces: np.ndarray = places * _WORD + (found * _PLACES >> _HIGHEST).view(np.int64)
    return braces


def _block(
    buffer: np.ndarray, opened: np.ndarray, template: _Template, begun: bool
) -> tuple[np.ndarray, np.ndarray, bool]:
    """The same of the objects between ``opened``; ``begun``: the first begins as it should.

    The last that is given back tells that of the object after them.
    """
    first, last = opened[:-1], opened[1:]
    times = first + len(template.before)
    lengths = _time_lengths(buffer, times, template)
    ends = last - template.own
    joined = equal_at(buffer, ends, template.joint)
    fits = joined & (lengths > 0) & (ends - times - lengths > len(template.between))
    # That an object begins as it should was seen at the end of the one before it.
    fits[1:] &= joined[:-1]
    fits[0] &= begun
    return lengths, fits, bool(joined[-1])


def _rest(body: bytes | bytearray, first: np.ndarray, last: np.ndarray, shape: Shape) -> bytes:
    """The document with marks in place of what is between ``first`` and ``last``."""
    parts: list[bytes | bytearray] = []
    done = 0
    for run, (low, high) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        parts += [body[done:low], shape.mark(run)]
        done = high
    return b"".join([*parts, body[done:]])


def _template(body: bytes | bytearray, start: int, shape: Shape) -> _Template | None:
    """From the first object that can be one."""
    for _ in range(_TRIED):
        found = shape.pattern.match(body, start)
        following = body.find(b"{", start + 1)
        if following < 0:
            return None
        if found is not None and body[found.end() : following].strip() == b",":
            low, high = found.span("time")
            first, last = found.span("value")
            before, between = bytes(body[start:low]), bytes(body[high:first])
            joint = bytes(body[last:following]) + before
            own = following - last
            return _Template(found[0], high - low, before, between, joint, own)
        start = following
    return None


def _time_lengths(buffer: np.ndarray, times: np.ndarray, template: _Template) -> np.ndarray:
    """The length of each time stamp, told by what comes after it. 0: that is nowhere."""
    lengths = np.full(len(times), template.length)
    (others,) = (~equal_at(buffer, times + template.length, template.between)).nonzero()
    if len(others):
        starts = np.minimum(times[others], len(buffer) - _TIMES[-1] - 1)
        near = windows(buffer, _TIMES[-1] + 1)[starts].view(np.uint8).reshape(len(others), -1)
        found = (near == ord('"')).argmax(axis=1)
        found[~equal_at(buffer, starts + found, template.between)] = 0
        found[starts < times[others]] = 0  # at the very end; objects there are read by themselves
        lengths[others] = np.where(found >= _TIMES[0], found, 0)
    return lengths
