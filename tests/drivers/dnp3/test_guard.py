"""The proof that the driver only reads: what passes the guard, and that nothing else does."""

from __future__ import annotations

import asyncio

import opendnp3 as dnp3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.dnp3 import Dnp3Driver
from greenlang_data.drivers.dnp3.frames import (
    BrokenFrameError,
    Frame,
    awaited,
    checksum,
    encode,
    take_frames,
)
from greenlang_data.drivers.dnp3.guard import Guard, RefusedFrameError
from greenlang_data.errors import SourceUnreachable
from tests.drivers.dnp3.helpers import Watched, config, snapshot, with_driver
from tests.peers.dnp3_truth import Kind
from tests.peers.launch_dnp3 import Dnp3Peer

CLASSES = "3c0206 3c0306 3c0406"
READ_ONLY = {
    "confirm": "c0 c1 00",
    "read class 0": "c0 c1 01 3c0106",
    "read a range": "c0 c1 01 1e060000 05 1e0501 0000 ffff",
    "clear restart": "c0 c1 02 50010007 0700",
    "disable unsolicited": f"c0 c1 15 {CLASSES}",
}
REFUSED = {
    "select": "c0 c1 03 0c012801000000010164000000640000 0000",
    "operate": "c0 c1 04 0c01280100000001016400000064000000 00",
    "direct operate": "c0 c1 05 29012801000000 2a00000000",
    "direct operate without answer": "c0 c1 06 29012801000000 2a00000000",
    "freeze": "c0 c1 07 140006",
    "freeze and clear": "c0 c1 09 140006",
    "cold restart": "c0 c1 0d",
    "write the time": "c0 c1 02 32010701 000000000000",
    "set restart": "c0 c1 02 50010007 0701",
    "clear another indication": "c0 c1 02 50010004 0400",
    "clear restart and more": "c0 c1 02 50010007 0700 50010007 0700",
    "delay measurement": "c0 c1 17",
    "record the time": "c0 c1 18",
    "assign class": "c0 c1 16 3c0206 1e0006",
    "open a file": "c0 c1 19 46035b01 0000",
    "delete a file": "c0 c1 1b 46035b01 0000",
    "read with object data": "c0 c1 01 1e0117 01 05",
    "read that ends early": "c0 c1 01 1e0601 0000",
    "enable more than the classes": f"c0 c1 14 {CLASSES} 1e0006",
    "confirm with objects": "c0 c1 00 3c0206",
    "response": "c0 c1 81 0000",
    "first part": "40 c1 05 29012801",
    "last part": "80 c1 00",
    "no fragment": "c0",
    "nothing": "",
}


def data_frame(text: str) -> Frame:
    return Frame(0xC4, 10, 1, bytes.fromhex(text))


@pytest.mark.parametrize("text", READ_ONLY.values(), ids=READ_ONLY)
def test_what_only_reads_passes_as_it_is(text: str) -> None:
    frame = data_frame(text)
    assert Guard(1, 10).check(frame) == frame


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("watching", [True, False])
def test_what_does_more_is_refused(text: str, watching: bool) -> None:
    guard = Guard(1, 10)
    guard.watching = watching
    with pytest.raises(RefusedFrameError):
        guard.check(data_frame(text))


def test_events_are_read_only_while_somebody_watches() -> None:
    guard = Guard(1, 10)
    poll = data_frame(f"c0 c1 01 {CLASSES} 3c0106")
    enable = data_frame(f"c0 c1 14 {CLASSES}")
    assert guard.check(poll) == data_frame("c0 c1 01 3c0106")
    assert guard.check(enable) == data_frame(f"c0 c1 15 {CLASSES}")
    assert guard.check(data_frame("c0 c1 01 200706 1e0506")) == data_frame("c0 c1 01 1e0506")
    guard.watching = True
    assert (guard.check(poll), guard.check(enable)) == (poll, enable)
    assert guard.requests == 5


@pytest.mark.parametrize("control", [0xC0, 0xC2, 0xD2, 0xC9, 0x80, 0x81, 0x8B, 0x8F])
def test_link_control_passes_and_carries_nothing(control: int) -> None:
    frame = Frame(control, 10, 1, b"")
    assert Guard(1, 10).check(frame) == frame
    with pytest.raises(RefusedFrameError):
        Guard(1, 10).check(frame._replace(data=bytes.fromhex(REFUSED["cold restart"])))


@pytest.mark.parametrize(
    "frame",
    [Frame(0xC4, 11, 1, b"\xc0\xc1\0"), Frame(0xC4, 10, 2, b"\xc0\xc1\0"), Frame(0x44, 10, 1, b"")],
    ids=["to another", "from another", "of an outstation"],
)
def test_frames_of_and_for_others_are_refused(frame: Frame) -> None:
    with pytest.raises(RefusedFrameError):
        Guard(1, 10).check(frame)


@given(st.binary(max_size=250), st.integers(0, 255), st.booleans())
def test_whatever_passes_has_one_of_five_functions(
    data: bytes, control: int, watching: bool
) -> None:
    guard = Guard(1, 10)
    guard.watching = watching
    try:
        passed = guard.check(Frame(control, 10, 1, data))
    except RefusedFrameError:
        return
    if control & 0x4F in (0x43, 0x44):
        assert passed.data[2] in (0, 1, 2, 20, 21)
        assert passed.data[2] != 2 or passed.data[3:] == bytes([80, 1, 0, 7, 7, 0])
        assert len(passed.data) <= len(data)
    else:
        assert passed.data == b""


