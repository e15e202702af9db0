"""Dynamics 365: companies, enumerations, dates at noon, paging cookies, limits."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import pytest

import greenlang_data as gd
from tests.drivers.common import notes
from tests.drivers.odata.helpers import assert_rows, config, native_names
from tests.peers import dynamics_rows as rows
from tests.peers.fixtures import renewed
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import start_dataverse, start_finance

LINES = 6_000
CLIENT = {"client_id": "historian-client", "client_secret": "s3cret-client"}


finance_session, finance = renewed("finance", lambda: start_finance(lines=LINES), scope="module")
dataverse_session, dataverse = renewed(
    "dataverse", lambda: start_dataverse(lines=LINES), scope="module"
)


def session(peer: HistorianPeer, app: str, zone: str = "UTC", **more: Any) -> gd.Session:
    token_url = f"{peer.origin}/contoso.onmicrosoft.com/oauth2/v2.0/token"
    keys = {"connector_id": "d365", "erp_system": "dynamics", "dynamics_app": app}
    source = config(peer.origin, **{**keys, "token_url": token_url, **CLIENT, **more})
    return gd.Session([source], tz=zone)


def as_told(row: dict[str, Any], *days: str) -> dict[str, Any]:
    """A row of the system with 1900 as no date, and ``days`` as calendar dates."""
    told = {name: None if value == rows.NO_DATE else value for name, value in row.items()}
    return told | {day: told[day].date() for day in days if isinstance(told[day], datetime)}


def as_text(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its ids as text."""
    return {name: str(v) if isinstance(v, UUID) else v for name, v in row.items()}


@pytest.mark.parametrize("knobs", [{}, {"page": 700}, {"page": 700, "token": "skiptoken"}], ids=str)
def test_all_companies_are_read_and_every_cell_is_exact(
    finance: HistorianPeer, knobs: dict[str, Any]
) -> None:
    finance.set(**knobs)
    with session(finance, "finance") as s:
        names = list(s.erp.fields("purchase_order_item")["field"])
        frame = s.erp("purchase_order_item", fields=names, limit=None)
    wanted = [as_told(rows.order_line(n), "RequestedDeliveryDate") for n in range(LINES)]
    wanted = [{**row, "LineNumber": str(row["LineNumber"])} for row in wanted]
    key = ["dataAreaId", "PurchaseOrderNumber", "LineNumber"]
    assert_rows(frame, native_names(frame), wanted, key=key)
    assert set(frame["company_code"]) == set(rows.COMPANIES)
    assert "1900-01-01 is no date" in notes(frame)
    assert finance.requests()[0]["path"].endswith("/oauth2/v2.0/token")


def test_a_company_is_the_one_that_is_configured_or_asked_for(finance: HistorianPeer) -> None:
    with session(finance, "finance", company_code="DEMF") as s:
        frame = s.erp("supplier", limit=None)
        other = s.erp("supplier", filters={"company_code": "usmf"}, limit=None)
        native = s.erp("Warehouses", limit=None)
    assert set(frame["company_code"]) == {"demf"}
    assert set(other["company_code"]) == {"usmf"}
    assert set(native["dataAreaId"]) == {"demf"}
    assert "company_code demf, as the source is configured" in notes(frame)


def test_a_wide_entity_has_its_canonical_columns_unless_others_are_asked_for(
    finance: HistorianPeer,
) -> None:
    with session(finance, "finance") as s:
        frame = s.erp("supplier", limit=None)
        some = s.erp("supplier", fields=["supplier", "CreditLimit"], limit=None)
    assert list(frame)[:3] == ["supplier", "company_code", "name"]
    assert len(list(frame)) < 10
    assert "only the canonical columns" in notes(frame)
    assert str(some["CreditLimit"].dtype).startswith("decimal")


def test_entries_and_products_have_the_names_of_the_metadata(finance: HistorianPeer) -> None:
    with session(finance, "finance") as s:
        entries = s.erp("gl_entry", limit=None)
        products = s.erp("material", limit=None)
        with pytest.raises(gd.QueryError, match="no date that start and end could bound"):
            s.erp("gl_entry", start="2023-01-01", end="2023-02-01")
    wanted = [rows.account_entry(index) for index in range(3_000)]
    for row in wanted:
        del row["AccountingCurrencyAmount"]  # in a currency that the entity does not tell
    assert_rows(entries, native_names(entries), wanted, key=["SourceKey"])
    assert set(entries["credited"][entries["amount"] < 0]) == {"Yes"}
    assert {"search_name", "material_group", "unit", "net_weight"} <= set(products)
    assert products["search_name"].notna().all()


