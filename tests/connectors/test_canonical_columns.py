"""The canonical columns are the same, in one order and of one type, whichever system answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from greenlang_data.connectors.entities import SYSTEMS
from greenlang_data.connectors.entities.columns import IDENTIFIERS, ORDER
from tests.drivers.odata.helpers import config
from tests.peers.launch_erp import (
    start_dataverse,
    start_finance,
    start_gateway,
    start_netsuite,
    start_oracle,
)

CLIENT = {"client_id": "historian-client", "client_secret": "s3cret-client"}
TBA = {
    "account": "1234567_SB1", "consumer_key": "consumer-key", "consumer_secret": "s3cret-consumer",
    "token_id": "token-id", "token_secret": "s3cret-token",
}  # fmt: skip
USER = {"username": "operator", "password": "s3cret-Pässword"}
ENTRA = "/contoso.onmicrosoft.com/oauth2/v2.0/token"
SOURCES: dict[str, tuple[Any, dict[str, Any]]] = {
    "sap": (lambda: start_gateway(items=500), USER),
    "oracle": (lambda: start_oracle(orders=100), {"erp_system": "oracle", **USER}),
    "netsuite": (lambda: start_netsuite(lines=600), {"erp_system": "netsuite", **TBA}),
    "finance": (lambda: start_finance(lines=500),
                {"erp_system": "dynamics", "dynamics_app": "finance", **CLIENT}),
    "dataverse": (lambda: start_dataverse(lines=500),
                  {"erp_system": "dynamics", "dynamics_app": "dataverse", **CLIENT}),
}  # fmt: skip


@pytest.fixture(scope="module")
def session() -> Iterator[gd.Session]:
    with ExitStack() as peers:
        sources = []
        for name, (start, keys) in SOURCES.items():
            peer = peers.enter_context(start())
            token = {"token_url": f"{peer.origin}{ENTRA}"} if "client_id" in keys else {}
            sources.append(config(peer.origin, **keys, **token, connector_id=name))
        with gd.Session(sources) as s:
            yield s


def canonical(frame: pd.DataFrame, system: str, entity: str) -> list[str]:
    known = {name for place in SYSTEMS[system][entity] for name in place.columns}
    return [name for name in frame if name in known]


def test_each_canonical_column_has_its_place() -> None:
    assert len(set(ORDER)) == len(ORDER)
    known = {
        name
        for entities in SYSTEMS.values()
        for places in entities.values()
        for place in places
        for name in place.columns
    }
    assert known - set(ORDER) == set()
    assert set(ORDER) >= IDENTIFIERS


ENTITIES = ["material", "supplier", "purchase_order", "purchase_order_item", "supplier_invoice",
            "gl_entry", "cost_center", "plant", "goods_movement"]  # fmt: skip


@pytest.mark.parametrize("entity", ENTITIES)
def test_systems_have_one_order_and_texts_for_identifiers(session: gd.Session, entity: str) -> None:
    orders: list[list[str]] = []
    types: dict[str, set[str]] = {}
    for system in SOURCES:
        try:
            frame = session.erp(entity, source=system, limit=None)
        except gd.UnknownTagError:
            continue
        found = canonical(frame, system, entity)
        assert list(frame)[: len(found)] == found  # the system's own columns are after them
        orders.append(found)
        for name in IDENTIFIERS & set(found):
            types.setdefault(name, set()).add(str(frame[name].dtype))
    assert len(orders) > 1
    for first in orders:
        for second in orders:
            both = set(first) & set(second)
            assert [one for one in first if one in both] == [one for one in second if one in both]
    assert types
    assert all(kinds == {"str"} for kinds in types.values())


def test_frames_of_several_systems_are_put_together_and_kept(
    session: gd.Session, tmp_path: Path
) -> None:
    frames = [session.erp("purchase_order_item", source=name, limit=None) for name in SOURCES]
    names = ["purchase_order", "purchase_order_item", "material", "plant_code", "quantity", "unit"]
    some = [frame[[one for one in names if one in frame]] for frame in frames[:4]]
    both = gd.concat(some)
    gd.to_parquet(both, tmp_path / "items.parquet")
    told = gd.read_parquet(tmp_path / "items.parquet")
    assert [list(told[name].dropna()) for name in names] == [
        [value for frame in some if name in frame for value in frame[name].dropna()]
        for name in names
    ]


@pytest.mark.parametrize(
    ("system", "name"),
    [
        ("netsuite", "purchase_order_item"),
        ("netsuite", "plant_code"),
        ("finance", "purchase_order_item"),
        ("oracle", "purchase_order_item"),
    ],
)
def test_identifiers_are_filtered_by_as_they_are_told(
    session: gd.Session, system: str, name: str
) -> None:
    every = session.erp("purchase_order_item", source=system, limit=None)
    value = every[name].dropna().iloc[0]
    found = session.erp("purchase_order_item", {name: value}, source=system, limit=None)
    assert len(found) == (every[name] == value).sum() > 0
    some = list(every[name].dropna().unique()[:2])
    found = session.erp("purchase_order_item", {name: some}, source=system, limit=None)
    assert len(found) == every[name].isin(some).sum()


def test_identifiers_that_are_numbers_there_are_no_other_texts(session: gd.Session) -> None:
    for wrong in ("02", "DE01", "-1", "²"):
        with pytest.raises(gd.QueryError, match="whole numbers, such as '7'"):
            session.erp("purchase_order_item", {"plant_code": wrong}, source="netsuite")


def test_documents_of_netsuite_have_the_numbers_of_their_suppliers_and_materials(
    session: gd.Session,
) -> None:
    lines = session.erp("purchase_order_item", source="netsuite", limit=None)
    for name, own in (("supplier", "t.entity"), ("material", "l.item")):
        masters = session.erp(name, source="netsuite", limit=None)
        found = lines.dropna(subset=[name]).merge(masters, on=name)
        assert len(found) == lines[name].notna().sum() > 0
        assert (found[own] == found["id_y" if "id_y" in found else "id"]).all()


def test_orders_are_bounded_by_their_own_date(session: gd.Session) -> None:
    every = session.erp("purchase_order", source="dataverse", limit=None)["ordered_at"]
    low, high = every.quantile(0.25), every.quantile(0.5)
    found = session.erp("purchase_order", source="dataverse", start=low, end=high, limit=None)
    assert len(found) == ((every >= low) & (every < high)).sum() > 0


def test_each_date_that_windows_bound_is_a_column() -> None:
    for entities in SYSTEMS.values():
        for place in (one for places in entities.values() for one in places):
            assert place.date is None or place.date in place.columns, place
