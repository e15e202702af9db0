"""Columns that Parquet would refuse, or take and change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionDtype
from pandas.api.types import infer_dtype

from greenlang_data.errors import ExportError


def check_columns(frame: pd.DataFrame) -> None:
    """Raise ExportError naming the first column that Parquet cannot hold as it is.

    Arrow itself would write ``["a", b"b"]`` as bytes, and a datetime among dates as a date.
    """
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ExportError(f"column {twice!r} is there twice", remedy="Rename one of them.")
    for name, dtype in frame.dtypes.items():
        if (
            dtype.kind == "O"
            and not isinstance(dtype, ExtensionDtype)
            and not _is_uniform(frame[name].to_numpy())
        ):
            kinds = sorted({type(value).__name__ for value in frame[name].dropna()})
            raise ExportError(
                f"column {name!r} mixes values of the types {', '.join(kinds)}",
                remedy=f"Convert it to one, for example frame[{name!r}].astype(str).",
            )


def culprit(frame: pd.DataFrame) -> str:
    """The first column that Arrow refuses, for an error message; Arrow does not always name it."""
    for name in frame.columns:
        try:
            pa.array(frame[name])
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            return f"column {name!r}"
    return "the index"


def _is_uniform(values: Any) -> bool:
    family = infer_dtype(values, skipna=True)
    if family == "date":
        return not any(isinstance(value, datetime) for value in values)
    if family == "datetime":
        present = values[~pd.isna(values)]
        return len({value.tzinfo is None for value in present}) < 2
    if not family.startswith("mixed") or family == "mixed-integer-float":
        return True
    present = [value for value in values if not _is_missing(value)]
    return all(isinstance(value, Mapping) for value in present) or all(
        isinstance(value, (list, tuple, np.ndarray)) for value in present
    )


def _is_missing(value: Any) -> bool:
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))
