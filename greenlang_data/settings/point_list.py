"""Point lists in CSV files: a row per tag, columns named like the fields of Point.

::

    tag,type,index,scale,unit
    Feeder1.Power,analog,12,0.1,kW
    Breaker1.Closed,double_bit,0,,
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from greenlang_data.nearest import either, nearest_or_all
from greenlang_data.settings.csv_table import (
    WrongLineError,
    explain,
    read_table,
    required_columns,
)
from greenlang_data.settings.point import Point, PointType


def read_point_list(path: str | Path) -> tuple[Point, ...]:
    """The points of a list, in the order of the file.

    Raises ConfigurationError that names up to ten wrong lines at once.
    """
    return read_table(path, Point, _point, "point list")


def _point(row: dict[str, str]) -> Point:
    types = get_args(PointType)
    for name in required_columns(Point):
        if name not in row:
            choices = f"; write {either(types)}" if name == "type" else ""
            raise WrongLineError(f"column {name} is empty{choices}")
    if row["type"] not in types:
        hint = nearest_or_all(row["type"], types)
        raise WrongLineError(f"column type: there is no type {row['type']!r}; {hint}")
    values: dict[str, Any] = dict(row)
    try:
        return Point(**values)
    except ValidationError as error:
        raise WrongLineError(explain(error.errors()[0], row)) from None
