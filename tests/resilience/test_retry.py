"""Retries: what, how often, how long apart, and when not."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.errors import (
    AuthenticationError,
    CircuitOpenError,
    DeadlineExceeded,
    GreenLangError,
    ProtocolError,
    QueryError,
    SourceBusy,
    SourceTimeout,
    SourceUnreachable,
)
from greenlang_data.resilience import Deadline, RetryBudget, set_testing
from greenlang_data.resilience.retry import (
    Retries,
    RetryPolicy,
    draw_wait,
    is_transient,
    longest_waits,
    wait_bounds,
)

from .fakes import FakePolicy, Script


def run(
    script: Script,
    policy: RetryPolicy | None = None,
    *,
    seconds: float | None = None,
    budget: RetryBudget | None = None,
    veto: str = "",
    waits: list[float] | None = None,
) -> str:
    retries = Retries(
        policy or FakePolicy(),
        Deadline.after(seconds),
        budget or RetryBudget(),
        lambda _wait: veto,
        lambda _error, wait: (waits if waits is not None else []).append(wait),
    )
    return asyncio.run(retries.run(script))


def notes(error: BaseException) -> str:
    return "\n".join(getattr(error, "__notes__", []))


@pytest.mark.parametrize(
    "error",
    [
        SourceUnreachable("x"),
        SourceTimeout("x"),
        SourceBusy("x"),
        ConnectionError(),
        ConnectionResetError(),
        TimeoutError(),
    ],
)
def test_retries_what_may_pass(error: Exception) -> None:
    script, waits = Script(error, error), list[float]()
    assert run(script, waits=waits) == "answer"
    assert (script.calls, len(waits)) == (3, 2)


@pytest.mark.parametrize(
    "error",
    [
        QueryError("x"),
        AuthenticationError("x"),
        ProtocolError("x"),
        CircuitOpenError("x"),
        DeadlineExceeded("x"),
        GreenLangError("x"),
        RuntimeError("x"),
        OSError("x"),
        asyncio.CancelledError(),
        KeyboardInterrupt(),
    ],
)
def test_retries_nothing_else(error: BaseException) -> None:
    assert not is_transient(error)
    if isinstance(error, Exception):
        script = Script(error)
        with pytest.raises(type(error)) as info:
            run(script)
        assert (info.value, script.calls, notes(error)) == (error, 1, "")


def test_gives_up_with_the_last_error_itself_and_a_note() -> None:
    errors = [ConnectionError(str(number)) for number in range(9)]
    script = Script(*errors)
    with pytest.raises(ConnectionError) as info:
        run(script, FakePolicy(max_retries=3))
    assert info.value is errors[3]
    assert script.calls == 4
    assert notes(errors[3]) == "gave up after 4 attempts"
    assert notes(errors[0]) == ""


def test_no_retries_is_one_attempt() -> None:
    script = Script(ConnectionError())
    with pytest.raises(ConnectionError) as info:
        run(script, FakePolicy(max_retries=0))
    assert (script.calls, notes(info.value)) == (1, "gave up after 1 attempt")


def test_permanent_error_after_a_retry_says_which_attempt() -> None:
    script = Script(ConnectionError(), AuthenticationError("locked"))
    with pytest.raises(AuthenticationError) as info:
        run(script)
    assert notes(info.value) == "at attempt 2"


def test_cancellation_ends_the_wait() -> None:
    policy = FakePolicy(retry_min_wait=30, retry_max_wait=30)
    script = Script(ConnectionError())

    async def main() -> None:
        retries = Retries(
            policy, Deadline.after(None), RetryBudget(), lambda _: "", lambda *_: None
        )
        task = asyncio.create_task(retries.run(script))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(main(), 2))
    assert script.calls == 1


def test_retry_after_is_never_undercut() -> None:
    waits: list[float] = []
    run(Script(SourceBusy("x", retry_after=0.05), SourceBusy("x")), waits=waits)
    assert 0.05 <= waits[0] <= 0.06
    assert waits[1] < 0.05


def test_retry_after_beyond_the_deadline_fails_at_once() -> None:
    error = SourceBusy("x", retry_after=30)
    with pytest.raises(SourceBusy) as info:
        run(Script(error), seconds=1.0)
    assert info.value is error
    assert "after 1 attempt: the next could begin in 30.0 s" in notes(error)


def test_veto_fails_at_once() -> None:
    script = Script(ConnectionError())
    with pytest.raises(ConnectionError) as info:
        run(script, veto="the circuit breaker has opened")
    assert script.calls == 1
    assert "the circuit breaker has opened" in notes(info.value)


def test_empty_budget_fails_at_once_and_fills_with_success() -> None:
    budget = RetryBudget(capacity=2, earned=0.5)
    with pytest.raises(ConnectionError) as info:
        run(Script(*[ConnectionError() for _ in range(9)]), budget=budget)
    assert "after 3 attempts: the source's retry budget is used up" in notes(info.value)
    assert budget.tokens == 0
    run(Script(), budget=budget)
    assert budget.tokens == 0.5
    run(Script(), budget=budget)
    assert run(Script(ConnectionError()), budget=budget) == "answer"
    assert budget.tokens == 1.0  # the retry that helped gave its token back
    for _ in range(9):
        run(Script(), budget=budget)
    assert budget.tokens == 2


def test_broken_listener_is_harmless() -> None:
    def bad(error: BaseException, wait: float) -> None:
        raise ValueError("listener")

    retries = Retries(FakePolicy(), Deadline.after(None), RetryBudget(), lambda _: "", bad)
    assert asyncio.run(retries.run(Script(ConnectionError()))) == "answer"


def test_testing_hook_kills_the_waits() -> None:
    policy = FakePolicy(retry_min_wait=30, retry_max_wait=60)
    set_testing(True)
    try:
        assert run(Script(ConnectionError(), SourceBusy("x", retry_after=99)), policy) == "answer"
    finally:
        set_testing(False)
    assert draw_wait(policy, 1, None) >= 30


seconds = st.floats(0, 1000)


@given(seconds, seconds, seconds, st.integers(1, 10), st.none() | seconds)
def test_waits_keep_their_bounds(
    multiplier: float, minimum: float, maximum: float, retry: int, retry_after: float | None
) -> None:
    policy = SimpleNamespace(
        max_retries=retry, retry_multiplier=multiplier, retry_min_wait=minimum,
        retry_max_wait=maximum,
    )  # fmt: skip
    shortest, longest = wait_bounds(policy, retry)
    assert minimum == shortest <= longest <= max(minimum, maximum)
    if retry > 1:
        assert wait_bounds(policy, retry - 1)[1] <= longest
    wait = draw_wait(policy, retry, SourceBusy("x", retry_after=retry_after))
    least, jitter = max(minimum, retry_after or 0), longest - shortest
    if retry == 1 and retry_after:
        least, jitter = retry_after, min(jitter, retry_after / 8)
    assert least <= wait <= least + jitter
    if retry_after is None:
        assert wait <= longest * (1 + 1e-12)
    assert longest_waits(policy) >= longest


def test_defaults_are_jittered_from_the_first_retry_on() -> None:
    policy = FakePolicy(retry_multiplier=1, retry_min_wait=2, retry_max_wait=10)
    bounds = [wait_bounds(policy, retry) for retry in (1, 2, 3, 4)]
    assert bounds == [(2, 3), (2, 4), (2, 6), (2, 10)]
    drawn = [draw_wait(policy, 1, None) for _ in range(200)]
    assert min(drawn) < 2.2
    assert max(drawn) > 2.8
