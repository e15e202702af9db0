"""Read from a server that spoils its answers, and compare every value with the truth."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter

from greenlang_data.connectors.scada import SCADAConfig
from greenlang_data.drivers.base import ReadLog, Snapshot
from greenlang_data.drivers.modbus import ModbusDriver
from greenlang_data.errors import SourceError
from greenlang_data.settings.register import Register
from tests.drivers.modbus.helpers import register
from tests.peers.modbus_truth import HOLDING, word

BLOCKS = 40
PER_BLOCK = 3
# Registers that are never asked for lie between the blocks, which are all of one size: in RTU
# nothing but its place in the conversation tells the answer to one from that to another.
STEP = 10
ATTEMPT_SECONDS = 0.6


def spoiled_registers(unit: int = 1) -> list[Register]:
    """Forty blocks of three registers."""
    return [
        register(f"U{unit}_{at}", address=at, unit_id=unit)
        for block in range(BLOCKS)
        for at in range(block * STEP, block * STEP + PER_BLOCK)
    ]


def expected(tag: str) -> int:
    """What the server holds there."""
    unit, address = tag.removeprefix("U").split("_")
    return word(int(unit), HOLDING, int(address))


async def soak(
    settings: SCADAConfig, requests: int, *, seconds: float, seed: int = 1
) -> Counter[str]:
    """Take random snapshots until about so many ``requests`` were sent or the time is over.

    Counts values that are ``right`` and ``wrong``, ``requests``, snapshots that ``failed`` as a
    whole and tags that failed alone (``refused``).
    """
    rng, driver, tally = random.Random(seed), ModbusDriver(settings), Counter[str]()
    began = time.monotonic()
    while tally["requests"] < requests and time.monotonic() - began < seconds:
        log = ReadLog()
        blocks = rng.sample(range(BLOCKS), rng.randint(1, 12))
        tags = tuple(
            one.tag
            for block in blocks
            for one in settings.registers[PER_BLOCK * block :][:PER_BLOCK]
        )
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                await driver.connect()
                batches = [batch async for batch in driver.read(Snapshot(tags), log)]
        except (SourceError, TimeoutError):
            tally["failed"] += 1
        else:
            _judge(batches[0].to_pydict(), tally)
        tally["requests"] += log.requests
    await driver.close()
    return tally


def _judge(columns: dict[str, list[object]], tally: Counter[str]) -> None:
    for tag, value, failure in zip(
        columns["tag_id"], columns["value"], columns["failure"], strict=True
    ):
        if failure is not None:
            tally["refused"] += 1
        else:
            tally["right" if value == expected(str(tag)) else "wrong"] += 1
