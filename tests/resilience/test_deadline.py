"""The total deadline: whose timeout it is, and whose cancellation."""

from __future__ import annotations

import asyncio
import time

import pytest

from greenlang_data.errors import DeadlineExceeded
from greenlang_data.resilience import Deadline


def test_time_runs_down_and_ends() -> None:
    deadline = Deadline.after(0.05)
    first = deadline.remaining()
    assert first is not None
    assert 0 < first <= 0.05
    assert not deadline.expired
    time.sleep(0.06)
    assert deadline.expired
    assert deadline.remaining() == 0.0


def test_none_is_no_deadline() -> None:
    deadline = Deadline.after(None)
    assert deadline.remaining() is None
    assert not deadline.expired

    async def answer() -> int:
        return 7

    assert asyncio.run(deadline.run(answer, source="plant1")) == 7


def test_says_source_seconds_remedy_and_cause() -> None:
    deadline = Deadline.after(0.02)
    deadline.last_error = OSError("refused")
    with pytest.raises(
        DeadlineExceeded, match=r"plant1: no result within 0\.02 s.*timeout="
    ) as info:
        asyncio.run(deadline.run(lambda: asyncio.sleep(5), source="plant1"))
    assert info.value.__cause__ is deadline.last_error
    assert isinstance(info.value, TimeoutError)


def test_begins_nothing_after_its_end() -> None:
    calls: list[int] = []

    async def call() -> None:
        calls.append(1)

    with pytest.raises(DeadlineExceeded):
        asyncio.run(Deadline.after(0).run(call, source="s"))
    assert calls == []


def test_timeout_of_the_call_itself_passes() -> None:
    inner = TimeoutError("inner")

    async def call() -> None:
        raise inner

    with pytest.raises(TimeoutError) as info:
        asyncio.run(Deadline.after(5).run(call, source="s"))
    assert info.value is inner


def test_error_raised_under_the_cancellation_is_still_the_deadline() -> None:
    async def call() -> None:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            raise OSError("closed while reading") from None

    with pytest.raises(DeadlineExceeded):
        asyncio.run(Deadline.after(0.02).run(call, source="s"))


def test_cancellation_from_outside_stays_one() -> None:
    async def main() -> None:
        task = asyncio.create_task(Deadline.after(5).run(lambda: asyncio.sleep(5), source="s"))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    asyncio.run(main())


def test_shorter_timeout_of_the_caller_stays_the_callers() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError) as info:
            async with asyncio.timeout(0.02):
                await Deadline.after(5).run(lambda: asyncio.sleep(5), source="s")
        assert not isinstance(info.value, DeadlineExceeded)

    asyncio.run(main())
