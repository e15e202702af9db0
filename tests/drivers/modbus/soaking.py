"""Read from a server that spoils its answers, and compare every value with the truth."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import Any

import greenlang_data as gd
from greenlang_data.settings.register import Register
from tests.drivers.modbus.helpers import config, register
from tests.peers.modbus_fault_session import SERIAL_ONLY, TCP_ONLY, Fault
from tests.peers.modbus_truth import COUNTER_ADDRESS, COUNTER_WORDS, HOLDING, word

ON_TCP = tuple(fault for fault in Fault if fault not in SERIAL_ONLY)
ON_A_LINE = tuple(fault for fault in Fault if fault not in TCP_ONLY)
BLOCKS = 40
# As many as the counter has: in RTU nothing but its place in the conversation tells the answer to
# one block, or an older answer to the same block, from that to another.
PER_BLOCK = COUNTER_WORDS
# Registers that are never asked for lie between the blocks.
STEP = 10
COUNTER = "Counter"
CALL_SECONDS = 1.5
# A late answer comes after the unit was given up. On a line it has to come before the unit is asked
# again, which is as much later, and the margins are those of a busy processor.
_UNIT_SECONDS = {"tcp": 0.06, "tls": 0.06, "rtu+tcp": 0.15, "serial": 0.15}
LATE_SECONDS = {"tcp": 0.1, "tls": 0.1, "rtu+tcp": 0.2, "serial": 0.2}


def spoiled_registers(unit: int = 1) -> list[Register]:
    """Forty blocks of four registers."""
    return [
        register(f"U{unit}_{at}", address=at, unit_id=unit)
        for block in range(BLOCKS)
        for at in range(block * STEP, block * STEP + PER_BLOCK)
    ]


def expected(tag: str) -> int:
    """What the server holds there."""
    unit, address = tag.removeprefix("U").split("_")
    return word(int(unit), HOLDING, int(address))


def soak_config(transport: str, endpoint: str, **changed: Any) -> gd.SCADAConfig:
    """A source that asks for each block, and for the counter, in a request of its own."""
    counter = register(
        COUNTER, address=COUNTER_ADDRESS, type="uint64", word_order="ABCD", unit_id=1
    )
    return config(
        1,
        [*spoiled_registers(), counter],
        endpoint=endpoint,
        max_block_gap=0,
        unit_timeout_seconds=_UNIT_SECONDS[transport],
        max_retries=0,
        circuit_breaker_enabled=False,
        **changed,
    )


async def soak(
    settings: gd.SCADAConfig, values: int, *, seconds: float, seed: int = 1
) -> Counter[str]:
    """Take random snapshots until about so many ``values`` were right or the time is over.

    Counts values that are ``right`` and ``wrong`` (a counter that has not moved is wrong), calls
    that ``failed`` as a whole, and tags that failed alone (``refused``).
    """
    rng, tally, count = random.Random(seed), Counter[str](), -1
    until = time.monotonic() + seconds
    async with gd.SCADAConnector(settings) as connector:
        while tally["right"] < values and time.monotonic() < until:
            blocks = rng.sample(range(BLOCKS), rng.randint(1, 12))
            tags = [f"U1_{at}" for block in blocks for at in _addresses(block)]
            query = gd.SCADAQuery(tag_ids=[*tags, COUNTER])
            try:
                payload, _ = await connector.fetch_data(query, CALL_SECONDS, errors="report")
            except (gd.SourceError, gd.DeadlineExceeded):
                tally["failed"] += 1
                continue
            found = payload.result.table.select(["tag_id", "value"]).to_pydict()
            read = dict(zip(found["tag_id"], found["value"], strict=True))
            tally["refused"] += len(payload.failures)
            for tag in read.keys() - payload.failures.keys() - {COUNTER}:
                tally["right" if read[tag] == expected(tag) else "wrong"] += 1
            if COUNTER not in payload.failures:
                tally["right" if read[COUNTER] > count else "wrong"] += 1
                count = read[COUNTER]
    return tally


def _addresses(block: int) -> range:
    return range(block * STEP, block * STEP + PER_BLOCK)
