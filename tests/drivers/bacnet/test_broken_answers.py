"""A device that lies, or a network that spoils what it says: never a wrong value."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from greenlang_data.drivers.bacnet import BacnetDriver
from greenlang_data.drivers.base import ReadLog
from greenlang_data.errors import ProtocolError, SourceError
from tests.drivers.bacnet.helpers import config, read_once, snapshot, with_driver
from tests.drivers.bacnet.odd_device import (
    DEVICE,
    OddDevice,
    Reply,
    Request,
    inputs,
    object_id,
    real,
    unsigned,
)

TAGS = [f"AI:{number}" for number in range(40)]
Spoil = Callable[[bytes], bytes]
SPOILED = {
    "cut": lambda body: body[:-5],
    "longer": lambda body: body + b"\x00",
    "wrong size": lambda body: body.replace(real(3.0), b"\x45" + real(3.0)[1:]),
    "hostile length": lambda body: body.replace(real(3.0), b"\x75\xff\xff\xff\xff\xff"),
    "another object": lambda body: body.replace(_id(3), _id(4)),
    "fewer": lambda body: body[: len(body) // 2] + b"\x1f",
    "nothing": lambda _: b"",
}


def _id(number: int) -> bytes:
    return object_id(0, number).to_bytes(4)


class Spoiling(OddDevice):
    """Spoils the answers of some services."""

    spoil: Spoil = staticmethod(lambda body: body)
    services: tuple[int, ...] = ()

    def answer(self, request: Request) -> list[Reply]:
        right = self.honest(request)
        spoiled = request.service in self.services
        return [Reply(right[:3] + self.spoil(right[3:]) if spoiled else right)]


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_what_is_broken_for_many_is_asked_for_one_by_one(spoil: Spoil) -> None:
    with Spoiling(inputs()) as device:
        device.spoil, device.services = spoil, (14,)
        rows = read_once(config(device.address), TAGS)
    assert [row["value"] for row in rows.values()] == [float(number) for number in range(40)]


@pytest.mark.parametrize("how", ["wrong size", "hostile length", "another object"])
def test_an_object_that_is_encoded_wrongly_loses_no_other(how: str) -> None:
    async def use(driver: BacnetDriver) -> None:
        log = ReadLog()
        for log in (ReadLog(), ReadLog()):
            rows = await snapshot(driver, TAGS, log)
            wrong = rows.pop("AI:3")
            assert wrong["failure"].startswith("the device sent a broken answer: ")
            assert (wrong["value"], wrong["quality"]) == (None, "bad")
            others = [float(number) for number in range(40) if number != 3]
            assert [row["value"] for row in rows.values()] == others
        assert log.requests <= 8  # what spoils the others was learned

    with Spoiling(inputs()) as device:
        device.spoil, device.services = SPOILED[how], (12, 14)
        with_driver(config(device.address, device_instance=7), use)


def test_a_device_whose_answers_are_all_broken_is_given_up() -> None:
    async def use(driver: BacnetDriver) -> None:
        device.services = (12, 14)
        with pytest.raises(ProtocolError, match="broken answer"):
            await snapshot(driver, TAGS)
        assert len(device.requests) < 200

    with Spoiling(inputs()) as device:
        device.spoil = SPOILED["longer"]
        with_driver(config(device.address), use)


class Unreliable(OddDevice):
    """Drops, doubles, delays, cuts and misdirects its answers; ``now`` is in every value."""

    def __init__(self) -> None:
        self.now = 0
        self.dice = random.Random(20250615)
        super().__init__({**inputs(), (DEVICE, 62, None): unsigned(206)})

    def turn(self, now: int) -> None:
        self.now = now
        self.values |= {(object_id(0, n), 85, None): real(1000 * now + n) for n in range(40)}

    def answer(self, request: Request) -> list[Reply]:
        right = self.honest(request)
        if not self.now:
            return [Reply(right)]
        late = Reply(right, self.dice.choice([0.02, 0.15, 0.4]))
        for_another = Reply(right[:1] + bytes([right[1] ^ self.dice.randrange(1, 8)]) + right[2:])
        cut = Reply(right[: self.dice.randrange(len(right))])
        usual = [[Reply(right)]] * 9
        odd = [[], [late], [Reply(right), late], [for_another, late], [for_another, Reply(right)]]
        return self.dice.choice([*usual, *odd, [cut, Reply(right)]])


def test_a_thousand_spoiled_answers_are_no_wrong_value() -> None:
    async def use(driver: BacnetDriver) -> int:
        right = 0
        for now in range(1, 61):
            device.turn(now)
            try:
                await driver.connect()
                rows = await snapshot(driver, TAGS)
            except SourceError:
                continue
            for number, row in enumerate(rows.values()):
                if row["failure"] is None:
                    assert row["value"] == 1000 * now + number
                    right += 1
        return right

    with Unreliable() as device:
        settings = config(device.address, apdu_timeout_seconds=0.1, apdu_retries=3)
        assert with_driver(settings, use) > 1200
        assert len(device.requests) > 300
