"""Method of determination codes: 40 CFR 75.57, Table 4a. Codes 10 to 55 were partly not re-read."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

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
