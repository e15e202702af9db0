"""The rings around one call to a source: budget, deadline, retry, breaker, limits, timeout.

Nothing here knows drivers or data; `Pipeline` puts the rings in order, outside to inside.
"""

from __future__ import annotations

from greenlang_data.resilience.breaker import Breaker
from greenlang_data.resilience.deadline import Deadline
from greenlang_data.resilience.limits import LoadBudget
from greenlang_data.resilience.pipeline import Pipeline, PipelineEvents, Policy
from greenlang_data.resilience.retry import RetryBudget, RetryPolicy, set_testing

__all__ = [
    "Breaker",
    "Deadline",
    "LoadBudget",
    "Pipeline",
    "PipelineEvents",
    "Policy",
    "RetryBudget",
    "RetryPolicy",
    "set_testing",
]
