"""The basis of a frame's numbers, from the proof that it carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from greenlang_data.emissions.basis import Basis
from greenlang_data.errors import QueryError

if TYPE_CHECKING:
    import pandas as pd

# UCUM's spelling of units that the equations name as the rules do.
_AS_IN_THE_RULES: Final = {
    "[ppm]": "ppm",
    "[ppb]": "ppb",
    "mg/{Nm3}": "mg/Nm3",
}


def basis_of(frame: pd.DataFrame, pollutant: str) -> Basis:
    """Unit, wet or dry, and reference oxygen of ``pollutant`` in a ``cems`` frame, long or wide.

    It comes from ``frame.attrs["provenance"]``, where the source's configuration or report put it.
    Give it to the equations::

        nox = gd.emissions.basis_of(wide, "NOx")
        gd.emissions.emission_rate(wide["NOx"], wide["O2"], pollutant="NOx", unit=nox.unit,
                                   concentration_basis=nox.moisture, ...)

    Raises QueryError when it is not known, or a frame has the pollutant in two units.
    """
    record = frame.attrs.get("provenance", {})
    found = record.get("metadata", {}).get("basis", {}).get(pollutant)
    if found is None or found.get("moisture") is None:
        raise QueryError(
            f"whether {pollutant} is wet or dry is not known of this frame",
            remedy="Say so in the source's configuration, and read it again.",
        )
    unit = _unit(frame, record, pollutant)
    return Basis(_AS_IN_THE_RULES.get(unit, unit), found["moisture"], found["reference_oxygen"])


def _unit(frame: pd.DataFrame, record: Mapping[str, Any], pollutant: str) -> str:
    if "pollutant" in frame.columns and "unit" in frame.columns:
        units = set(frame.loc[frame["pollutant"] == pollutant, "unit"].dropna())
    else:
        units = {record.get("units", {}).get(pollutant)} - {None}
    if len(units) != 1:
        raise QueryError(
            f"the unit of {pollutant} is not known"
            if not units
            else f"{pollutant} is in {' and in '.join(sorted(map(str, units)))}",
            remedy="Read it in one unit.",
        )
    return str(units.pop())