@given(st.lists(st.builds(
    Frame, st.integers(0, 255), st.integers(0, 65535), st.integers(0, 65535),
    st.binary(max_size=250),
), max_size=5), st.integers(1, 40))  # fmt: skip
def test_frames_come_back_however_they_are_cut(frames: list[Frame], step: int) -> None:
    stream = b"".join(encode(frame) for frame in frames)
    buffer, taken = bytearray(), []
    for start in range(0, len(stream), step):
        buffer += stream[start : start + step]
        taken += take_frames(buffer)
    assert (taken, buffer) == (frames, b"")


@given(st.binary(max_size=250), st.integers(0, 10_000), st.integers(1, 255))
def test_no_damaged_frame_is_taken_for_one(data: bytes, where: int, change: int) -> None:
    whole = Frame(0xC4, 10, 1, data)
    damaged = bytearray(encode(whole))
    damaged[where % len(damaged)] ^= change
    try:
        frames = take_frames(damaged)
    except BrokenFrameError:
        return
    assert frames == []  # a longer frame whose end has not come


@given(st.lists(st.binary(max_size=250), max_size=6), st.binary(max_size=40), st.integers(1, 99))
def test_no_finished_fragment_is_held_back(
    segments: list[bytes], garbage: bytes, step: int
) -> None:
    whole = b"".join(encode(Frame(0x44, 1, 10, one)) for one in segments)
    held, position = bytearray(), 0
    for start in range(0, len(whole), step):
        held += whole[start : start + step]
        checked = awaited(held, position)
        if checked is None:
            held, position = bytearray(), 0
        else:
            position = checked
    if segments and (not segments[-1] or segments[-1][0] & 0x80):
        assert held == b""
    if garbage[:1] not in (b"", b"\x05"):
        assert awaited(held + garbage, len(held)) is None


def test_an_unfinished_fragment_is_held_back() -> None:
    first, last = (encode(Frame(0x44, 1, 10, bytes([head, 1, 2]))) for head in (0x40, 0x81))
    assert awaited(bytearray(first), 0) == len(first)
    assert awaited(bytearray(first + last[:-1]), 0) == len(first)
    assert awaited(bytearray(first + last), len(first)) is None


@given(st.binary(max_size=600))
def test_garbage_is_an_error_or_not_enough(garbage: bytes) -> None:
    buffer = bytearray(garbage)
    try:
        for frame in take_frames(buffer):
            assert encode(frame) in garbage
    except BrokenFrameError:
        return
    assert len(buffer) <= 292


def test_the_checksum_is_that_of_the_standard() -> None:
    # CRC-16/DNP of "123456789" in the catalogue of parametrised CRC algorithms.
    assert int.from_bytes(checksum(b"123456789"), "little") == 0xEA82


def test_what_the_library_wants_to_operate_never_reaches_the_wire(outstation: Dnp3Peer) -> None:
    async def use(driver: Dnp3Driver) -> None:
        assert driver._master is not None
        assert driver._master._stack is not None
        command = dnp3.AnalogOutputFloat32(42.0)
        driver._master._stack.master.DirectOperate(command, 1, lambda _: None)
        async with asyncio.timeout(5):
            while driver.connected:  # noqa: ASYNC110 - a connector can only ask as well
                await asyncio.sleep(0.01)
        with pytest.raises(SourceUnreachable, match="does more than read: function 5"):
            await snapshot(driver, ["analog:1"])

    with_driver(config(outstation.port), use)
    assert outstation.attempts() == []
    assert {one["function"] for one in outstation.requests()} <= {"READ", "CONFIRM", "WRITE",
        "DISABLE_UNSOLICITED"} | {0, 1, 2, 21}  # fmt: skip


def test_everything_that_the_driver_does_changes_nothing(outstation: Dnp3Peer) -> None:
    async def use(driver: Dnp3Driver) -> None:
        await driver.ping()
        await snapshot(driver, ["analog:1", "binary:3", "counter:9", "analog:4000"])
        async for _ in driver.list_tags(ReadLog()):
            pass
        watched = Watched(driver, ["analog:1"])
        await watched.until(lambda one: len(one.batches) >= 2)
        outstation.set(Kind.ANALOG_INPUT, 1, 5.5)
        await watched.until(lambda one: len(one.rows) >= 2)
        outstation.ask_link_status()
        outstation.restart_device(drop=False)
        await watched.until(lambda one: len(one.rows) >= 4)
        await watched.stop()

    with_driver(config(outstation.port), use)
    requests = outstation.requests()
    assert outstation.attempts() == []
    assert {one["name"] for one in requests} == {
        "READ",
        "WRITE",
        "ENABLE_UNSOLICITED",
        "DISABLE_UNSOLICITED",
    }
    writes = [one["objects"] for one in requests if one["name"] == "WRITE"]
    assert writes == [[[80, 1, 0]]] * len(writes)  # "I have seen that you restarted"
    status = outstation.status()
    assert status["confirms"] > 0
    assert status["link_answers"] == 1
