"""The load budget of a call."""

from __future__ import annotations

import pytest

from greenlang_data.errors import LoadBudgetExceeded
from greenlang_data.resilience import LoadBudget


def test_load_budget() -> None:
    budget = LoadBudget(1000, source="plant1")
    budget.check_plan(1000)
    budget.check_plan(None)
    with pytest.raises(LoadBudgetExceeded, match=r"plant1: .*86,400.*1,000\. Narrow the window"):
        budget.check_plan(86_400)
    budget.count(600)
    budget.count(400)
    with pytest.raises(LoadBudgetExceeded, match=r"plant1: 1,001 points have arrived.*raise max_p"):
        budget.count(1)
    LoadBudget(None).check_plan(10**12)
    LoadBudget(None).count(10**12)
