"""The planner finds the fewest requests, and every value whole in one of them."""

from __future__ import annotations

from itertools import combinations
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_data.drivers.modbus.plan import Barrier, Block, Limits, Span, plan_blocks
from greenlang_data.settings.register import Table

AREA: tuple[int, Table] = (1, "holding")


def holding(address: int, quantity: int) -> Span:
    return Span(*AREA, address, quantity)


spans = st.lists(
    st.builds(holding, st.integers(0, 24), st.integers(1, 4)), min_size=1, max_size=7, unique=True
)
barriers = st.lists(
    st.builds(lambda low, width: (low, low + width), st.integers(0, 24), st.integers(1, 3)),
    max_size=3,
)


def allowed(
    low: int, high: int, wanted: list[Span], limits: Limits, refused: list[Barrier]
) -> bool:
    """Whether ``[low, high)`` may be asked for, straight from the three rules."""
    if any((one.address, one.end) == (low, high) for one in wanted):
        return True  # a value alone is always asked for, or it would never be read
    needed = {at for one in wanted for at in range(one.address, one.end)}
    run = longest = 0
    for at in range(low, high):
        run = 0 if at in needed else run + 1
        longest = max(longest, run)
    whole = any(low <= first and last <= high for first, last in refused)
    return high - low <= limits.registers and longest <= limits.gap and not whole


def fewest(wanted: list[Span], limits: Limits, refused: list[Barrier]) -> int:
    """The size of the smallest plan, by trying them all."""
    ends = {(a.address, b.end) for a in wanted for b in wanted if a.address < b.end}
    covers = {
        frozenset(one for one in wanted if low <= one.address and one.end <= high)
        for low, high in ends
        if allowed(low, high, wanted, limits, refused)
    }
    for size in range(1, len(wanted) + 1):
        for plan in combinations(covers, size):
            if len(frozenset().union(*plan)) == len(wanted):
                return size
    raise AssertionError("no plan covers everything")


@settings(max_examples=600)
@given(spans, st.integers(4, 12), st.integers(0, 6), barriers)
def test_no_plan_is_smaller(
    wanted: list[Span], largest: int, gap: int, refused: list[Barrier]
) -> None:
    limits = Limits(largest, gap)
    blocks = plan_blocks(wanted, limits, {AREA: refused})
    assert len(blocks) == fewest(wanted, limits, refused)
    check_whole(wanted, blocks)
    for block in blocks:
        assert allowed(block.span.address, block.span.end, wanted, limits, refused)


def check_whole(wanted: list[Span], blocks: list[Block]) -> None:
    members = [member for block in blocks for member in block.members]
    assert sorted(members) == sorted(wanted)
    for block in blocks:
        assert block.span.address == min(one.address for one in block.members)
        assert block.span.end == max(one.end for one in block.members)


def test_five_thousand_floats_take_81_requests() -> None:
    wanted = [holding(2 * index, 2) for index in range(5000)]
    started = perf_counter()
    blocks = plan_blocks(wanted, Limits(), {})
    assert perf_counter() - started < 2
    assert len(blocks) == 81
    assert max(block.span.quantity for block in blocks) == 124


def test_scattered_values_are_planned_quickly() -> None:
    wanted = [holding(13 * index, 2) for index in range(5000)]
    refused = [(13 * index + 5, 13 * index + 6) for index in range(0, 5000, 2)]
    started = perf_counter()
    assert len(plan_blocks(wanted, Limits(gap=0), {AREA: refused})) == 5000
    assert perf_counter() - started < 2


def test_bit_tables_take_2000_in_a_request() -> None:
    wanted = [Span(1, "coil", address, 1) for address in range(4001)]
    sizes = [block.span.quantity for block in plan_blocks(wanted, Limits(), {})]
    assert sizes == [2000, 2000, 1]


def test_units_and_tables_are_never_joined() -> None:
    wanted = [Span(unit, "input", 0, 1) for unit in (1, 2)] + [holding(0, 1)]
    assert len(plan_blocks(wanted, Limits(), {})) == 3


def test_a_gap_is_bridged_up_to_the_limit_only() -> None:
    wanted = [holding(0, 1), holding(11, 1)]
    assert len(plan_blocks(wanted, Limits(gap=10), {})) == 1
    assert len(plan_blocks(wanted, Limits(gap=9), {})) == 2


def test_a_value_larger_than_a_block_is_an_error() -> None:
    with pytest.raises(ValueError, match="holding 7-8 does not fit"):
        plan_blocks([holding(7, 2)], Limits(registers=1), {})
