"""The bytes at many places of a document, compared at once."""

from __future__ import annotations

from typing import Final

import numpy as np

_WORD: Final = 8
_QUOTE, _SLASH = np.frombuffer(b'"\\', np.uint8)
_QUOTES, _LOWEST, _HIGHEST = (np.uint64(int.from_bytes(bytes([one]) * 8)) for one in b'"\1\x80')


def all_at(buffer: np.ndarray, places: np.ndarray, text: bytes) -> bool:
    """Whether there is ``text`` at every one of ``places``, none of which is negative."""
    last = len(buffer) - len(text)
    if not len(places):
        return True
    if last < 0 or places.max() > last:
        return False
    found: bytes = windows(buffer, len(text))[places].tobytes()
    return found == text * len(places)


def equal_at(buffer: np.ndarray, places: np.ndarray, text: bytes) -> np.ndarray:
    """At which of the ``places`` there is ``text``, and seven bytes more, or less."""
    words = -(-len(text) // _WORD)
    last = len(buffer) - words * _WORD
    if last < 0 or not len(places):
        return np.zeros(len(places), bool)
    equal = np.ones(len(places), bool)
    if places.max() > last:  # beyond the end; objects there are read by themselves
        equal = places <= last
        places = np.minimum(places, last)
    found = windows(buffer, words * _WORD)[places].view(np.uint64).reshape(-1, words)
    wanted = np.frombuffer(text.ljust(words * _WORD, b"\0"), np.uint64)
    if rest := len(text) % _WORD:
        found[:, -1] &= np.uint64(2 ** (8 * rest) - 1)
    same = found == wanted
    if not same.all():
        equal &= same.all(axis=1)
    return equal


def windows(buffer: np.ndarray, size: int) -> np.ndarray:
    """The ``size`` bytes from each place on, as far as there are so many."""
    return np.ndarray(len(buffer) - size + 1, f"V{size}", buffer, strides=1)


def closing_quotes(buffer: np.ndarray, places: np.ndarray, length: int) -> np.ndarray:
    """Where the first quote is that no backslash escapes, from each of ``places`` on.

    There have to be one, and a word beyond it, and something else than a backslash before the place.
    Faster where all are so many bytes (``length``) away.
    """
    found = _next_quotes(buffer, places, length)
    waiting = np.flatnonzero(buffer[found - 1] == _SLASH)
    while len(waiting := _escaped(buffer, found, waiting)):
        found[waiting] = _next_quotes(buffer, found[waiting] + 1, 0)
    return found


def _escaped(buffer: np.ndarray, places: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Those of ``which`` whose place has an odd number of backslashes before it."""
    if not len(which):
        return which
    odd = np.zeros(len(which), bool)
    counted, before = np.arange(len(which)), 1
    while len(counted := counted[buffer[places[which[counted]] - before] == _SLASH]):
        odd[counted] ^= True
        before += 1
    return which[odd]


def _next_quotes(buffer: np.ndarray, places: np.ndarray, length: int) -> np.ndarray:
    found = places + length
    if (buffer.take(found, mode="clip") == _QUOTE).all():
        before = windows(buffer, length)[places].view(np.uint8) if length else buffer[:0]
        if not (before == _QUOTE).any():
            return found
    words = windows(buffer, _WORD).view("<u8")
    found, marks = _quotes_in(words[places], places)
    waiting = np.flatnonzero(marks == 0)
    while len(waiting):
        found[waiting], marks = _quotes_in(words[found[waiting]], found[waiting])
        waiting = waiting[marks == 0]
    return found


def _quotes_in(words: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the first quote in each of ``words`` is, or else what is behind the word.

    And the words with the upper bit of the byte of their first quote set, and no lower one.
    """
    words = words ^ _QUOTES
    # Borrowing from the byte above begins at the first that is zero, so up to there it is exact.
    marks = words - _LOWEST
    marks &= np.invert(words, out=words)
    marks &= _HIGHEST
    before = marks - np.uint64(1)
    before &= np.invert(marks, out=words)
    return places + (np.bitwise_count(before) >> 3), marks
