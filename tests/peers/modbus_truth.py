"""What ``modbus_faults`` serves, as pure functions of unit, table and address.

Within one unit and table every address holds another word (the multiplier is odd), so an answer
to another request than the one that was asked, or one shifted by a register, never looks right.
"""

from __future__ import annotations

import struct

COILS, DISCRETE, HOLDING, INPUT = 1, 2, 3, 4
COUNTER_ADDRESS = 60_000
COUNTER_WORDS = 4


def word(unit: int, table: int, address: int) -> int:
    """Content of a register; ``table`` is the function code that reads it, 3 or 4.

    Holding registers 60000 to 60003 are not this but the counter: a big-endian 64-bit number,
    n in the answer to the n-th request that reached the server.
    """
    return (address * 40_503 + unit * 9_973 + table * 26_171 + 12_345) & 0xFFFF


def words(unit: int, table: int, address: int, count: int) -> tuple[int, ...]:
    """Contents of ``count`` registers from ``address``."""
    return tuple(word(unit, table, address + index) for index in range(count))


def bit(unit: int, table: int, address: int) -> bool:
    """Content of a coil (``table`` 1) or discrete input (2)."""
    return bool(word(unit, table, address) >> 9 & 1)


def register_bytes(unit: int, table: int, address: int, count: int, served: int) -> bytes:
    """The data bytes of a truthful register answer, the counter included."""
    found = list(words(unit, table, address, count))
    if table == HOLDING:
        counter = struct.unpack(">4H", struct.pack(">Q", served))
        for index in range(COUNTER_WORDS):
            if 0 <= COUNTER_ADDRESS + index - address < count:
                found[COUNTER_ADDRESS + index - address] = counter[index]
    return struct.pack(f">{count}H", *found)


def bit_bytes(unit: int, table: int, address: int, count: int) -> bytes:
    """The data bytes of a truthful answer of bits, the first in the lowest place."""
    packed = sum(bit(unit, table, address + index) << index for index in range(count))
    return packed.to_bytes((count + 7) // 8, "little")
