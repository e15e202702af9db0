"""40 CFR 75.31 to 75.33 hour by hour, in plain Python and from the text of the rules.

Shares nothing with the package. A row is ``(operated, modc, value, load_bin)``, the first one the
hour of certification.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

Row = tuple[bool, str | None, float | None, int | None]
GOOD = {"01", "02", "04", "16", "17", "19", "20", "21", "22", "53"}
SEEN = GOOD | {"03", "54"}


def rounded(number: Fraction, decimals: int) -> float:
    value = Decimal(number.numerator) / Decimal(number.denominator)
    return float(value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))


def mean(values: list[float], decimals: int) -> float:
    return rounded(sum(Fraction(repr(one)) for one in values) / len(values), decimals)


def is_seen(row: Row, codes: set[str] = SEEN) -> bool:
    return row[0] and row[1] in codes and row[2] is not None


def availability(rows: list[Row], hour: int) -> float:
    """75.32: equation 8, and 9 after 8,760 operating hours; never beyond 26,280 clock hours."""
    operated = good = 0
    for back in range(26280):
        if hour - back < 0 or operated == 8760:
            break
        row = rows[hour - back]
        operated += row[0]
        good += is_seen(row, GOOD)
    return rounded(Fraction(100 * good, operated), 1)


def ordered(values: list[float], percent: int) -> float:
    """72.2: the smallest value with at least so many percent of the values at or below it."""
    for value in sorted(set(values)):
        if 100 * sum(one <= value for one in values) >= percent * len(values):
            return value
    raise AssertionError


def fill(  # noqa: C901  (one branch per paragraph of the rule, in its order)
    rows: list[Row], hour: int, *, load_based: bool, low: bool, decimals: int, extreme: float
) -> tuple[float | None, str | None]:
    """The value and MODC of one missing operating hour; None, None while it cannot be told."""
    before = hour - 1
    while before >= 0 and not is_seen(rows[before]):
        before -= 1
    after = hour + 1
    while after < len(rows) and not is_seen(rows[after]):
        after += 1
    first = next(one for one in range(before + 1, hour + 1) if rows[one][0])
    length = sum(rows[one][0] for one in range(before + 1, after))
    hb = rows[before][2] if before >= 0 else None
    ha = rows[after][2] if after < len(rows) else None
    around = None if hb is None or ha is None else mean([hb, ha], decimals)

    limit = 2160 if load_based else 720
    prior = [one for one in range(first) if is_seen(rows[one], GOOD)]
    young = len(prior) < limit and hour < 26280
    look = [one for one in prior[-limit:] if one >= first - 26280]
    load = rows[hour][3]
    if load_based:
        bins = sorted(bin_of for one in look if (bin_of := rows[one][3]) is not None)
        higher = [one for one in bins if load is not None and one >= load]
        look = [one for one in look if higher and rows[one][3] == higher[0]]
    pick = [value for one in look if (value := rows[one][2]) is not None]

    if young and load_based:
        if load is None:
            return None, None
        return (mean(pick, decimals), "07") if pick else (extreme, "12")
    if young:
        if hb is None:
            return extreme, "12"
        return (None, None) if ha is None else (around, "07")

    percent = availability(rows, hour)
    if percent < 80:
        return extreme, "12"
    if percent < 90:
        return _worst(pick, load, load_based, low, extreme)
    if ha is None:
        return None, None
    longest, rank, code = (24, 90, "08") if percent >= 95 else (8, 95, "09")
    if length <= longest and not load_based:
        return (extreme, "12") if hb is None else (around, "06")
    if load_based and load is None:
        return None, None
    if not pick:
        return extreme, "12"
    if length <= longest:
        return mean(pick, decimals), "11"
    edge = ordered(pick, 100 - rank if low else rank)
    choices: Any = [edge] if around is None else [edge, around]
    return (min(choices) if low else max(choices)), code


def _worst(
    pick: list[float], load: int | None, load_based: bool, low: bool, extreme: float
) -> tuple[float | None, str | None]:
    if load_based and load is None:
        return None, None
    if not pick:
        return extreme, "12"
    return (min(pick) if low else max(pick)), "10"
