"""Method of determination codes: 40 CFR 75.57, Table 4a."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from greenlang_data.errors import QueryError

MODC: Final = MappingProxyType({
    "01": "measured",
    "02": "measured_backup",
    "03": "measured_alternative",
    "04": "measured_reference_method",
    "05": "substituted:parametric",
    "06": "substituted:hour_before_hour_after",
    "07": "substituted:initial",
    "08": "substituted:percentile_90",
    "09": "substituted:percentile_95",
    "10": "substituted:maximum",
    "11": "substituted:load_bin_average",
    "12": "substituted:maximum_potential",
    "13": "substituted:maximum_controlled",
    "14": "default:diluent_cap",
    "15": "substituted:maximum_125_percent",
    "16": "default:so2",
    "17": "measured_like_kind",
    "19": "over_range",
    "20": "over_range",
    "21": "measured:negative_as_zero",
    "22": "measured_inlet",
    "53": "measured:petition",
    "54": "measured:petition",
    "55": "substituted:petition",
})  # fmt: skip
"""Quality flag by code; what is not here is unknown."""

MEASURED: Final = frozenset(
    ("01", "02", "03", "04", "16", "17", "19", "20", "21", "22", "53", "54")
)
"""Hours that are not missing, and may be the hour before or after a gap."""

QUALITY_ASSURED: Final = frozenset(("01", "02", "04", "16", "17", "19", "20", "21", "22", "53"))
"""Hours that count for monitor availability and look-back."""

SUBSTITUTED: Final = frozenset(("05", "06", "07", "08", "09", "10", "11", "12", "13", "15", "55"))
"""Hours whose value stands for a missing one."""

AVAILABILITY: Final = MappingProxyType({
    "06": (90.0, None),
    "08": (95.0, None),
    "09": (90.0, 95.0),
    "10": (80.0, 90.0),
    "11": (90.0, None),
})  # fmt: skip
"""Percent availability from, and below, which a code may be used: EPA's check HOURMHV9."""


def quality_flag(codes: Any) -> pd.Series[str]:
    """The quality flag of each code; ``unknown`` for a null or a code that is not in the table.

    >>> quality_flag(["01", "08", None]).tolist()
    ['measured', 'substituted:percentile_90', 'unknown']
    """
    column = codes_of(codes)
    return column.map(dict(MODC)).fillna("unknown").astype("str")


def consistent(codes: Any, availability: Any) -> npt.NDArray[np.bool_]:
    """Whether each code may stand beside its percent availability, as EPA's check HOURMHV9.

    A code without bounds is consistent; one with bounds is not when the availability is null.

    >>> consistent(["08", "08", "01"], [95.0, 94.9, None]).tolist()
    [True, False, True]
    """
    column = codes_of(codes)
    percent = pd.Series(availability, dtype="float64").to_numpy()
    lowest = column.map({code: low for code, (low, _) in AVAILABILITY.items()})
    below = column.map({code: high for code, (_, high) in AVAILABILITY.items() if high})
    lowest_number, below_number = lowest.to_numpy(float), below.to_numpy(float)
    with np.errstate(invalid="ignore"):
        inside = (percent >= lowest_number) & (np.isnan(below_number) | (percent < below_number))
    return np.isnan(lowest_number) | inside


def codes_of(codes: Any) -> pd.Series[str]:
    """Codes as text of two digits, null staying null. Raises QueryError for what is no text.

    A number is refused: 1 could be MODC 01 or a column that was read as the wrong one.
    """
    column = codes if isinstance(codes, pd.Series) else pd.Series(codes, dtype=object)
    if not all(isinstance(code, str) for code in column.dropna().unique()):
        raise QueryError(
            "method of determination codes are texts such as '01', and some are not",
            remedy="Read the column as text.",
        )
    return column
