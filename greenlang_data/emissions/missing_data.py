"""What stands for one missing hour: 40 CFR 75.31 and 75.33, Tables 1 and 2."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal

from greenlang_data.emissions.arrays import exact, rounded_decimal
from greenlang_data.emissions.lookback import LookBack

MOST_LOOK_BACK: Final = MappingProxyType({False: 720, True: 2160})


@dataclass(frozen=True)
class Parameter:
    """A kind of data, as the rules tell kinds apart.

    ``load_based``: the look-back is 2,160 quality-assured hours by load bin and not 720 hours.
    ``conservative``: whether a high value or a low one (oxygen, some moistures) is the safe side.
    ``decimals``: how its hourly values are reported; -3 is to the next thousand.
    """

    load_based: bool
    conservative: Literal["high", "low"]
    decimals: int

    @property
    def look_back(self) -> int:
        """Quality-assured hours of the look-back, and of the initial period."""
        return MOST_LOOK_BACK[self.load_based]


PARAMETERS: Final = MappingProxyType({
    "SO2": Parameter(load_based=False, conservative="high", decimals=1),
    "CO2": Parameter(load_based=False, conservative="high", decimals=1),
    "O2": Parameter(load_based=False, conservative="low", decimals=1),
    "H2O_low": Parameter(load_based=False, conservative="low", decimals=1),
    "H2O_high": Parameter(load_based=False, conservative="high", decimals=1),
    "NOx": Parameter(load_based=True, conservative="high", decimals=1),
    "NOx_rate": Parameter(load_based=True, conservative="high", decimals=3),
    "flow": Parameter(load_based=True, conservative="high", decimals=-3),
})  # fmt: skip
"""By name. Moisture is two: whether less or more of it is the safe side depends on the equation."""


@dataclass(frozen=True)
class Tier:
    """One row of Tables 1 and 2: from this availability on."""

    availability: float
    longest: int | None
    percent: int
    modc: str
    paragraph: int


TIERS: Final = (
    Tier(95.0, 24, 90, "08", 1),
    Tier(90.0, 8, 95, "09", 2),
    Tier(80.0, None, 100, "10", 3),
)
"""Below the last one, the maximum potential value (MODC 12, paragraph 4)."""


@dataclass(frozen=True)
class Substitute:
    """What stands for an hour, and why. ``value`` is NaN when nothing may stand for it yet."""

    value: float
    modc: str | None
    method: str
    rule: str
    percentile: int | None = None
    percentile_value: float = float("nan")
    load_bin: int | None = None


@dataclass(frozen=True)
class Around:
    """A gap as the rules see it; ``before`` and ``after`` are values, None where there is none.

    ``look_back_whole``: the rows reach as far back as the rule does.
    """

    parameter: Parameter
    hours: int
    before: float | None
    after: float | None
    look_back: LookBack
    look_back_whole: bool
    maximum_potential: float


UNKNOWN_HISTORY: Final = Substitute(
    float("nan"), None, "insufficient_history", "the rows do not reach far enough back"
)
OPEN: Final = Substitute(float("nan"), None, "open_gap", "the gap has no hour after yet")
UNKNOWN_BIN: Final = Substitute(float("nan"), None, "unknown_load_bin", "the load is not known")


def initial(around: Around, load_bin: int | None) -> Substitute:
    """75.31: during the first 720 or 2,160 quality-assured hours."""
    if not around.parameter.load_based:
        if around.before is None:
            return _maximum_potential(around, "75.31(b)(2)")
        if around.after is None:
            return OPEN
        return Substitute(_mean_around(around), "07", "hour_before_hour_after", "75.31(b)(1)")
    if load_bin is None:
        return UNKNOWN_BIN
    found = around.look_back.bin_for(load_bin)
    if found is None:
        return _maximum_potential(around, "75.31(c)(3)")
    mean = around.look_back.mean(found, around.parameter.decimals)
    rule = "75.31(c)(1)" if found == load_bin else "75.31(c)(2)"
    return Substitute(mean, "07", "load_bin_average", rule, load_bin=found)


def standard(around: Around, load_bin: int | None, availability: float) -> Substitute:
    """75.33: afterwards, by the percent availability of the hour."""
    letter = "c" if around.parameter.load_based else "b"
    tier = next((one for one in TIERS if availability >= one.availability), None)
    if tier is None:
        return _maximum_potential(around, f"75.33({letter})(4)")
    rule = f"75.33({letter})({tier.paragraph})"
    if tier.longest is None:
        return _extreme(around, load_bin, tier, rule)
    if around.after is None:
        return OPEN  # it may still grow past the longest
    if around.hours > tier.longest:
        return _extreme(around, load_bin, tier, f"{rule}(ii)")
    if around.parameter.load_based:
        return _load_bin_average(around, load_bin, f"{rule}(i)")
    if around.before is None:
        return _maximum_potential(around, "75.31(b)(2)")
    return Substitute(_mean_around(around), "06", "hour_before_hour_after", f"{rule}(i)")


def _load_bin_average(around: Around, load_bin: int | None, rule: str) -> Substitute:
    found = _found_bin(around, load_bin)
    if isinstance(found, Substitute):
        return found
    mean = around.look_back.mean(found, around.parameter.decimals)
    return Substitute(mean, "11", "load_bin_average", rule, load_bin=found)


def _extreme(around: Around, load_bin: int | None, tier: Tier, rule: str) -> Substitute:
    """The percentile or the mean around the gap, whichever is on the safe side; or the maximum."""
    found = _found_bin(around, load_bin)
    if isinstance(found, Substitute):
        return found
    high = around.parameter.conservative == "high"
    percent = tier.percent if high else 100 - tier.percent
    value = (
        around.look_back.percentile(found, percent) if percent else around.look_back.minimum(found)
    )
    shown = found if around.parameter.load_based else None
    if tier.longest is None:
        method = "maximum" if high else "minimum"
        return Substitute(value, tier.modc, method, rule, None, value, shown)
    if around.before is not None:
        mean = _mean_around(around)
        if mean > value if high else mean < value:
            method = "hour_before_hour_after"
            return Substitute(mean, tier.modc, method, rule, percent, value, shown)
    return Substitute(value, tier.modc, f"percentile_{percent}", rule, percent, value, shown)


def _found_bin(around: Around, load_bin: int | None) -> int | Substitute:
    if not around.look_back_whole:
        return UNKNOWN_HISTORY
    if around.parameter.load_based and load_bin is None:
        return UNKNOWN_BIN
    found = around.look_back.bin_for(load_bin or 0)
    if found is None:
        load_based = around.parameter.load_based
        return _maximum_potential(around, "75.31(c)(3)" if load_based else "75.31(b)(2)")
    return found


def _maximum_potential(around: Around, rule: str) -> Substitute:
    return Substitute(around.maximum_potential, "12", "maximum_potential", rule)


def _mean_around(around: Around) -> float:
    if around.before is None or around.after is None:  # every caller has looked
        raise AssertionError
    total: Decimal = exact(around.before) + exact(around.after)
    return rounded_decimal(total / 2, around.parameter.decimals)