def test_cost_centres_are_no_departments(finance: HistorianPeer) -> None:
    with session(finance, "finance") as s:
        centres = s.erp("cost_center", limit=None)
        one = s.erp("cost_center", filters={"cost_center": ["004", "005"]}, limit=None)
        units = s.erp("OperatingUnits", limit=None)
    assert set(centres["description"]) == {f"CostCenter {n}" for n in range(1, 30, 3)}
    assert list(one["cost_center"]) == ["004"]
    assert len(units) == 30


def test_a_configured_condition_holds_for_all_rows(finance: HistorianPeer) -> None:
    entity = {"service": "/data", "name": "Warehouses", "columns": {"site": "OperationalSiteId"}}
    condition = "OperationalSiteId eq '1' or OperationalSiteId eq '2'"
    entities = {"stores": {**entity, "where": condition}}
    with session(finance, "finance", entities=entities) as s:
        every = s.erp("stores", limit=None)
        some = s.erp("stores", filters={"dataAreaId": "usmf"}, limit=None)
    assert set(every["site"]) == {"1", "2"}
    assert set(some["dataAreaId"]) == {"usmf"}
    assert set(some["site"]) <= {"1", "2"}
    with pytest.raises(ValueError, match="where does nothing for stores in oracle"):
        config("https://x.example.com", erp_system="oracle", entities=entities)


def test_a_configured_company_that_an_entity_cannot_be_restricted_to_is_told(
    finance: HistorianPeer,
) -> None:
    with session(finance, "finance", company_code="demf", plant_codes=["1"]) as s:
        entities = s.erp("LegalEntities", limit=None)
        lines = s.erp("purchase_order_item", limit=None, fields=["purchase_order", "plant_code"])
        asked = s.erp("supplier", filters={"company_code": "usmf"}, limit=None)
    assert len(entities) == len(rows.COMPANIES)
    assert "no company_code, so it is of more than demf" in notes(entities)
    assert "no plant_code, so it is of more than" in notes(entities)
    assert "dataAreaId" not in notes(entities)
    assert "of more than" not in notes(lines)
    assert "no company_code" not in notes(asked)
    assert "no dataAreaId" not in notes(asked)


def test_enumerations_are_filtered_by_their_members(finance: HistorianPeer) -> None:
    with session(finance, "finance") as s:
        frame = s.erp("VendorsV2", filters={"IsOneTimeVendor": "Yes"},
                      fields=["dataAreaId", "VendorAccountNumber"], limit=None)  # fmt: skip
        with pytest.raises(gd.QueryError, match="No, Yes"):
            s.erp("VendorsV2", filters={"IsOneTimeVendor": "Maybe"})
    every = [rows.vendor(index) for index in range(3 * 500)]
    assert len(frame) == sum(row["IsOneTimeVendor"] == "Yes" for row in every)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland"])
