"""What errors of a business system say to do next, and what need not be one."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.odata.helpers import config
from tests.peers.fixtures import renewed
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import start_dataverse, start_gateway

LOGIN = {"username": "operator", "password": "s3cret-Pässword"}
BILLS = {
    "entity": "purchase_order_item", "commodity_by": "material_group",
    "commodities": {"electricity": ["ENERGY"], "natural_gas": ["GAS"]},
    "fields": ["purchase_order", "plant_code", "quantity", "unit"],
}  # fmt: skip

peer_session, peer = renewed("peer", lambda: start_gateway(items=500), scope="module")


def session(peer: HistorianPeer, **more: Any) -> gd.Session:
    return gd.Session([config(peer.origin, **{**LOGIN, **more})])


def test_a_wrong_name_has_the_nearest_wherever_it_is_given(peer: HistorianPeer) -> None:
    with session(peer) as s:
        for ask in (s.erp, s.erp.fields):
            with pytest.raises(gd.UnknownTagError, match="Did you mean 'material'"):
                ask("materiel")


def test_a_right_name_that_a_system_has_nothing_for_is_no_wrong_name(peer: HistorianPeer) -> None:
    with session(peer) as s, pytest.raises(gd.UnknownTagError, match="Configure where it is"):
        s.erp("plant")
    with start_dataverse(lines=10) as other:
        client = {"client_id": "historian-client", "client_secret": "s3cret-client"}
        token_url = f"{other.origin}/contoso.onmicrosoft.com/oauth2/v2.0/token"
        keys = {"erp_system": "dynamics", "dynamics_app": "dataverse", "token_url": token_url}
        source = config(other.origin, **keys, **client)
        absent = pytest.raises(gd.UnknownTagError, match="Configure where it is")
        with gd.Session([source]) as s, absent:
            s.erp("supplier_invoice")


def test_the_columns_of_utility_bills_are_told_with_the_commodity(peer: HistorianPeer) -> None:
    with session(peer, utility_bills=BILLS) as s:
        columns = s.erp.fields("utility_bill").set_index("field")
        found = s.erp("utility_bill", {"commodity": "electricity"}, "commodity", limit=None)
        with pytest.raises(gd.QueryError, match="nothing could fit"):
            s.erp("utility_bill", {"material_group": None})
    assert columns.loc["commodity", "native_name"] == "material_group"
    assert set(found["commodity"]) == {"electricity"}
    with session(peer) as s, pytest.raises(gd.QueryError, match="Set utility_bills"):
        s.erp.fields("utility_bill")


def test_a_secret_that_is_missing_is_told_of_its_source(
    peer: HistorianPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_PASSWORD", raising=False)
    told = pytest.raises(gd.ConfigurationError, match=r"^s4: the secret from .*NO_SUCH_PASSWORD")
    with session(peer, password={"env": "NO_SUCH_PASSWORD"}) as s, told:
        s.erp("material")


@pytest.mark.parametrize(
    ("system", "path"),
    [
        ("sap", "/sap/opu/odata/sap"),
        ("sap", "/sap/opu/odata4/sap/"),
        ("dynamics", "/data"),
        ("oracle", "/fscmRestApi/resources/11.13.18.05"),
        ("netsuite", "/services/rest"),
    ],
)
def test_an_address_with_the_path_of_its_services_is_refused(system: str, path: str) -> None:
    with pytest.raises(ValueError, match="base_url is the address without"):
        config(f"https://erp.example.com{path}", erp_system=system)


def test_an_address_may_have_a_path_of_its_own() -> None:
    assert config("https://proxy.example.com/data").base_url
    assert config("https://proxy.example.com/s4", v2_path="").base_url


def test_a_wrong_key_of_a_table_has_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "greenlang.toml"
    file.write_text(
        "[sources.sap]\nkind = 'erp'\nerp_system = 'sap'\nbase_url = 'https://s4.example.com'\n"
        "[sources.sap.utility_bills]\ncommoditys = {}\n"
    )
    with pytest.raises(gd.ConfigurationError, match="Did you mean 'commodities'"):
        gd.Session.from_toml(file)


@pytest.mark.parametrize(
    "day",
    [date(2023, 1, 5), "2023-01-05", pd.Timestamp("2023-01-05"), np.datetime64("2023-01-05", "ns")],
    ids=repr,
)
def test_a_day_is_filtered_by_as_pandas_writes_it(peer: HistorianPeer, day: Any) -> None:
    with session(peer) as s:
        found = s.erp("purchase_order_item", {"DownPaymentDueDate": pd.Series([day])}, limit=None)
    assert set(found["DownPaymentDueDate"]) == {date(2023, 1, 5)}


def test_a_time_of_day_is_no_day(peer: HistorianPeer) -> None:
    for moment in (datetime(2023, 1, 5, 6), pd.Timestamp("2023-01-05", tz="UTC")):
        with session(peer) as s, pytest.raises(gd.QueryError, match="calendar dates"):
            s.erp("purchase_order_item", {"DownPaymentDueDate": moment})


def test_a_column_alone_needs_no_list(peer: HistorianPeer) -> None:
    with session(peer) as s:
        assert list(s.erp("material", fields="unit", limit=None)) == ["unit"]


def test_a_typed_query_has_its_own_limit_and_no_other(peer: HistorianPeer) -> None:
    query = gd.ERPQuery(entity_type="purchase_order_item", limit=500)
    with session(peer) as s:
        assert len(s.erp(query)) == 500
        with pytest.raises(gd.QueryError, match="limit= beside it"):
            s.erp(query, limit=3)
