"""Noise and cycles from integer arithmetic alone.

The same integers come out on every machine: there is no floating point, no library function whose
last bit differs, and no state. A signal is a pure function of a seed and a time.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from greenlang_data.drivers.mock.clock import IntArray

KNOT: Final = 600
"""Seconds between the knots of slow signals; between two knots they are straight lines."""

Knots = Callable[[IntArray], IntArray]
"""Values at knot numbers; knot ``k`` is at ``k * KNOT`` seconds since the epoch."""

# Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (OOPSLA 2014), splitmix64.
_GAMMA: Final = 0x9E3779B97F4A7C15
_MIX_1: Final = 0xBF58476D1CE4E5B9
_MIX_2: Final = 0x94D049BB133111EB
_MASK: Final = (1 << 64) - 1


@cache
def seed_of(name: str) -> int:
    """A seed that belongs to a name."""
    return zlib.crc32(name.encode()) * _GAMMA & _MASK


def scatter(seed: int, keys: IntArray) -> NDArray[np.uint64]:
    """64 well-mixed bits for each of ``keys``."""
    z = keys.astype(np.uint64)
    z *= np.uint64(_GAMMA)
    z += np.uint64(seed)
    z ^= z >> np.uint64(30)
    z *= np.uint64(_MIX_1)
    z ^= z >> np.uint64(27)
    z *= np.uint64(_MIX_2)
    z ^= z >> np.uint64(31)
    return z


def below(seed: int, keys: IntArray, bound: int) -> IntArray:
    """Numbers evenly spread over 0 .. ``bound`` - 1, one for each of ``keys``."""
    # The high half times the bound: no division, and a bias below bound / 2**32.
    z = scatter(seed, keys)
    z >>= np.uint64(32)
    z *= np.uint64(bound)
    z >>= np.uint64(32)
    return z.view(np.int64)


def around(seed: int, keys: IntArray, amplitude: int) -> IntArray:
    """Numbers evenly spread over -``amplitude`` .. ``amplitude``, one for each of ``keys``."""
    spread = below(seed, keys, 2 * amplitude + 1)
    spread -= amplitude
    return spread


def pick(name: str, key: int, bound: int) -> int:
    """One number of 0 .. ``bound`` - 1 for a name and a key."""
    # The same as ``below``, in plain integers: for one number an array costs ten times as much.
    z = (key * _GAMMA + seed_of(name)) & _MASK
    z = ((z ^ z >> 30) * _MIX_1) & _MASK
    z = ((z ^ z >> 27) * _MIX_2) & _MASK
    return ((z ^ z >> 31) >> 32) * bound >> 32


def straight(knots: Knots, times: IntArray) -> IntArray:
    """The signal through ``knots`` at ``times`` (seconds), rounded down."""
    if not len(times):
        return np.empty(0, np.int64)
    number = times // KNOT
    offset = times - number * KNOT
    first = int(number.min())
    values = knots(np.arange(first, int(number.max()) + 2, dtype=np.int64))
    number -= first
    rise = np.diff(values)[number]
    rise *= offset
    rise //= KNOT
    rise += values[number]
    return rise
