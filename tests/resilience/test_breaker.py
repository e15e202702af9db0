"""The circuit breaker, by example and against a model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from greenlang_data.errors import (
    AuthenticationError,
    CircuitOpenError,
    ConfigurationError,
    DeadlineExceeded,
    QueryError,
    ReadFailed,
    UnknownTagError,
)
from greenlang_data.resilience import Breaker
from greenlang_data.resilience import breaker as breaker_module


class Clock:
    """A monotonic clock that tests set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return the time in seconds."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(breaker_module, "time", clock)
    return clock


def raising(error: BaseException) -> Callable[[], Awaitable[None]]:
    async def call() -> None:
        raise error

    return call


async def answering() -> str:
    return "ok"


async def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(RuntimeError, match="plant"):
            await breaker.call(raising(RuntimeError("plant")))


def test_opens_after_threshold_and_says_when_to_come_back(clock: Clock) -> None:
    opened: list[int] = []
    breaker = Breaker("plant1", 3, 60, on_open=lambda: opened.append(1))

    async def main() -> None:
        await fail(breaker, 2)
        assert (breaker.current_state, breaker.fail_counter) == ("closed", 2)
        await fail(breaker)  # the failing call raises its own error, also when it trips
        clock.now += 20
        with pytest.raises(CircuitOpenError, match=r"plant1: .*3 failures.*in 40\.0 s") as info:
            await breaker.call(answering)
        assert info.value.retry_in == pytest.approx(40)

    asyncio.run(main())
    assert (breaker.current_state, breaker.opens, opened) == ("open", 1, [1])
    assert breaker.retry_in == pytest.approx(40)


def test_success_resets_the_count() -> None:
    breaker = Breaker("s", 3, 60)

    async def main() -> None:
        for _ in range(4):
            await fail(breaker, 2)
            assert await breaker.call(answering) == "ok"

    asyncio.run(main())
    assert (breaker.current_state, breaker.fail_counter) == ("closed", 0)


def test_trip_keeps_the_error_and_its_traceback() -> None:
    error = OSError("refused")

    async def main() -> None:
        with pytest.raises(OSError, match="refused") as info:
            await Breaker("s", 1, 60).call(raising(error))
        assert info.value is error
        frames = [entry.name for entry in info.traceback]
        assert frames == ["main", "call", "call"]

    asyncio.run(main())


@pytest.mark.parametrize(
    "error",
    [
        QueryError("x"),
        UnknownTagError("x"),
        ConfigurationError("x"),
        AuthenticationError("x"),
        ReadFailed("x"),
        KeyError("x"),
    ],
)
def test_business_errors_neither_count_nor_reset_but_end_a_trial(
    error: Exception, clock: Clock
) -> None:
    breaker = Breaker("s", 3, 60, neutral=(KeyError,))

    async def main() -> None:
        await fail(breaker, 2)
        for _ in range(5):
            with pytest.raises(type(error)):
                await breaker.call(raising(error))
        assert (breaker.current_state, breaker.fail_counter) == ("closed", 2)
        await fail(breaker)
        clock.now += 61
        with pytest.raises(type(error)):
            await breaker.call(raising(error))
        assert (breaker.current_state, breaker.fail_counter) == ("closed", 0)

    asyncio.run(main())


@pytest.mark.parametrize(
    "error",
    [asyncio.CancelledError(), GeneratorExit(), DeadlineExceeded("x"), CircuitOpenError("x")],
)
def test_what_says_nothing_leaves_the_trial_to_the_next(error: BaseException, clock: Clock) -> None:
    breaker = Breaker("s", 1, 60)

    async def main() -> None:
        with pytest.raises(type(error)):
            await breaker.call(raising(error))
        assert (breaker.current_state, breaker.fail_counter) == ("closed", 0)
        await fail(breaker)
        clock.now += 60
        with pytest.raises(type(error)):
            await breaker.call(raising(error))
        assert (breaker.current_state, breaker.retry_in, breaker.opens) == ("open", 0.0, 1)
        assert await breaker.call(answering) == "ok"

    asyncio.run(main())
    assert breaker.current_state == "closed"


def test_exactly_one_trial_among_many(clock: Clock) -> None:
    breaker = Breaker("s", 1, 60)
    begun = 0

    async def slow_failure() -> None:
        nonlocal begun
        begun += 1
        await asyncio.sleep(0.01)
        raise OSError("still down")

    async def main() -> list[object]:
        await fail(breaker)
        clock.now += 60
        calls = [breaker.call(slow_failure) for _ in range(20)]
        return list(await asyncio.gather(*calls, return_exceptions=True))

    results = asyncio.run(main())
    assert begun == 1
    assert sum(isinstance(result, CircuitOpenError) for result in results) == 19
    assert (breaker.current_state, breaker.opens) == ("open", 2)
    assert breaker.retry_in == pytest.approx(60)


