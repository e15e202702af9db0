"""From fuel to the stack: what the analysers see, by the regulators' own equations.

Constants: 40 CFR 75 Appendix F (Table 1 and the K factors of equations F-1 and F-5), 40 CFR 60
Appendix A Method 19. With the dry oxygen ``O2`` in percent and the heat input ``HI`` in GJ/h:

- dry flow          Q   = HI * Fd * 20.9 / (20.9 - O2)              (Method 19, eq. 19-1)
- dry CO2           CO2 = 100 * (Fc / Fd) * (20.9 - O2) / 20.9      (Appendix F, eq. F-14A)
- dry NOx, SO2, CO  C   = E / (K * Fd) * (20.9 - O2) / 20.9         (eq. F-5 solved for C)

``E`` is the unit's emission factor. ``Q`` is at 68 F and 29.92 inHg (20 Cel, 101.325 kPa), NOx as
NO2. Without fuel the oxygen is that of air and the rest is zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from greenlang_data.drivers.mock.clock import IntArray
from greenlang_data.drivers.mock.noise import around, below, seed_of
from greenlang_data.drivers.mock.plant import FULL, UNITS, Unit

AIR_O2: Final = 2_090
"""Oxygen in dry air in the US equations, in hundredths of a percent."""

_POUND_MG: Final = Fraction("453592.37")  # international pound, exact
_MMBTU_GJ: Final = Fraction("1.05505585262")  # million Btu (IT), exact
_SCF_M3: Final = Fraction("0.028316846592")  # cubic foot, exact

K_FACTORS: Final = {
    "SO2": Fraction("1.660e-7"),
    "NOx": Fraction("1.194e-7"),
    "CO": Fraction("7.268e-8"),
}
"""Pounds in a standard cubic foot per ppm: 40 CFR 75 Appendix F; CO from its molar mass."""


@dataclass(frozen=True)
class Fuel:
    """``fd`` dscf/mmBtu and ``fc`` scf CO2/mmBtu: Appendix F Table 1. ``gcv``: MJ per unit.

    The gross calorific values are the contract values of the simulated site.
    """

    fd: int
    fc: int
    gcv: Fraction


FUELS: Final = {
    "oil": Fuel(9_190, 1_420, Fraction("45.6")),  # MJ/kg
    "natural_gas": Fuel(8_710, 1_040, Fraction("38.2")),  # MJ/m3
}

# mg/GJ at full load. SO2: 2.0 kg per kg of sulphur (40 CFR 75 Appendix D, eq. D-2) with 0.10 % in
# the oil (the limit for gas oil, Directive (EU) 2016/802) over 45.6 MJ/kg; 0.0006 lb/mmBtu for
# pipeline gas (Appendix D, 2.3.1). NOx and CO are design values of the burners.
EMISSION_FACTORS: Final = {
    "STACK-001": {"NOx": 60_000, "SO2": 43_860, "CO": 12_000},
    "STACK-002": {"NOx": 30_000, "SO2": 258, "CO": 9_000},
    "STACK-003": {"NOx": 40_000, "SO2": 258, "CO": 15_000},
}

# Dry oxygen in hundredths of a percent at 30 % and at full load; below 30 % it goes to air.
_OXYGEN: Final = {"STACK-001": (600, 300), "STACK-002": (550, 250), "STACK-003": (1_700, 1_500)}
_TURN: Final = 3_000
_SHIFT: Final = 36  # binary places of the pre-computed factors: six significant digits or more
_FACTOR_SPREAD: Final = 200  # emission factors vary by 2 % from minute to minute


def _rounded(numerator: IntArray, denominator: IntArray | int) -> IntArray:
    quotient: IntArray = (numerator + denominator // 2) // denominator
    return quotient


@dataclass(frozen=True)
class Stack:
    """One chimney and its analysers; all readings are for times that are whole minutes."""

    unit: Unit

    def readings(self, measurand: str, times: IntArray) -> IntArray:
        """CO2 and O2 in 0.01 %, NOx, SO2, CO in 0.1 ppm, flow_rate in 0.1 m3/h; dry."""
        fuel = self.unit.fuel_meter.rate(times)
        load = fuel * FULL // self.unit.capacity
        oxygen = self._oxygen(load, times)
        if measurand == "O2":
            return oxygen
        if measurand == "CO2":
            kind = FUELS[self.unit.fuel]
            return _rounded(10_000 * kind.fc * (AIR_O2 - oxygen), kind.fd * AIR_O2)
        if measurand == "flow_rate":
            return self._flow(fuel, oxygen)
        return self._concentration(measurand, load, oxygen, times)

    def _oxygen(self, load: IntArray, times: IntArray) -> IntArray:
        at_turn, at_full = _OXYGEN[self.unit.stack]
        normal = at_turn - (at_turn - at_full) * (load - _TURN) // (FULL - _TURN)
        ramp = AIR_O2 - (AIR_O2 - at_turn) * load // _TURN
        noise = around(seed_of(f"{self.unit.stack}.O2"), times, 15)
        return np.where(load >= _TURN, normal + noise, ramp)

    def _flow(self, fuel: IntArray, oxygen: IntArray) -> IntArray:
        kind = FUELS[self.unit.fuel]
        # m3 of dry flue gas without excess air from one thousand units of fuel.
        per_thousand = kind.gcv * kind.fd * _SCF_M3 / _MMBTU_GJ
        factor = round(per_thousand * 2**16)
        # Fuel is in thousandths: one thousandth for the thousand, one for the thousandths.
        tenths = fuel * factor // 100_000
        return _rounded(tenths * AIR_O2, np.maximum(AIR_O2 - oxygen, 1)) >> 16

    def _concentration(
        self, gas: str, load: IntArray, oxygen: IntArray, times: IntArray
    ) -> IntArray:
        factor = self._emission_factor(gas, load, times)
        fd = FUELS[self.unit.fuel].fd
        # Tenths of a ppm for 1 mg/GJ and 0.01 % of oxygen below that of air.
        unit = 10 * _MMBTU_GJ / _POUND_MG / (K_FACTORS[gas] * fd * AIR_O2)
        scaled = factor * (AIR_O2 - oxygen) * round(unit * 2**_SHIFT)
        tenths: IntArray = (scaled + 2 ** (_SHIFT - 1)) >> _SHIFT
        return tenths

    def _emission_factor(self, gas: str, load: IntArray, times: IntArray) -> IntArray:
        full = EMISSION_FACTORS[self.unit.stack][gas]
        if gas == "NOx":  # hotter flames make more
            base = full * (4 * FULL + load) // (5 * FULL)
        elif gas == "CO":  # and burn out better
            base = full * (2 * FULL - load) // FULL
        else:
            base = np.full(len(times), full, np.int64)
        spread = below(seed_of(f"{self.unit.stack}.{gas}"), times, 2 * _FACTOR_SPREAD + 1)
        return base * (FULL - _FACTOR_SPREAD + spread) // FULL


STACKS: Final = {unit.stack: Stack(unit) for unit in UNITS}
