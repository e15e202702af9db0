"""Selecting records: nothing that was asked is ignored."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.mock import ENTITIES
from greenlang_data.errors import QueryError, UnknownTagError
from tests.drivers.mock.helpers import moment, read, records, rows


@pytest.mark.parametrize(
    ("entity", "column", "wanted"),
    [
        ("material", "plant_code", "1000"),
        ("material", "material_group", ["CHEM", "LUBE"]),
        ("material", "price", Decimal("66.74")),
        ("material", "price", "66.74"),
        ("material", "price", [66.74]),
        ("material", "hazardous", True),
        ("material", "hazardous", [None, True]),
        ("material", "supplier", None),
        ("supplier", "party_id", 300_100_000_000_000_015),
        ("purchase_order", "order_date", date(2022, 1, 9)),
        ("purchase_order", "order_date", "2022-01-09"),
        ("work_order", "status", {"completed", "closed"}),
        ("work_order", "created_at", moment(2022, 1, 3, 6)),
        ("work_order", "created_at", "2022-01-03T07:00:00+01:00"),
    ],
)
def test_filters(entity: str, column: str, wanted: Any) -> None:
    several = wanted if isinstance(wanted, list | set) else [wanted]
    kind = ENTITIES[entity].schema.field(column).type
    found = records(entity, filters={column: wanted})
    values = found[column].to_pylist()
    assert 0 < len(values) < len(records(entity))
    if pa.types.is_decimal(kind):
        several = [Decimal(str(value)) for value in several]
    if column == "created_at":
        several = [moment(2022, 1, 3, 6)]
    assert {str(value) for value in values} <= {str(value) for value in several}


def test_filters_are_joined_by_and() -> None:
    found = records("work_order", filters={"status": "closed", "asset_id": ["ASSET-001"]})
    assert {(row["status"], row["asset_id"]) for row in rows(found)} == {("closed", "ASSET-001")}


@pytest.mark.parametrize(
    ("entity", "filters", "said"),
    [
        ("material", {"plantcode": "1000"}, "Did you mean 'plant_code'"),
        ("material", {"plant_code": 1000}, "the text '1000'"),
        ("material", {"price": "cheap"}, "holds decimal"),
        ("material", {"price": Decimal("1.234")}, "holds decimal"),
        ("material", {"price": True}, "holds decimal"),
        ("material", {"hazardous": 1}, "holds bool"),
        ("supplier", {"party_id": 2**70}, "holds int64"),
        ("supplier", {"party_id": "1"}, "holds int64"),
        ("purchase_order", {"order_date": moment(2022, 1, 9)}, "holds date32"),
        ("work_order", {"created_at": datetime(2022, 1, 9)}, "holds timestamp"),
        ("work_order", {"created_at": "soon"}, "holds timestamp"),
        ("work_order", {"status_all": "COMP"}, "holds lists"),
    ],
)
def test_filters_that_mean_nothing(entity: str, filters: dict[str, Any], said: str) -> None:
    with pytest.raises(QueryError, match=said.replace("(", ".")) as caught:
        records(entity, filters=filters)
    assert caught.value.source == "plant"


def test_fields_in_their_order_with_their_units() -> None:
    found = records("material", fields=("net_weight", "material"), limit=3)
    assert found.schema.names == ["net_weight", "material"]
    assert found.schema.field(0).metadata == {b"unit": b"kg"}
    with pytest.raises(QueryError, match="Did you mean 'net_weight'"):
        records("material", fields=("netweight",))
    with pytest.raises(QueryError, match="twice"):
        records("material", fields=("material", "material"))


def test_a_field_need_not_be_selected_to_be_filtered() -> None:
    assert len(records("material", fields=("material",), filters={"plant_code": "2000"})) == 120


def test_limit_says_when_there_are_more() -> None:
    log = ReadLog()
    (batch,) = read(Records("material", limit=5), log=log)
    assert len(batch) == 5
    assert any("600 records" in note for note in log.notes)
    assert len(records("material", limit=0)) == 0
    log = ReadLog()
    read(Records("material", limit=600), log=log)
    assert len(log.notes) == 1
    with pytest.raises(QueryError, match="limit"):
        records("material", limit=-1)


def test_an_empty_answer_has_its_columns() -> None:
    (batch,) = read(Records("material", {"material": "nothing"}))
    assert len(batch) == 0
    assert batch.schema.remove_metadata().equals(ENTITIES["material"].schema, check_metadata=True)


def test_dates_include_the_end_and_instants_do_not() -> None:
    day = date(2024, 3, 5)
    orders = records("purchase_order", start=day, end=day)
    assert set(orders["order_date"].to_pylist()) == {day}
    first = records("work_order", limit=3)["created_at"].to_pylist()
    assert (
        first
        == records("work_order", end=first[2] + timedelta(seconds=1))["created_at"].to_pylist()
    )
    assert first[:2] == records("work_order", end=first[2])["created_at"].to_pylist()
    assert records("work_order", start=first[1])["created_at"][0].as_py() == first[1]


def test_a_day_as_the_end_of_instants_is_that_whole_day() -> None:
    day = records("work_order", start=date(2024, 3, 5), end=date(2024, 3, 5))
    assert {value.date() for value in day["created_at"].to_pylist()} == {date(2024, 3, 5)}


def test_what_has_no_date_cannot_be_bounded() -> None:
    with pytest.raises(QueryError, match="no date"):
        records("unit_of_measure", start=date(2024, 1, 1))


def test_unknown_entity() -> None:
    with pytest.raises(UnknownTagError, match="Did you mean 'material'"):
        records("materials")
    with pytest.raises(UnknownTagError, match="Entities: asset, cost_center"):
        records("zzz")
