"""Try again what may pass, and only that.

tenacity does the work. It is called only after a first failure, because it costs half as much as
all the other rings of a call together.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from greenlang_data.errors import GreenLangError, TransientError
from greenlang_data.resilience.deadline import Deadline

T = TypeVar("T")

_logger = logging.getLogger(__name__)
_testing = False


def set_testing(active: bool) -> None:
    """Make every wait between attempts 0 s, so that tests of retried code are fast."""
    global _testing  # noqa: PLW0603 (a switch for the whole process is what tests need)
    _testing = active


def waits_are_off() -> bool:
    """Return whether :func:`set_testing` has switched all waits off."""
    return _testing


class RetryPolicy(Protocol):
    """What a configuration says about retries; times in seconds."""

    @property
    def max_retries(self) -> int:
        """Return how many attempts may follow the first."""

    @property
    def retry_multiplier(self) -> float:
        """Return the width of the first wait's jitter; it doubles with each retry."""

    @property
    def retry_min_wait(self) -> float:
        """Return the shortest wait."""

    @property
    def retry_max_wait(self) -> float:
        """Return the longest wait, unless the source asks for a longer one."""


def is_transient(error: BaseException) -> bool:
    """Return whether trying again may help.

    An allow-list, because with a deny-list tenacity retries cancellations too: of our own errors
    the `TransientError` branch, of all others ``ConnectionError`` and ``TimeoutError``.
    """
    if isinstance(error, GreenLangError):
        return isinstance(error, TransientError)
    return isinstance(error, (ConnectionError, TimeoutError))


def wait_bounds(policy: RetryPolicy, retry: int) -> tuple[float, float]:
    """Return the shortest and the longest wait, in seconds, before a retry (the first is 1).

    The jitter is added to the minimum. Drawn below ``multiplier * 2 ** (retry - 1)`` alone, a
    minimum above that would leave no jitter at all in the first retries, the ones that count.
    """
    shortest = policy.retry_min_wait
    longest = shortest + policy.retry_multiplier * 2.0 ** (retry - 1)
    return shortest, max(shortest, min(policy.retry_max_wait, longest))


def draw_wait(policy: RetryPolicy, retry: int, error: BaseException | None) -> float:
    """Return a random wait in seconds, never shorter than the error's ``retry_after``.

    At first the source is believed: it knows better than a minimum of ours when it answers again.
    """
    if _testing:
        return 0.0
    shortest, longest = wait_bounds(policy, retry)
    asked = (error.retry_after if isinstance(error, TransientError) else None) or 0.0
    # Jitter on top of Retry-After too: all who were told the same would come back at once.
    if asked and retry == 1:
        return asked + random.uniform(0.0, min(longest - shortest, asked / 8))
    return max(shortest, asked) + random.uniform(0.0, longest - shortest)


def longest_waits(policy: RetryPolicy) -> float:
    """Return the sum in seconds of the longest waits of one call."""
    return sum(wait_bounds(policy, retry)[1] for retry in range(1, policy.max_retries + 1))


class RetryBudget:
    """A bucket of retry tokens per source, so that retries do not multiply an outage.

    Each retry takes one. A retry that succeeded gives its token back, a call that succeeded at
    once a fraction of one; retries in vain are not given back. (The scheme and the numbers of the
    AWS SDKs: 500 tokens at 5 a retry.)
    """

    def __init__(self, capacity: float = 100.0, earned: float = 0.2) -> None:
        self.tokens = capacity
        self._capacity = capacity
        self._earned = earned

    def take(self) -> bool:
        """Take the token for a retry; False when there is none."""
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True

    def succeeded(self, *, retried: bool) -> None:
        """Give back for a call that succeeded."""
        self.tokens = min(self._capacity, self.tokens + (1.0 if retried else self._earned))


class Retries:
    """The attempts of one call.

    Parameters
    ----------
    policy : how often and how fast.
    deadline : a wait that would outlast it is not begun; failures are recorded in it.
    budget : the source's retry tokens.
    veto : given the wait in seconds, says why a retry would be useless, or "".
    on_retry : told the error and the wait before each wait; what it raises is logged.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        deadline: Deadline,
        budget: RetryBudget,
        veto: Callable[[float], str],
        on_retry: Callable[[BaseException, float], None],
    ) -> None:
        self._policy = policy
        self._deadline = deadline
        self._budget = budget
        self._veto = veto
        self._on_retry = on_retry

    async def run(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Await ``attempt()`` until it succeeds or trying again is no use.

        Raises the error of the last attempt, with a note of how many there were.
        """
        try:
            result = await attempt()
        except Exception as error:
            if not is_transient(error):
                raise
            first = error
        else:
            self._budget.succeeded(retried=False)
            return result
        try:
            result = await self._run_again(attempt, first)
        finally:
            del first  # its traceback holds this frame
        self._budget.succeeded(retried=True)
        return result

    async def _run_again(self, attempt: Callable[[], Awaitable[T]], first: Exception) -> T:
        number = 0

        async def numbered() -> T:
            nonlocal number
            number += 1
            if number == 1:
                raise first  # tenacity sees the first attempt as if it had made it
            try:
                return await attempt()
            except Exception as error:
                if not is_transient(error):
                    error.add_note(f"at attempt {number}")
                raise

        return await self._retrying()(numbered)

    def _retrying(self) -> AsyncRetrying:
        return AsyncRetrying(
            retry=retry_if_exception(is_transient),
            wait=lambda state: draw_wait(self._policy, state.attempt_number, _error_of(state)),
            stop=self._stop,
            before_sleep=self._tell,
            reraise=True,
        )

    def _stop(self, state: RetryCallState) -> bool:
        error = _error_of(state)
        self._deadline.last_error = error
        reason = self._reason_to_stop(state.attempt_number, state.upcoming_sleep)
        if reason is None:
            return False
        plural = "" if state.attempt_number == 1 else "s"
        error.add_note(f"gave up after {state.attempt_number} attempt{plural}{reason}")
        return True

    def _reason_to_stop(self, attempts: int, wait: float) -> str | None:
        if attempts > self._policy.max_retries:
            return ""
        remaining = self._deadline.remaining()
        if remaining is not None and wait >= remaining:
            return f": the next could begin in {wait:.1f} s, and {remaining:.1f} s are left"
        veto = self._veto(wait)
        if veto:
            return f": {veto}"
        if not self._budget.take():
            return ": the source's retry budget is used up; it fills as calls succeed"
        return None

    def _tell(self, state: RetryCallState) -> None:
        try:
            self._on_retry(_error_of(state), state.upcoming_sleep)
        except Exception:
            _logger.exception("the listener of retries failed")


def _error_of(state: RetryCallState) -> BaseException:
    error = state.outcome.exception() if state.outcome is not None else None
    assert error is not None  # tenacity asks only after a failure
    return error
