"""The codes by which the site tells what failed, why, and what was done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from greenlang_data.drivers.cmms.entities import FAILURE as CANONICAL
from greenlang_data.drivers.mock.entities.common import SOURCE, maintained
from greenlang_data.drivers.mock.entities.work_orders import FAILURES
from greenlang_data.drivers.mock.records import Entity, Row

_CAUSES: Final = ("WEAR", "MISALIGNED", "DIRT")
_REMEDIES: Final = ("REPLACE", "ADJUST", "CLEAN")


def _row(number: int, code: str, kind: str, parent: int | None) -> Row:
    return {
        "failure_id": str(number),
        "failure_code": code,
        "description": code.capitalize(),
        "type": kind,
        "parent_id": None if parent is None else str(parent),
        "source_system": SOURCE,
    }


def _rows() -> Iterator[Row]:
    """Each problem, below it its causes, and below each of them its remedy."""
    for place, problem in enumerate(FAILURES):
        number = 1_000 + 10 * place
        yield _row(number, problem, "PROBLEM", None)
        for below, (cause, remedy) in enumerate(zip(_CAUSES, _REMEDIES, strict=True)):
            of_cause = number + 1 + 2 * below
            yield _row(of_cause, cause, "CAUSE", number)
            yield _row(of_cause + 1, remedy, "REMEDY", of_cause)


FAILURE: Final = Entity(CANONICAL.name, ("failure_id",), None, maintained(CANONICAL), _rows)
