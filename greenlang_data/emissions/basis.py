"""The basis a number stands on: unit, wet or dry, reference oxygen. Two are never mixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from greenlang_data.errors import QueryError

Moisture = Literal["wet", "dry"]


@dataclass(frozen=True)
class Basis:
    """What one number of a column means.

    ``unit`` as in the frame (``ppm``, ``mg/Nm3``, ...), ``moisture`` wet or dry, and
    ``reference_oxygen`` the percent of oxygen it was corrected to, None when it was not.
    """

    unit: str
    moisture: Moisture
    reference_oxygen: float | None = None

    def __post_init__(self) -> None:
        checked_moisture("moisture", self.moisture)


def require_same_basis(first: Basis, *others: Basis) -> Basis:
    """The one basis of all; raises QueryError naming the two that differ.

    >>> require_same_basis(Basis("mg/m3", "dry", 6), Basis("mg/m3", "dry", 6)).reference_oxygen
    6
    """
    for other in others:
        if other != first:
            raise QueryError(
                f"{first} and {other} are not the same basis",
                remedy="Convert one of them (to_dry, to_reference_oxygen, to_mg_per_nm3).",
            )
    return first


def checked_moisture(name: str, value: str) -> str:
    """``value`` when it is wet or dry; raises QueryError otherwise."""
    if value not in get_args(Moisture):
        raise QueryError(f"{name} is {value!r}", remedy="Say wet or dry; it is never guessed.")
    return value


def checked_unit(name: str, unit: str, allowed: tuple[str, ...]) -> str:
    """``unit`` when the equation is written for it; raises QueryError otherwise."""
    if unit not in allowed:
        raise QueryError(
            f"{name} is in {unit!r}, and the equation takes {' or '.join(allowed)}",
            remedy="Convert it first.",
        )
    return unit


def require_moisture(needed: bool, given: bool, equation: str) -> None:
    """Raise QueryError when the stack moisture is missing, or is given and would be ignored."""
    if needed and not given:
        raise QueryError(
            f"equation {equation} mixes wet and dry and needs the moisture",
            remedy="Give moisture= in percent.",
        )
    if given and not needed:
        raise QueryError(
            f"equation {equation} has no moisture in it, so it would be ignored",
            remedy="Leave moisture= out, or correct what is said to be wet or dry.",
        )
