"""One formula over Series, Arrow arrays, numpy arrays and numbers, rounded as EPA rounds."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from greenlang_data.errors import QueryError

Floats = npt.NDArray[np.float64]
Values = Any
"""A pandas Series, pyarrow Array or ChunkedArray, numpy array, list, or one number."""
Formula = Callable[..., tuple[Any, Any]]
"""Plain arithmetic that gives numerator and denominator, over floats and over Decimal alike."""

_NUMBER: Final = (int, float, Decimal, np.integer, np.floating)
_NEAR: Final = 1e-9  # far above the error of a float64 formula, and still few rows


def evaluate(
    formula: Formula,
    *operands: Values,
    decimals: int | None = None,
    lowest: float | None = None,
) -> Values:
    """``formula(*operands)`` row by row, of the kind of the first operand that is a column.

    A null, NaN or infinity in any operand, and a denominator that is not positive, give null.
    ``decimals`` rounds half away from zero in decimal arithmetic, as EPA's check engine does:
    rows near a tie are computed again in exact decimals. ``lowest`` is the smallest result.
    Raises QueryError when columns differ in length or index, or hold no numbers.

    >>> evaluate(lambda a, b: (a, b), pd.Series([1.0, 5.0, None]), 8, decimals=2).tolist()
    [0.13, 0.63, nan]
    """
    like = _same_rows(operands)
    columns = [floats_of(operand) for operand in operands]
    with np.errstate(all="ignore"):
        top, bottom = formula(*columns)
        result = np.where(np.asarray(bottom) > 0, np.divide(top, bottom), np.nan)
    result = np.where(np.isfinite(result), result, np.nan)
    if decimals is not None:
        result = _rounded(formula, operands, columns, result, decimals)
    if lowest is not None:
        result = np.maximum(result, lowest)
    return shaped_like(result, like)


def round_half_away(values: Values, decimals: int) -> Values:
    """Rounded half away from zero, a float counting as the shortest decimal that names it.

    >>> round_half_away(2.675, 2), round_half_away(-0.5, 0), round_half_away(1500, -3)
    (2.68, -1.0, 2000.0)
    """
    return evaluate(lambda value: (value, 1), values, decimals=decimals)


def floats_of(values: Values) -> Floats:
    """``values`` as float64, NaN where null or infinite. Raises QueryError for what is no number.

    >>> floats_of(pa.array([1, None])).tolist()
    [1.0, nan]
    """
    numbers = _numbers(values)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def shaped_like(result: Floats, like: Values) -> Values:
    """``result`` as the kind of column that ``like`` is, or a float when it is None."""
    if isinstance(like, pd.Series):
        return pd.Series(result, index=like.index)
    if isinstance(like, (pa.Array, pa.ChunkedArray)):
        return pa.array(result, mask=np.isnan(result))
    return float(result) if like is None else result


def exact(value: float | Decimal) -> Decimal:
    """The shortest decimal that names the float, which is what the source wrote."""
    return value if isinstance(value, Decimal) else Decimal(repr(float(value)))


def rounded_decimal(value: Decimal, decimals: int) -> float:
    """One exact number, rounded half away from zero."""
    return float(value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))


def near_tie(values: Floats, decimals: int) -> npt.NDArray[np.bool_]:
    """Where float64 cannot be trusted to tell on which side of a tie the exact result lies."""
    with np.errstate(invalid="ignore"):
        scaled = _scaled(np.abs(values), decimals)
        return np.asarray(np.abs(scaled - np.floor(scaled) - 0.5) < _NEAR * (1 + scaled))


def _rounded(
    formula: Formula,
    operands: tuple[Values, ...],
    columns: list[Floats],
    result: Floats,
    decimals: int,
) -> Floats:
    scaled = np.floor(_scaled(np.abs(result), decimals) + 0.5)
    rounded = np.array(np.copysign(_scaled(scaled, -decimals), result), ndmin=1)
    spread = [np.broadcast_to(column, rounded.shape) for column in columns]
    with localcontext(prec=40):
        for row in np.flatnonzero(near_tie(np.atleast_1d(result), decimals)):
            numbers = [
                operand if isinstance(operand, Decimal) else exact(column[row])
                for operand, column in zip(operands, spread, strict=True)
            ]
            top, bottom = formula(*numbers)
            rounded[row] = rounded_decimal(top / Decimal(bottom), decimals)
    return (rounded + 0.0).reshape(np.shape(result))  # adding zero turns -0.0 into 0.0


def _scaled(values: Floats, decimals: int) -> Floats:
    power = 10.0 ** abs(decimals)  # a negative power of ten would not be exact
    return values * power if decimals >= 0 else values / power


def _numbers(values: Values) -> Floats:
    if values is None:
        return np.asarray(np.nan)
    if isinstance(values, _NUMBER) and not isinstance(values, bool):
        return np.asarray(float(values))
    try:
        if isinstance(values, (pa.Array, pa.ChunkedArray)):
            values = pd.Series(values.to_pandas())
        column = values if isinstance(values, pd.Series) else pd.Series(np.asarray(values))
        if pd.api.types.is_bool_dtype(column.dtype) or column.dtype.kind in "mM":
            raise TypeError
        if isinstance(column.dtype, pd.StringDtype):
            raise TypeError
        return column.to_numpy(dtype="float64", na_value=np.nan)
    except (TypeError, ValueError, pa.ArrowException):
        raise QueryError(
            f"a {type(values).__name__} of {getattr(values, 'dtype', 'something else')} "
            "is no column of numbers",
            remedy="Convert it to numbers first.",
        ) from None


def _same_rows(operands: tuple[Values, ...]) -> Values:
    columns = [
        operand for operand in operands if operand is not None and not isinstance(operand, _NUMBER)
    ]
    if len({len(column) for column in columns}) > 1:
        raise QueryError(
            f"columns of {', '.join(str(len(column)) for column in columns)} rows do not belong "
            "together",
            remedy="Join them on the time stamp first.",
        )
    series = [column for column in columns if isinstance(column, pd.Series)]
    if any(not one.index.equals(series[0].index) for one in series):
        raise QueryError(
            "the columns have different indexes", remedy="Join them on the time stamp first."
        )
    return series[0] if series else next(iter(columns), None)
