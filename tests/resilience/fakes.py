"""A policy, a listener and scripted attempts for the pipeline's tests."""

from __future__ import annotations

from dataclasses import dataclass, field

from greenlang_data.resilience import Pipeline


@dataclass
class FakePolicy:
    """A `Policy` with waits short enough for tests."""

    timeout_seconds: float = 5.0
    total_timeout_seconds: float | None = None
    max_retries: int = 3
    retry_multiplier: float = 0.001
    retry_min_wait: float = 0.0
    retry_max_wait: float = 0.01
    circuit_breaker_enabled: bool = True
    circuit_breaker_threshold: int = 5
    circuit_breaker_timeout: float = 60.0
    connection_pool_size: int = 5
    max_requests_per_second: float | None = None
    max_points: int | None = None


@dataclass
class Recorder:
    """`PipelineEvents` that keep what they are told."""

    retries: list[tuple[str, float]] = field(default_factory=list)
    opened: int = 0

    def retrying(self, error: BaseException, wait: float) -> None:
        """Keep the error and the wait."""
        self.retries.append((type(error).__name__, wait))

    def circuit_opened(self) -> None:
        """Count it."""
        self.opened += 1


class Script:
    """An attempt that fails as often as it has errors, then answers."""

    def __init__(self, *errors: BaseException, answer: str = "answer") -> None:
        self.errors = list(errors)
        self.answer = answer
        self.calls = 0

    async def __call__(self) -> str:
        """Raise the next error, or answer."""
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.answer


def make_pipeline(**changes: object) -> tuple[Pipeline, FakePolicy, Recorder]:
    """Return a pipeline with its policy and listener."""
    policy, events = FakePolicy(), Recorder()
    for name, value in changes.items():
        setattr(policy, name, value)
    return Pipeline("plant1", policy, events), policy, events
