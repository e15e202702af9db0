"""Units in configurations: UCUM, checked, so that a typing error is no unit of its own.

The Unified Code for Units of Measure (https://ucum.org/ucum, case sensitive). Anything else is
written in braces, as UCUM's annotations are: ``{Nm3}/h``.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from greenlang_data.nearest import did_you_mean

# Atoms that take a prefix, those that take none, and the prefixes: the part of UCUM's tables that
# plants and ledgers use.
_METRIC: Final = frozenset(
    "m g s A K mol cd rad sr Hz N Pa J W V Ohm S F C H Wb T lm lx Bq Gy Sv kat Cel L l t bar eV u "
    "g% m[H2O] m[Hg] cal cal_IT cal_th tex B Np VA".split()
)
_PLAIN: Final = frozenset(
    "min h d wk mo a % [ppth] [ppm] [ppb] [pptr] deg ' '' atm [degF] [degR] [in_i] [ft_i] [yd_i] "
    "[mi_i] [nmi_i] [acr_us] [sft_i] [cft_i] [cyd_i] [gal_us] [gal_br] [bbl_us] [lb_av] [oz_av] "
    "[gr] [ston_av] [lton_av] [lbf_av] [psi] [HP] [Btu] [Btu_IT] [Btu_th] [in_i'Hg] [in_i'H2O] "
    "[pH] [kn_i] [car_m] ha ar 1 10* [pi]".split()
)
_PREFIXES: Final = ("Y Z E P T G M k h da d c m u n p f Ki Mi Gi Ti").split()
_FACTOR = re.compile(r"(?P<unit>[^.0-9+-][^.+-]*?|10\*|[0-9]+)(?P<exponent>[+-]?[0-9]+)?")
_USUAL: Final = {
    "degC": "Cel", "°C": "Cel", "degc": "Cel", "celsius": "Cel", "degF": "[degF]", "°F": "[degF]",
    "psi": "[psi]", "ppm": "[ppm]", "ppb": "[ppb]", "rpm": "/min", "kWh": "kW.h", "MWh": "MW.h",
    "GWh": "GW.h", "Wh": "W.h", "mmBtu": "10*6.[Btu_IT]", "lb": "[lb_av]", "ft": "[ft_i]",
    "gal": "[gal_us]", "bbl": "[bbl_us]", "m³": "m3", "m³/h": "m3/h", "percent": "%", "hr": "h",
    "sec": "s", "tonne": "t", "kVA": "kV.A", "Nm3": "{Nm3}", "Nm3/h": "{Nm3}/h", "pH": "[pH]",
    "mg/Nm3": "mg/{Nm3}", "t/hr": "t/h", "m3/hr": "m3/h",
}  # fmt: skip


def is_ucum(unit: str) -> bool:
    """Whether ``unit`` is a UCUM expression of atoms known here.

    >>> is_ucum("kg/h"), is_ucum("{Nm3}/h"), is_ucum("degC")
    (True, True, False)
    """
    # An annotation alone is the number one; after an atom it says nothing about its size.
    bare = re.sub(r"(^|[./])\{[^{}]+\}", r"\g<1>1", unit)
    bare = re.sub(r"\{[^{}]+\}", "", bare)
    return all(_is_factor(part) for part in re.split(r"[./]", bare.removeprefix("/")))


def checked_unit(unit: str | None) -> str | None:
    """``unit`` unchanged. Raises ValueError naming the nearest right one when it is not UCUM."""
    if unit is None or is_ucum(unit):
        return unit
    hint = f"did you mean {_USUAL[unit]!r}?" if unit in _USUAL else did_you_mean(unit, _common())
    raise ValueError(
        f"{unit!r} is not a UCUM unit; {hint}{' ' if hint else ''}units that UCUM lacks go in braces, as in '{{Nm3}}/h'"
    )


Unit = Annotated[str | None, AfterValidator(checked_unit)]


def _is_factor(part: str) -> bool:
    found = _FACTOR.fullmatch(part)
    if found is None:
        return False
    unit = found["unit"]
    if unit in _METRIC or unit in _PLAIN or unit.isdigit():
        return True
    return any(unit.startswith(p) and unit[len(p) :] in _METRIC for p in _PREFIXES)


def _common() -> list[str]:
    prefixed = [prefix + atom for prefix in ("", "k", "M", "m") for atom in _METRIC]
    rates = [f"{amount}/{time}" for amount in ("kg", "t", "m3", "L", "g") for time in ("h", "s")]
    return [*prefixed, *_PLAIN, *rates, "kW.h", "MW.h", "mg/m3", "m3"]
