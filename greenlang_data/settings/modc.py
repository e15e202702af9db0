"""Method of determination codes: 40 CFR 75.57, Table 4a. Codes 10 to 55 were partly not re-read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from greenlang_data.nearest import nearest_or_all

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

_CODE: Final = re.compile(r"[0-9]{2}")
_KINDS: Final = ("measured:", "substituted:", "default:")


class ModcEntry(BaseModel):
    """What a code means at a site: the quality flag of its hours, and as what they count.

    ``flag`` is one of those of the table, or a new one that begins with ``measured:``,
    ``substituted:`` or ``default:``. ``counts_as``: ``quality_assured`` for availability and
    look-back too, ``measured`` for not missing alone, ``substituted`` for missing, ``unknown`` for
    neither.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    flag: str
    counts_as: Literal["quality_assured", "measured", "substituted", "unknown"]


def _checked(entries: dict[str, ModcEntry]) -> dict[str, ModcEntry]:
    for code, entry in entries.items():
        if not _CODE.fullmatch(code):
            raise ValueError(
                f"{code!r} is no code of two digits; {nearest_or_all(code.zfill(2), MODC)}"
            )
        flags = {*MODC.values(), "unknown"}
        if entry.flag not in flags and not entry.flag.startswith(_KINDS):
            raise ValueError(
                f"{code}.flag: {entry.flag!r} is no quality flag; {nearest_or_all(entry.flag, flags)}"
            )
        is_substitute = entry.flag.startswith("substituted")
        if is_substitute and entry.counts_as not in ("substituted", "unknown"):
            raise ValueError(f"{code} is {entry.flag!r} and cannot count as {entry.counts_as}")
    return entries


ModcEntries = Annotated[dict[str, ModcEntry], AfterValidator(_checked)]
"""Codes in place of those of the table, or beside them."""


@dataclass(frozen=True)
class ModcTable:
    """The quality flag of each code, and what its hours count as."""

    flags: Mapping[str, str]
    measured: frozenset[str]
    quality_assured: frozenset[str]
    substituted: frozenset[str]

    def but(self, entries: Mapping[str, ModcEntry]) -> ModcTable:
        """The same with ``entries`` in place of its own."""
        own = {code: entry.counts_as for code, entry in entries.items()}

        def counted(codes: frozenset[str], *kinds: str) -> frozenset[str]:
            return codes - own.keys() | {code for code, kind in own.items() if kind in kinds}

        return ModcTable(
            MappingProxyType({**self.flags, **{code: one.flag for code, one in entries.items()}}),
            counted(self.measured, "measured", "quality_assured"),
            counted(self.quality_assured, "quality_assured"),
            counted(self.substituted, "substituted"),
        )


MODC_TABLE: Final = ModcTable(MODC, MEASURED, QUALITY_ASSURED, SUBSTITUTED)
