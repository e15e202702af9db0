"""Answers: one Arrow table beneath, typed objects on demand above."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Any, TypeVar, get_args, overload

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, PrivateAttr
from pydantic_core import CoreSchema, core_schema

from greenlang_data.connectors.result import ReadResult
from greenlang_data.errors import QueryError
from greenlang_data.frames.series import Series
from greenlang_data.frames.shaped import Shaped
from greenlang_data.frames.values import BOOLEANS, INTEGERS

T = TypeVar("T")

# Pydantic alone refuses infinity and NaN, which a good sample of a real source may hold.
ExactNumber = Annotated[Decimal, Field(allow_inf_nan=True)]


class Rows(Sequence[T]):
    """A read-only sequence whose items are made when they are looked at.

    Compares equal to a list of equal items. Pydantic fields of this type also take a list.
    """

    def __init__(self, length: int, make: Callable[[int], T]) -> None:
        self._length = length
        self._make = make

    @classmethod
    def of(cls, items: Sequence[T]) -> Rows[T]:
        """A sequence over items that exist already."""
        return cls(len(items), items.__getitem__)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self._make(place) for place in range(*index.indices(self._length))]
        place = index + self._length if index < 0 else index
        if not 0 <= place < self._length:
            raise IndexError(f"item {index} of {self._length}")
        return self._make(place)

    def __iter__(self) -> Iterator[T]:
        return (self._make(place) for place in range(self._length))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Rows | list | tuple):
            return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal to lists, which have no hash either

    def __repr__(self) -> str:
        head = ", ".join(repr(item) for item in self[:2])
        return f"<{self._length} rows: {head}{', ...' if self._length > 2 else ''}>"

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        items = handler.generate_schema(list[get_args(source)[0]])  # type: ignore[misc]
        return core_schema.union_schema(
            [
                core_schema.is_instance_schema(Rows),
                core_schema.no_info_after_validator_function(Rows.of, items),
            ],
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda rows: [item.model_dump() for item in rows]
            ),
        )


class ReadPayload(BaseModel):
    """Base of the five payloads. The data is in :meth:`to_arrow`; the fields are views of it."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    _result: ReadResult | None = PrivateAttr(None)

    @property
    def result(self) -> ReadResult:
        """What was read. Raises QueryError for a payload that was made by hand."""
        result = self._result  # looked up once: pydantic takes its time for what is private
        if result is None:
            raise QueryError(
                f"this {type(self).__name__} was not read from a source",
                remedy="Use the payload that fetch_data returns.",
            )
        return result

    @property
    def failures(self) -> dict[str, str]:
        """Tags that could not be read, and why."""
        result = self._result
        return result.failures if result else {}

    def to_arrow(self, shape: str | None = None) -> Shaped:
        """The table for a frame of ``shape`` (None: the usual one), with units in its fields.

        Raises QueryError for a shape that this answer cannot take.
        """
        return self.result.shaped(shape)

    def attach(self, result: ReadResult) -> None:
        """Put what was read beneath this payload (connectors do, once)."""
        self._result = result


def rows_of(table: pa.Table, make: Callable[[dict[str, Any]], T]) -> Rows[T]:
    """A lazy sequence over ``table``: ``make`` gets a row as a dict of Python objects."""
    return Rows(table.num_rows, lambda place: make(table.slice(place, 1).to_pylist()[0]))


def rows_of_series(
    series: Sequence[Series], make: Callable[[Series, dict[str, Any]], T]
) -> Rows[T]:
    """A lazy sequence over the samples of all tags, tag after tag."""
    ends = np.cumsum([one.rows for one in series])

    def item(place: int) -> T:
        which = int(np.searchsorted(ends, place, side="right"))
        one = series[which]
        place -= int(ends[which]) - one.rows
        for batch in one.batches:
            if place < batch.num_rows:
                return make(one, batch.slice(place, 1).to_pylist()[0])
            place -= batch.num_rows
        raise IndexError(place)

    return Rows(int(ends[-1]) if len(ends) else 0, item)


def exact_value(value: float | None, text: str | None, data_type: str | None) -> Any:
    """The Python value of one sample: bool, int, float, str or None; nothing is rounded."""
    kind = (data_type or "").lower()
    if text is not None:
        return int(text) if kind in INTEGERS else text
    if value is None or kind not in INTEGERS | BOOLEANS:
        return value
    if kind in BOOLEANS:
        return bool(value)
    return int(value) if value.is_integer() else value
