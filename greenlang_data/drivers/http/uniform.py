"""Lists of JSON objects that are alike but for a time stamp and a value, taken apart as columns.

A page of samples is the same few words fifty thousand times. One of its objects is taken as the
template, and every other is compared with it, byte for byte, all at once: what is neither time
stamp nor value has to be equal. Objects that differ in anything else are handed back as JSON, so
nothing is skipped and nothing guessed. The caller has to read every time stamp and value strictly:
that they are what they should be is the other half of the proof.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

_FEWEST: Final = 256
_LARGEST: Final = 2**31 - 1  # places in a string array
_MOST_STRETCHES: Final = 500
_TRIED: Final = 8
_LONGEST_TIME: Final = 40
_WORD: Final = 8
_BLOCK: Final = 2**19


@dataclass(frozen=True, slots=True)
class Uniform:
    """``times`` and ``values`` of the objects like ``example``, in order, as they are written.

    ``odd`` has the JSON of the objects between them (without brackets), each with the number of
    uniform objects before it; ``rest`` is what follows the last uniform object, at least one
    object and all that is after the list.
    """

    example: bytes
    times: pa.StringArray
    values: pa.StringArray
    odd: list[tuple[int, bytes]]
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


def object_pattern(time: str, value: str, written: str) -> re.Pattern[bytes]:
    """For :func:`read_uniform`: objects with a ``time`` and, after it, a ``value``.

    ``written`` is the expression of a value; a quoted one has the quotes around its group.
    """
    once = "".join(f'(?![^{{}}]*"{key}"[^{{}}]*"{key}")' for key in (time, value))
    member = r'[^{{}}]*?"{}"\s*:\s*'.format
    text = (
        rf"\{{(?=[^{{}}\\]*\}}){once}"
        rf'{member(time)}"(?P<time>[^"{{}}]+)"{member(value)}{written}[^{{}}]*\}}'
    )
    return re.compile(text.encode())


def read_uniform(body: bytes | bytearray, start: int, pattern: re.Pattern[bytes]) -> Uniform | None:
    """The objects of the list whose first object begins at ``start``; None for another shape.

    ``pattern`` matches one whole object without a backslash or another object in it, with the
    groups ``time`` and, after it, ``value``.
    """
    template = _template(body, start, pattern)
    if template is None or len(body) > _LARGEST:
        return None
    buffer = np.frombuffer(body, np.uint8)
    opened = _places(buffer, start, ord("{"))
    if len(opened) < _FEWEST or opened[0] != start:
        return None
    first, last = opened[:-1], opened[1:]
    times = first + len(template.before)
    lengths = _time_lengths(buffer, times, template)
    values = times + lengths + len(template.between)
    ends = last - template.own
    fits = (lengths > 0) & (values < ends)
    joined = _equal(buffer, ends, template.joint)
    fits &= joined
    # That an object begins as it should was seen at the end of the one before it.
    fits[1:] &= joined[:-1]
    fits[0] &= body.startswith(template.before, start)
    found = np.flatnonzero(fits)
    if len(found) < len(fits) // 2:
        return None
    odd = _stretches(body, first, last, found)
    if odd is None:
        return None
    bounds = np.empty((len(found), 4), np.int32)
    for place, column in enumerate((times, times + lengths, values, ends)):
        bounds[:, place] = column[found]
    texts = pa.StringArray.from_buffers(bounds.size - 1, pa.py_buffer(bounds), pa.py_buffer(body))
    each = np.arange(0, bounds.size - 1, 4, dtype=np.int32)
    rest = bytes(body[int(last[found[-1]]) :])
    return Uniform(template.example, texts.take(each), texts.take(each + 2), odd, rest)


def _template(body: bytes | bytearray, start: int, pattern: re.Pattern[bytes]) -> _Template | None:
    """From the first object that can be one."""
    for _ in range(_TRIED):
        found = pattern.match(body, start)
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
    lengths = np.zeros(len(times), np.int64)
    waiting = np.arange(len(times))
    text = template.between
    for length in (template.length, *range(_LONGEST_TIME, 0, -1)):
        here = _equal(buffer, times[waiting] + length, text)
        if here.all():
            lengths[waiting] = length
            break
        lengths[waiting[here]] = length
        waiting = waiting[~here]
    return lengths


def _places(buffer: np.ndarray, start: int, letter: int) -> np.ndarray:
    """Where a letter is from ``start`` on; in blocks, which the processor's cache holds."""
    blocks = range(start, len(buffer), _BLOCK)
    found = [np.flatnonzero(buffer[low : low + _BLOCK] == letter) + low for low in blocks]
    return np.concatenate(found)


def _equal(buffer: np.ndarray, places: np.ndarray, text: bytes) -> np.ndarray:
    """At which of the ascending ``places`` there is ``text``."""
    words = -(-len(text) // _WORD)
    last = len(buffer) - words * _WORD
    if last < 0 or not len(places):
        return np.zeros(len(places), bool)
    equal = np.ones(len(places), bool)
    if places[-1] > last:  # beyond the end; objects there are read by themselves
        equal = places <= last
        places = np.minimum(places, last)
    every = np.lib.stride_tricks.as_strided(
        buffer[: words * _WORD].view(f"V{words * _WORD}"), (last + 1,), (1,), writeable=False
    )
    found = every[places].view(np.uint64).reshape(-1, words)
    wanted = np.frombuffer(text.ljust(words * _WORD, b"\0"), np.uint64)
    if rest := len(text) % _WORD:
        found[:, -1] &= np.uint64(2 ** (8 * rest) - 1)
    same = found == wanted
    if not same.all():
        equal &= same.all(axis=1)
    return equal


def _stretches(
    body: bytes | bytearray, first: np.ndarray, last: np.ndarray, found: np.ndarray
) -> list[tuple[int, bytes]] | None:
    """What is between the objects that fit; None when that is too much to be worth it."""
    gaps = np.flatnonzero(np.diff(found, prepend=-1) > 1)
    if len(gaps) > _MOST_STRETCHES:
        return None
    odd = []
    for gap in gaps.tolist():
        begins = 0 if gap == 0 else int(found[gap - 1]) + 1
        text = bytes(body[int(first[begins]) : int(first[found[gap]])])
        odd.append((gap, text.rstrip().removesuffix(b",")))
    return odd
