"""The rings around an attempt, in order.

load budget -> total deadline -> retry -> circuit breaker -> slot and rate -> attempt timeout.

Retry is outside the breaker, so every attempt is counted and an open circuit ends the retries. The
attempt timeout is inside it, so a slow source counts as failing; the deadline is outside it, so a
user's impatience does not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from greenlang_data.errors import (
    CircuitOpenError,
    GreenLangError,
    SourceBusy,
    SourceTimeout,
    SourceUnreachable,
)
from greenlang_data.pace import ConcurrencySlots, RateLimit
from greenlang_data.resilience.attempt import (
    CLEANUP_SECONDS,
    AttemptAbortedError,
    AttemptTimeoutError,
    run_attempt,
)
from greenlang_data.resilience.breaker import Breaker
from greenlang_data.resilience.deadline import Deadline, checked_timeout
from greenlang_data.resilience.limits import LoadBudget
from greenlang_data.resilience.retry import (
    Retries,
    RetryBudget,
    RetryPolicy,
    longest_waits,
    waits_are_off,
)

T = TypeVar("T")

# What a call spends before its attempt begins; an attempt given the whole time had all but this.
_OVERHEAD_SECONDS = 0.02


class Policy(RetryPolicy, Protocol):
    """What a configuration says about calls, read anew at each; times in seconds."""

    @property
    def timeout_seconds(self) -> float:
        """Return the time of one attempt."""

    @property
    def total_timeout_seconds(self) -> float | None:
        """Return the time of a whole call; None is all attempts and waits at their longest."""

    @property
    def circuit_breaker_enabled(self) -> bool:
        """Return whether failures open the circuit."""

    @property
    def circuit_breaker_threshold(self) -> int:
        """Return how many failures in a row open it."""

    @property
    def circuit_breaker_timeout(self) -> float:
        """Return how long it stays open."""

    @property
    def connection_pool_size(self) -> int:
        """Return how many attempts may run at once."""

    @property
    def max_requests_per_second(self) -> float | None:
        """Return how many attempts may begin in a second, or None."""

    @property
    def max_points(self) -> int | None:
        """Return the largest answer in points, or None."""


class PipelineEvents(Protocol):
    """Who is told what happens on the way; must be quick, what it raises is logged."""

    def retrying(self, error: BaseException, wait: float) -> None:
        """Be told that the call waits this many seconds and tries again after this error."""

    def circuit_opened(self) -> None:
        """Be told that the circuit has opened."""


class Pipeline:
    """The way of every call to one source. Use it on one event loop at a time.

    Parameters
    ----------
    source : the name (connector id) for messages.
    policy : read at each call, so changes at run time count.
    events : told of retries and of the circuit's opening.
    """

    def __init__(self, source: str, policy: Policy, events: PipelineEvents) -> None:
        self.source = source
        self.policy = policy
        self.events = events
        self.breaker = Breaker(
            source,
            policy.circuit_breaker_threshold,
            policy.circuit_breaker_timeout,
            on_open=events.circuit_opened,
        )
        self.slots = ConcurrencySlots(policy.connection_pool_size)
        self.rate = RateLimit(policy.max_requests_per_second)
        self.retry_budget = RetryBudget()

    async def run(
        self,
        attempt: Callable[[], Awaitable[T]],
        *,
        timeout: float | None = None,  # noqa: ASYNC109 (covers retries and waits too)
        planned_points: int | None = None,
    ) -> T:
        """Await ``attempt()`` under every ring and return its result.

        Parameters
        ----------
        attempt : begins one read; called again for each retry, so it must be read-only.
        timeout : seconds for the whole call; it replaces the attempt timeout as well.
        planned_points : how many points the answer will hold, if known.

        Raises
        ------
        LoadBudgetExceeded : more points than allowed; nothing was sent.
        DeadlineExceeded : the whole call took too long; the cause is the last attempt's error.
        SourceTimeout : the last attempt took too long.
        CircuitOpenError : the source failed too often and is left alone.
        Exception : whatever the last attempt raised.
        """
        self._apply_policy()
        LoadBudget(self.policy.max_points, source=self.source).check_plan(planned_points)
        deadline = Deadline.after(self._total_seconds(checked_timeout(timeout, self.source)))
        seconds = None if timeout is not None else self.policy.timeout_seconds

        async def guarded() -> T:
            self._check_held(deadline)
            return await self._through_breaker(attempt, seconds, deadline)

        retries = Retries(
            self.policy, deadline, self.retry_budget, self._veto, self.events.retrying
        )
        try:
            return await deadline.run(lambda: retries.run(guarded), source=self.source)
        except GreenLangError as error:
            error.source = error.source or self.source  # a secret does not know whose it is
            raise

    def _apply_policy(self) -> None:
        policy = self.policy
        self.breaker.fail_max = policy.circuit_breaker_threshold
        self.breaker.reset_timeout = policy.circuit_breaker_timeout
        self.rate.per_second = policy.max_requests_per_second
        if self.slots.limit != policy.connection_pool_size:
            self.slots.limit = policy.connection_pool_size

    def _total_seconds(self, timeout: float | None) -> float:
        if timeout is None:
            policy = self.policy
            attempts = (policy.max_retries + 1) * (policy.timeout_seconds + CLEANUP_SECONDS)
            return policy.total_timeout_seconds or attempts + longest_waits(policy)
        return timeout

    def _veto(self, wait: float) -> str:
        """Do not wait for a circuit that will still be open: the real error says more."""
        if self.policy.circuit_breaker_enabled and self.breaker.retry_in > wait:
            return "the circuit breaker has opened"
        return ""

    def _check_held(self, deadline: Deadline) -> None:
        """Do not wait for a time that will not come: the source has said when it answers again."""
        held, remaining = self.rate.held, deadline.remaining()
        if held and remaining is not None and held >= remaining:
            raise SourceBusy(
                f"it asked to be left alone, for {held:.3g} s from now on",
                source=self.source,
                retry_after=held,
            )

    async def _through_breaker(
        self, attempt: Callable[[], Awaitable[T]], seconds: float | None, deadline: Deadline
    ) -> T:
        async def limited() -> T:
            return await self._through_limits(attempt, seconds, deadline)

        if not self.policy.circuit_breaker_enabled:
            return await limited()
        try:
            return await self.breaker.call(limited)
        except CircuitOpenError as refusal:
            raise refusal from deadline.last_error

    async def _through_limits(
        self, attempt: Callable[[], Awaitable[T]], seconds: float | None, deadline: Deadline
    ) -> T:
        await self.slots.acquire()
        try:
            await self.rate.wait()
        except BaseException:
            self.slots.release()
            raise
        begun = time.monotonic()
        try:
            result = await run_attempt(attempt, seconds=seconds, on_end=self.slots.release)
        except SourceBusy as busy:
            if busy.retry_after and not waits_are_off():
                self.rate.refused(busy.retry_after)
            raise
        except AttemptTimeoutError:
            raise self._timed_out(time.monotonic() - begun) from None
        except AttemptAbortedError:
            raise SourceUnreachable(
                "the client cancelled its own request, as on a closed connection",
                source=self.source,
                remedy="Try again, and check that the source is up.",
            ) from None
        except asyncio.CancelledError as cancelled:
            waited = time.monotonic() - begun
            if not self._source_was_silent(waited, deadline):
                raise
            raise self._timed_out(waited) from cancelled
        self.rate.passed()
        return result

    def _source_was_silent(self, waited: float, deadline: Deadline) -> bool:
        """Return whether a cancellation is the deadline's, after a whole attempt's time.

        Then it is the source that failed, and the breaker must hear of it: else a user who always
        passes a long timeout= would hammer a hanging source for ever.
        """
        task = asyncio.current_task()
        only_deadline = deadline.expired and task is not None and task.cancelling() == 1
        return only_deadline and waited + _OVERHEAD_SECONDS >= self.policy.timeout_seconds

    def _timed_out(self, waited: float) -> SourceTimeout:
        return SourceTimeout(
            f"no answer within {waited:.3g} s",
            source=self.source,
            remedy="Ask for less, pass a longer timeout=, or check that the source is up.",
        )
