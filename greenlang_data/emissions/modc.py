"""Method of determination codes: 40 CFR 75.57, Table 4a."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from greenlang_data.errors import QueryError
from greenlang_data.settings.modc import MODC_TABLE, ModcTable

AVAILABILITY: Final = MappingProxyType({
    "06": (90.0, None),
    "08": (95.0, None),
    "09": (90.0, 95.0),
    "10": (80.0, 90.0),
    "11": (90.0, None),
})  # fmt: skip
"""Percent availability from, and below, which a code may be used: EPA's check HOURMHV9."""


def quality_flag(codes: Any, *, modc: ModcTable = MODC_TABLE) -> pd.Series[str]:
    """The quality flag of each code; ``unknown`` for a null or a code that is not in the table.

    ``modc`` is that of a :class:`~greenlang_data.emissions.Rules` of one's own.

    >>> quality_flag(["01", "08", None]).tolist()
    ['measured', 'substituted:percentile_90', 'unknown']
    """
    column = codes_of(codes)
    return column.map(dict(modc.flags)).fillna("unknown").astype("str")


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