def test_dates_are_days_in_windows_and_filters(finance: HistorianPeer, zone: str) -> None:
    low, high = date(2023, 3, 1), date(2023, 3, 9)
    with session(finance, "finance", zone=zone) as s:
        frame = s.erp("purchase_order", start="2023-03-01", end="2023-03-09", limit=None)
        day = s.erp("purchase_order", filters={"posting_date": low}, limit=None)
    every = [rows.order_header(index) for index in range(LINES // 5)]
    wanted = [row for row in every if low <= row["AccountingDate"].date() <= high]
    assert len(frame) == len(wanted) > 0
    assert str(frame["posting_date"].dtype) == "date32[day][pyarrow]"
    assert set(day["posting_date"]) == {low}


def test_the_date_that_is_none_is_found_as_missing_and_is_in_no_window(
    finance: HistorianPeer,
) -> None:
    with session(finance, "finance") as s:
        every = s.erp("purchase_order_item", limit=None)["delivery_date"]
        none = s.erp("purchase_order_item", {"delivery_date": None}, limit=None)
        some = s.erp("purchase_order_item", {"delivery_date": [None, every[0]]}, limit=None)
        windows = [
            s.erp("purchase_order_item", start=start, end="2023-03-31", limit=None)["delivery_date"]
            for start in (None, "1900-01-01", "1800-01-01")
        ]
    assert len(none) == every.isna().sum() > 0
    assert none["delivery_date"].isna().all()
    assert len(some) == len(none) + (every == every[0]).sum()
    for early in windows:
        assert len(early) == (every <= date(2023, 3, 31)).sum() > 0
        assert early.notna().all()


def test_cookies_lead_through_all_pages_and_a_capped_count_is_none(
    dataverse: HistorianPeer,
) -> None:
    with session(dataverse, "dataverse", page_size=900) as s:
        frame = s.erp("msdyn_purchaseorderproducts", limit=None)
    told = frame.attrs["provenance"].full["metadata"]["completeness"]
    assert len(frame) == told["distinct_keys"] == LINES
    assert told["counted_before"] is None
    assert told["paged_by"] == "the server"
    pages = [o for o in dataverse.requests() if "msdyn_purchaseorderproducts" in o["path"]]
    assert {one["headers"]["prefer"] for one in pages} == {"odata.maxpagesize=900"}
    assert all(one["headers"]["odata-version"] == "4.0" for one in pages)


def test_accounts_are_exact_and_limits_are_kept(dataverse: HistorianPeer) -> None:
    with session(dataverse, "dataverse") as s:
        frame = s.erp("accounts", limit=None)
        with pytest.warns(gd.GreenLangWarning):
            few = s.erp("customer", limit=3)
    wanted = [as_text(rows.account(n)) for n in range(len(frame))]
    assert_rows(frame, str, wanted, key=["accountid"])
    assert len(few) == 3


def test_orders_of_field_service_are_exact_and_their_dates_are_times(
    dataverse: HistorianPeer,
) -> None:
    with session(dataverse, "dataverse") as s:
        orders = s.erp("purchase_order", limit=None)
        items = s.erp("purchase_order_item", limit=None)
        with pytest.raises(gd.QueryError, match="ordered_at"):
            s.erp("purchase_order", filters={"order_date": date(2023, 1, 1)})
    wanted = [as_text(rows.dataverse_order(n)) for n in range(LINES // rows.LINES_PER_ORDER)]
    assert_rows(orders, native_names(orders), wanted, key=["msdyn_purchaseorderid"])
    assert {str(one.time()) for one in orders["ordered_at"]} == {"23:00:00"}
    lines = [as_text(rows.dataverse_order_product(n)) for n in range(LINES)]
    lines = [{**line, "msdyn_lineorder": str(line["msdyn_lineorder"])} for line in lines]
    assert_rows(items, native_names(items), lines, key=["msdyn_purchaseorderproductid"])
    assert {"purchase_order_item", "description", "amount", "status"} <= set(items)


def test_a_table_that_changes_while_it_is_read_is_not_skipped_in(dataverse: HistorianPeer) -> None:
    order, small = "msdyn_purchaseorders", {"page_size": 250}
    with session(dataverse, "dataverse", **small) as s:
        there = len(s.erp(order, limit=None))
        dataverse.set(count_lie=-7)
        frame = s.erp(order, limit=None)
        assert f"counts {there - 7} records before and {there - 7} after" in notes(frame)
        dataverse.set(count_lie=7)
        with pytest.raises(gd.SourceError, match="records are missing"):
            s.erp(order, limit=None)
    assert len(frame) == there < 5_000
    assert "$skip" not in {name for one in dataverse.requests() for name, _ in one["query"]}


def test_service_protection_is_waited_out(dataverse: HistorianPeer) -> None:
    faults = [{"kind": "status", "status": 429, "headers": {"Retry-After": "0"},
               "match": "accounts", "times": 1}]  # fmt: skip
    dataverse.set(faults=faults)
    with session(dataverse, "dataverse") as s:
        assert len(s.erp("accounts", limit=None)) > 0


def test_the_address_tells_which_product_it_is() -> None:
    for url, profile in {
        "https://org.crm4.dynamics.com": "dataverse",
        "https://org.crm.dynamics.com": "dataverse",
        "https://env.operations.dynamics.com": "finance",
    }.items():
        assert config(url, erp_system="dynamics").odata_profile == profile


def test_a_token_that_ends_in_the_middle_is_renewed(finance: HistorianPeer) -> None:
    finance.set(page=500, token_uses=3)
    with session(finance, "finance", page_size=500) as s:
        frame = s.erp("purchase_order_item", fields=["purchase_order", "amount"], limit=None)
    assert len(frame) == LINES
    tokens = [one for one in finance.requests() if one["path"].endswith("/token")]
    assert len(tokens) > 3


def test_a_share_of_failures_loses_nothing(finance: HistorianPeer) -> None:
    finance.set(page=150, share_429=0.05, share_reset=0.02, retry_after="none")
    with session(finance, "finance", page_size=150, max_retries=5) as s:
        frame = s.erp("purchase_order_item", fields=["RecordId"], limit=None)
    assert sorted(frame["RecordId"]) == [rows.FIRST_RECORD + one for one in range(LINES)]
    assert frame.attrs["provenance"]["retries"] > 0