def test_late_results_of_an_earlier_state_are_ignored(clock: Clock) -> None:
    breaker = Breaker("s", 1, 60)

    async def main() -> None:
        release = asyncio.Event()

        async def late(error: Exception | None) -> None:
            await release.wait()
            if error:
                raise error

        stale = [
            asyncio.create_task(breaker.call(lambda error=error: late(error)))  # type: ignore[misc]
            for error in (OSError(), None, OSError(), QueryError("x"))
        ]
        await asyncio.sleep(0)
        await fail(breaker)
        clock.now += 30
        release.set()
        await asyncio.gather(*stale, return_exceptions=True)

    asyncio.run(main())
    assert (breaker.current_state, breaker.opens) == ("open", 1)
    assert breaker.retry_in == pytest.approx(30)


def test_limits_are_settable_and_a_bad_listener_is_harmless(clock: Clock) -> None:
    def bad() -> None:
        raise ValueError("listener")

    breaker = Breaker("s", 5, 60, on_open=bad)
    breaker.fail_max = 2
    asyncio.run(fail(breaker, 2))
    assert breaker.current_state == "open"
    breaker.reset_timeout = 10
    assert breaker.retry_in == pytest.approx(10)
    assert (breaker.fail_max, breaker.reset_timeout) == (2, 10)


class BreakerAgainstModel(RuleBasedStateMachine):
    """Any order of beginnings, endings and waits: the breaker does as a plain model does."""

    THRESHOLD, RECOVERY = 3, 60.0

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.clock = Clock()
        self.patch.setattr(breaker_module, "time", self.clock)
        self.breaker = Breaker("s", self.THRESHOLD, self.RECOVERY)
        self.running: list[tuple[asyncio.Future[None], asyncio.Task[None], int]] = []
        self.loop = asyncio.new_event_loop()
        self.state, self.failures, self.opens, self.epoch, self.opened_at = "closed", 0, 0, 0, 0.0

    def teardown(self) -> None:
        for _, task, _ in self.running:
            task.cancel()
        self.turn()
        self.loop.close()
        self.patch.undo()

    def turn(self) -> None:
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.run_until_complete(asyncio.sleep(0))

    def change(self, state: str) -> None:
        self.state = state
        self.epoch += 1

    @rule()
    def begin(self) -> None:
        gate = self.loop.create_future()

        async def wait() -> None:
            await gate

        task = self.loop.create_task(self.breaker.call(wait))
        self.turn()
        waited = self.clock.now - self.opened_at >= self.RECOVERY
        if self.state == "half-open" or (self.state == "open" and not waited):
            assert isinstance(task.exception(), CircuitOpenError)
            return
        if self.state == "open":
            self.change("half-open")
        assert not task.done()
        self.running.append((gate, task, self.epoch))

    @precondition(lambda self: self.running)
    @rule(
        which=st.integers(0, 30),
        outcome=st.sampled_from(["success", "failure", "business", "cancel"]),
    )
    def end(self, which: int, outcome: str) -> None:
        gate, task, epoch = self.running.pop(which % len(self.running))
        if outcome == "cancel":
            task.cancel()
        elif outcome == "success":
            gate.set_result(None)
        else:
            gate.set_exception(OSError() if outcome == "failure" else QueryError("x"))
        self.turn()
        assert task.done()
        assert task.cancelled() or task.exception() is None or outcome in ("failure", "business")
        if epoch == self.epoch:
            self.expect(outcome)

    def expect(self, outcome: str) -> None:
        trial = self.state == "half-open"
        if outcome == "failure":
            self.failures += 1
            if trial or self.failures >= self.THRESHOLD:
                self.change("open")
                self.opens += 1
                self.opened_at = self.clock.now
        elif outcome == "cancel" and trial:
            self.change("open")
        elif outcome == "success" or (outcome == "business" and trial):
            self.failures = 0
            if trial:
                self.change("closed")

    @rule(seconds=st.sampled_from([1.0, 30.0, 60.0]))
    def let_time_pass(self, seconds: float) -> None:
        self.clock.now += seconds

    @invariant()
    def agrees(self) -> None:
        assert self.breaker.current_state == self.state
        assert self.breaker.opens == self.opens
        if self.state == "closed":
            assert self.breaker.fail_counter == self.failures
        left = self.opened_at + self.RECOVERY - self.clock.now
        assert self.breaker.retry_in == (max(0.0, left) if self.state == "open" else 0.0)


TestBreakerAgainstModel = BreakerAgainstModel.TestCase
TestBreakerAgainstModel.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, derandomize=True
)
