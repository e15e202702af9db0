"""BACnet's engineering units as UCUM, where the two mean the same beyond doubt."""

from __future__ import annotations

from typing import Final

from greenlang_data.drivers.bacnet.names import name_of

_NO_UNITS: Final = 95

# Not here: units whose size the standard leaves open (tons, currencies, Btu of which definition,
# degree days) and those that say what was measured (per kilogram of dry air).
_UCUM: Final[dict[int, str]] = {
    0: "m2", 1: "[sft_i]", 2: "mA", 3: "A", 4: "Ohm", 5: "V", 6: "kV", 7: "MV", 8: "V.A",
    9: "kV.A", 10: "MV.A", 14: "deg", 16: "J", 17: "kJ", 18: "W.h", 19: "kW.h", 25: "/h",
    26: "/min", 27: "Hz", 30: "mm", 31: "m", 32: "[in_i]", 33: "[ft_i]", 34: "W/[sft_i]",
    35: "W/m2", 36: "lm", 37: "lx", 39: "kg", 40: "[lb_av]", 42: "kg/s", 43: "kg/min", 44: "kg/h",
    45: "[lb_av]/min", 46: "[lb_av]/h", 47: "W", 48: "kW", 49: "MW", 53: "Pa", 54: "kPa",
    55: "bar", 56: "[psi]", 57: "cm[H2O]", 58: "[in_i'H2O]", 59: "mm[Hg]", 60: "cm[Hg]",
    61: "[in_i'Hg]", 62: "Cel", 63: "K", 64: "[degF]", 69: "wk", 70: "d", 71: "h", 72: "min",
    73: "s", 74: "m/s", 75: "km/h", 76: "[ft_i]/s", 77: "[ft_i]/min", 78: "[mi_i]/h",
    79: "[cft_i]", 80: "m3", 81: "[gal_br]", 82: "L", 83: "[gal_us]", 84: "[cft_i]/min",
    85: "m3/s", 86: "[gal_br]/min", 87: "L/s", 88: "L/min", 89: "[gal_us]/min", 90: "deg",
    96: "[ppm]", 97: "[ppb]", 98: "%", 99: "%/s", 100: "/min", 101: "/s", 103: "rad", 104: "/min",
    115: "[in_i]2", 116: "cm2", 118: "cm", 119: "[lb_av]/s", 121: "K", 122: "kOhm", 123: "MOhm",
    124: "mV", 125: "kJ/kg", 126: "MJ", 127: "J/K", 128: "J/kg/K", 129: "kHz", 130: "MHz",
    131: "/h", 132: "mW", 133: "hPa", 134: "mbar", 135: "m3/h", 136: "L/h", 137: "kW.h/m2",
    138: "kW.h/[sft_i]", 139: "MJ/m2", 140: "MJ/[sft_i]", 141: "W/m2/K", 142: "[cft_i]/s",
    145: "mOhm", 146: "MW.h", 151: "kJ/K", 152: "MJ/K", 153: "N", 154: "g/s", 155: "g/min",
    158: "cs", 159: "ms", 160: "N.m", 161: "mm/s", 162: "mm/min", 163: "m/min", 164: "m/h",
    165: "m3/min", 166: "m/s2", 167: "A/m", 168: "A/m2", 169: "A.m2", 170: "F", 171: "H",
    172: "Ohm.m", 173: "S", 174: "S/m", 175: "T", 176: "V/K", 177: "V/m", 178: "Wb", 179: "cd",
    180: "cd/m2", 181: "K/h", 182: "K/min", 183: "J.s", 184: "rad/s", 185: "m2/N", 186: "kg/m3",
    187: "N.s", 188: "N/m", 189: "W/m/K", 190: "uS", 191: "[cft_i]/h", 192: "[gal_us]/h",
    193: "km", 194: "um", 195: "g", 196: "mg", 197: "mL", 198: "mL/s", 202: "mS", 206: "mm[H2O]",
    207: "[ppth]", 208: "g/g", 209: "kg/kg", 210: "g/kg", 211: "mg/g", 212: "mg/kg", 213: "g/mL",
    214: "g/L", 215: "mg/L", 216: "ug/L", 217: "g/m3", 218: "mg/m3", 219: "ug/m3", 220: "ng/m3",
    221: "g/cm3", 222: "Bq", 223: "kBq", 224: "MBq", 225: "Gy", 226: "mGy", 227: "uGy", 228: "Sv",
    229: "mSv", 230: "uSv", 231: "uSv/h", 234: "[pH]", 235: "g/m2", 236: "min/K", 238: "A.s",
    239: "V.A.h", 240: "kV.A.h", 241: "MV.A.h", 248: "[cft_i]/d", 249: "m3/d", 250: "W.h/m3",
    251: "J/m3", 253: "Pa.s",
}  # fmt: skip


def unit_of(number: int) -> str | None:
    """The unit in UCUM, or BACnet's own name in braces; None for no-units.

    >>> unit_of(62), unit_of(41), unit_of(95)
    ('Cel', '{tons}', None)
    """
    if number == _NO_UNITS:
        return None
    return _UCUM.get(number) or f"{{{name_of('unit', number)}}}"
