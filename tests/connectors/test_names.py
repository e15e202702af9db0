"""The names of a call are looked at once, and the answer to each call is judged all the same."""

from __future__ import annotations

import pyarrow as pa
import pytest

import greenlang_data as gd
from greenlang_data.connectors.names import LISTS_KEPT, column_of
from greenlang_data.connectors.result import ReadResult
from greenlang_data.drivers.base import Snapshot
from greenlang_data.drivers.schema import SNAPSHOT
from greenlang_data.provenance.hash import hash_table

MANY = tuple(f"T{at}" for at in range(5000))


def answer(*names: str) -> ReadResult:
    """What a driver answered for MANY, with these names beside the values."""
    rows = len(names)
    columns = {field.name: pa.nulls(rows, field.type) for field in SNAPSHOT}
    quality = pa.array(["good"] * rows).dictionary_encode()
    columns |= {"tag_id": pa.array(names), "tag_name": pa.array(names), "quality": quality}
    batch = pa.RecordBatch.from_arrays(
        [columns[field.name].cast(field.type) for field in SNAPSHOT], schema=SNAPSHOT
    )
    return ReadResult(Snapshot(MANY), [batch])


@pytest.mark.parametrize("names", [MANY, MANY[::-1], (*MANY[:-1], "other"), MANY[:7], ()])
def test_the_hash_of_an_answer_is_that_of_its_own_names(names: tuple[str, ...]) -> None:
    result = answer(*names)
    for _ in range(2):
        assert result.content_hash() == hash_table(result.table)


def test_names_are_refused_again_and_again() -> None:
    with gd.Session(mock=True) as session:
        for _ in range(3):
            with pytest.raises(gd.QueryError, match="named twice"):
                session.scada(["a", "b", "a"])
            with pytest.raises(gd.QueryError, match="empty name"):
                session.scada(["a", " "])


def test_few_lists_of_names_are_kept() -> None:
    for at in range(3 * LISTS_KEPT):
        column_of((f"list {at}",))
    assert column_of.cache_info().currsize == LISTS_KEPT
