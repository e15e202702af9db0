"""A circuit breaker for coroutines, with pybreaker as its state machine.

pybreaker cannot be awaited inside: it counts a coroutine object as a success, or holds its lock
across the await, admits any number of half-open trials and takes a cancellation for a failure or a
success. So the call is awaited outside, and only its outcome is told to pybreaker, afterwards.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pybreaker

from greenlang_data.errors import (
    AuthenticationError,
    CircuitOpenError,
    ConfigurationError,
    DeadlineExceeded,
    QueryError,
    ReadFailed,
    SessionClosedError,
)

T = TypeVar("T")

# The source answered, so it is up; the answer was no.
_ANSWERS = (QueryError, ConfigurationError, AuthenticationError, ReadFailed)
# Raised on our side of the wire: they say nothing about the source, as a cancellation does not.
_SILENT = (CircuitOpenError, DeadlineExceeded, SessionClosedError)

_logger = logging.getLogger(__name__)


class _ReportedError(Exception):
    """Told to pybreaker in place of the real error, whose traceback it would lengthen."""


def _succeed() -> None:
    """Stand for a call that succeeded."""


def _fail() -> None:
    """Stand for a call that failed."""
    raise _ReportedError


class _EpochListener(pybreaker.CircuitBreakerListener):
    """Starts a new epoch at every change of state."""

    def __init__(self) -> None:
        self.epoch = 0

    def state_change(
        self,
        cb: pybreaker.CircuitBreaker,
        old_state: pybreaker.CircuitBreakerState | None,
        new_state: pybreaker.CircuitBreakerState,
    ) -> None:
        """Count the change, so that results of calls begun before it can be told apart."""
        self.epoch += 1


class Breaker:
    """Leaves a source alone after ``threshold`` failures in a row, for ``recovery_seconds``.

    Then one call is let through as a trial: it closes the circuit or opens it again. Every
    ``Exception`` is a failure, but for business errors (a query, configuration, login or tag that
    was refused, and the classes in ``neutral``): those neither count nor reset the count, and as
    a trial they close the circuit, because the source answered. A cancelled trial re-opens the
    circuit without extending it, so the next caller becomes the trial.

    Use it on one event loop at a time; it holds no lock.

    Parameters
    ----------
    name : the source, for messages.
    threshold : consecutive failures that open the circuit.
    recovery_seconds : seconds from opening to the trial.
    on_open : called each time the circuit opens; what it raises is logged, never passed on.
    neutral : further business error classes.
    """

    def __init__(
        self,
        name: str,
        threshold: int,
        recovery_seconds: float,
        on_open: Callable[[], None] | None = None,
        neutral: tuple[type[Exception], ...] = (),
    ) -> None:
        self.name = name
        self.opens = 0
        """How many times the circuit has opened, failed trials included."""
        self._on_open = on_open
        self._answers: tuple[type[Exception], ...] = (*_ANSWERS, *neutral)
        self._opened_at = 0.0
        self._changes = _EpochListener()
        self._machine = pybreaker.CircuitBreaker(
            fail_max=threshold,
            reset_timeout=recovery_seconds,
            listeners=[self._changes],
            name=name,
            throw_new_error_on_trip=False,
        )

    @property
    def current_state(self) -> str:
        """Return ``"closed"``, ``"open"`` or ``"half-open"`` (a trial is under way)."""
        return self._machine.current_state

    @property
    def fail_counter(self) -> int:
        """Return the number of failures in a row."""
        return self._machine.fail_counter

    @property
    def fail_max(self) -> int:
        """Return how many failures in a row open the circuit; may be assigned."""
        return self._machine.fail_max

    @fail_max.setter
    def fail_max(self, failures: int) -> None:
        self._machine.fail_max = failures

    @property
    def reset_timeout(self) -> float:
        """Return the seconds from opening to the trial; may be assigned."""
        return self._machine.reset_timeout

    @reset_timeout.setter
    def reset_timeout(self, seconds: float) -> None:
        self._machine.reset_timeout = seconds

    @property
    def retry_in(self) -> float:
        """Return the seconds until a trial is let through, 0 when the circuit is not open."""
        if self.current_state != pybreaker.STATE_OPEN:
            return 0.0
        # Our own clock: pybreaker's is the wall clock, which may be set back.
        return max(0.0, self._opened_at + self.reset_timeout - time.monotonic())

    async def call(self, fn: Callable[[], Awaitable[T]]) -> T:
        """Await ``fn()`` and count how it ended. Its own error is raised, also when it trips.

        Raises
        ------
        CircuitOpenError : the circuit is open, or half-open with its trial under way.
        """
        epoch = self._admit()
        try:
            result = await fn()
        except _SILENT:
            self._withdraw(epoch)
            raise
        except self._answers:
            if self.current_state == pybreaker.STATE_HALF_OPEN:
                self._report(epoch, _succeed)
            raise
        except Exception:
            self._report(epoch, _fail)
            raise
        except BaseException:
            self._withdraw(epoch)
            raise
        self._report(epoch, _succeed)
        return result

    def _admit(self) -> int:
        """Return the epoch the call belongs to, or refuse it."""
        state = self.current_state
        if state == pybreaker.STATE_HALF_OPEN:
            raise self._refusal("a trial call is under way after repeated failures")
        if state == pybreaker.STATE_OPEN:
            if self.retry_in > 0:
                raise self._refusal(f"left alone after {self.fail_counter} failures in a row")
            self._machine.half_open()
        return self._changes.epoch

    def _refusal(self, what: str) -> CircuitOpenError:
        wait = self.retry_in
        when = f"in {wait:.1f} s" if wait else "when the trial is over"
        return CircuitOpenError(
            f"the circuit is open: {what}",
            source=self.name,
            remedy=f"Try again {when}, and check that the source is up.",
            retry_in=wait,
        )

    def _report(self, epoch: int, outcome: Callable[[], None]) -> None:
        """Tell the state machine, unless the call began in an earlier state."""
        if epoch != self._changes.epoch:
            return
        with contextlib.suppress(_ReportedError):
            self._machine.call(outcome)
        if self.current_state == pybreaker.STATE_OPEN:
            self._opened_at = time.monotonic()
            self.opens += 1
            self._tell_opened()

    def _withdraw(self, epoch: int) -> None:
        """Undo the admission: a trial that proved nothing leaves its place to the next call."""
        if epoch == self._changes.epoch and self.current_state == pybreaker.STATE_HALF_OPEN:
            self._machine.open()

    def _tell_opened(self) -> None:
        if self._on_open is None:
            return
        try:
            self._on_open()
        except Exception:
            _logger.exception("%s: the listener of the circuit breaker failed", self.name)
