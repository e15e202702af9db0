"""What has changed since an earlier frame: by the server's own tracking, or by times of change."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

import greenlang_data as gd
from greenlang_data.drivers.odata.changes import delta_decoder
from greenlang_data.drivers.odata.edm import Property
from tests.drivers.odata.helpers import cell, config
from tests.peers import dynamics_rows, erp_rows
from tests.peers.dataverse_server import changes
from tests.peers.fixtures import renewed
from tests.peers.gateway_tables import odp_changes
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import start_dataverse, start_gateway

LOGIN = {"username": "operator", "password": "s3cret-Pässword"}
CLIENT = {"client_id": "historian-client", "client_secret": "s3cret-client"}
ODP = "Z_ODP_MATERIAL_SRV/AttrOf0MATERIAL_ATTR"
MINUTES = timedelta(minutes=5)


gateway_session, gateway = renewed("gateway", lambda: start_gateway(items=3_000), scope="module")
dataverse_session, dataverse = renewed(
    "dataverse", lambda: start_dataverse(lines=500), scope="module"
)


def sap(peer: HistorianPeer, **more: Any) -> gd.Session:
    return gd.Session([config(peer.origin, **{**LOGIN, **more})])


def crm(peer: HistorianPeer) -> gd.Session:
    token_url = f"{peer.origin}/contoso.onmicrosoft.com/oauth2/v2.0/token"
    keys = {"erp_system": "dynamics", "dynamics_app": "dataverse", "token_url": token_url}
    return gd.Session([config(peer.origin, **keys, **CLIENT)])


def mark(frame: pd.DataFrame) -> Any:
    return frame.attrs["provenance"].full["metadata"]["completeness"]["mark"]


def test_sap_keeps_track_and_tells_deletions(gateway: HistorianPeer) -> None:
    gateway.set(delta=2, page=300)
    gateway.fault("reset", "deltatoken", times=1)
    with sap(gateway) as s:
        whole = s.erp(ODP, since="start")
        assert len(whole) == erp_rows.PRODUCTS
        frames = [whole]
        for _ in range(3):
            frames.append(s.erp(ODP, since=frames[-1]))
    for number in (1, 2):
        told, wanted = frames[number], odp_changes(number)
        assert list(told["MATNR"]) == [row["MATNR"] for row in wanted]
        assert [cell(v) for v in told["NTGEW"]] == [row["NTGEW"] for row in wanted]
        modes = ["delete" if row["ODQ_CHANGEMODE"] == "D" else "upsert" for row in wanted]
        assert list(told["change"]) == modes
        assert "delete" in modes
    assert len(frames[3]) == 0
    assert list(frames[3]) == list(frames[1])
    assert mark(frames[0]).startswith("delta:http")
    assert all(gd.verify(one) == "intact" for one in frames)
    asked = [one for one in gateway.requests() if "AttrOf0" in one["path"]]
    assert all("$top" not in dict(one["query"]) for one in asked)


def test_deletions_are_told_whatever_columns_are_asked_for(gateway: HistorianPeer) -> None:
    gateway.set(delta=1)
    asked = {"fields": ["MATNR", "NTGEW"]}
    with sap(gateway) as s:
        whole = s.erp(ODP, since="start", **asked)
        told = s.erp(ODP, since=whole, **asked)
        some = set(told["MATNR"][:3])
        # The mark is that of a question without filters.
        with pytest.warns(gd.GreenLangWarning, match="hold something else in MATNR"):
            few = s.erp(ODP, since=whole, filters={"MATNR": sorted(some)}, **asked)
    assert list(told) == ["MATNR", "NTGEW", "change"]
    gone = [row["MATNR"] for row in odp_changes(1) if row["ODQ_CHANGEMODE"] == "D"]
    assert list(told["MATNR"][told["change"] == "delete"]) == gone
    assert set(few["MATNR"]) == {*some, *gone}


def test_changes_that_do_not_tell_what_they_are_are_refused() -> None:
    columns = [Property(name, "Edm.String") for name in ("MATNR", "ODQ_CHANGEMODE")]
    decode = delta_decoder(columns, "MATNR", 2)
    assert decode(b'{"d":{"results":[]}}').rows == 0
    with pytest.raises(ValueError, match="ODQ_CHANGEMODE"):
        decode(b'{"d":{"results":[{"MATNR":"1"}]}}')


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("Things('O''Neil')", "O'Neil"),
        ("https://host/x/Things('a%20(b)')", "a (b)"),
        ("Things(id='007')", "007"),
        ("Things(7)", "7"),
        ("0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b-d9cb-469f-a165-70867728950e"),
    ],
)
def test_the_key_of_what_is_gone_is_read_out_of_its_address(address: str, key: str) -> None:
    decode = delta_decoder([Property("id", "Edm.String")], "id", 4)
    row = {"@removed": {"reason": "deleted"}, "@id": address}
    page = decode(json.dumps({"value": [row]}).encode())
    assert [one.to_pylist() for one in page.columns if one is not None] == [[key], ["delete"]]
    with pytest.raises(ValueError, match="cannot be read"):
        decode(json.dumps({"value": [{**row, "@id": "Things(a=1,b=2)"}]}).encode())


def test_a_mark_that_has_expired_is_told(gateway: HistorianPeer) -> None:
    gateway.set(delta=0)
    with sap(gateway) as s:
        link = f"delta:{gateway.origin}/sap/opu/odata/sap/{ODP}?!deltatoken='D7'"
        with pytest.raises(gd.SourceError, match="410"):
            s.erp(ODP, since=link)
        elsewhere = link.replace(gateway.origin, "http://elsewhere.example")
        with pytest.raises(gd.ProtocolError, match="elsewhere"):
            s.erp(ODP, since=elsewhere)


def test_dataverse_keeps_track_and_names_what_is_gone(dataverse: HistorianPeer) -> None:
    dataverse.set(delta=1)
    with crm(dataverse) as s:
        whole = s.erp("accounts", since="start")
        told = s.erp("accounts", since=whole)
        again = s.erp("accounts", since=told)
    table = dynamics_rows.dataverse_tables(500)["accounts"]
    changed, gone = changes(table, 1)
    ids = [str(table.make(index)["accountid"]) for index in [*changed, *gone]]
    assert list(told["accountid"]) == ids
    assert list(told["change"]) == ["upsert"] * len(changed) + ["delete"] * len(gone)
    assert told["name"].iloc[-len(gone) :].isna().all()
    assert len(again) == 0


def test_a_column_called_reason_is_no_deletion() -> None:
    columns = [Property(name, "Edm.String") for name in ("id", "reason", "name")]
    decode = delta_decoder(columns, "id", 4)
    rows = [
        {"id": "1", "reason": "broken", "name": "pump"},
        {"id": "2", "reason": "deleted", "@odata.context": "x/$metadata#things/$deletedEntity"},
        {"id": "3", "@removed": {"reason": "changed"}},
        {"id": "4", "reason": "deleted"},
        {"id": "5", "reason": '"@removed": $deletedEntity"', "name": "fan"},
    ]
    page = decode(json.dumps({"value": rows}).encode())
    found = [one.to_pylist() for one in page.columns if one is not None]
    assert found == [
        ["1", "5", "2", "3", "4"],
        ["broken", '"@removed": $deletedEntity"', None, None, None],
        ["pump", "fan", None, None, None],
        ["upsert", "upsert", "delete", "delete", "delete"],
    ]


def test_elsewhere_the_time_of_the_last_change_is_the_mark(gateway: HistorianPeer) -> None:
    with sap(gateway) as s:
        whole = s.erp("material", limit=None)
        told = s.erp("material", since=whole)
        since = datetime(2025, 6, 1, tzinfo=UTC)
        later = s.erp("material", since=since, fields=["material"])
    rows = [erp_rows.product(index) for index in range(erp_rows.PRODUCTS)]
    times = [row["LastChangeDateTime"] for row in rows if row["LastChangeDateTime"]]
    assert mark(whole) == max(times).isoformat()

    def wanted(moment: datetime) -> set[str]:
        low = moment - MINUTES
        return {
            row["Product"] for row in rows
            if row["LastChangeDateTime"] is None or row["LastChangeDateTime"] >= low
        }  # fmt: skip

    assert set(told["material"]) == wanted(max(times))
    assert set(later["material"]) == wanted(since)
    assert mark(told) == mark(whole)
    assert "5 minutes" in " ".join(told.attrs["provenance"].full["notes"])


def test_a_frame_of_another_question_does_not_say_since_when(gateway: HistorianPeer) -> None:
    with sap(gateway) as s:
        materials = s.erp("material", limit=None)
        raw = s.erp("material", filters={"material_type": "ROH"}, limit=None)
        with pytest.raises(gd.QueryError, match="the frame is of 'material' from 's4'"):
            s.erp("purchase_order", since=materials)
        with pytest.raises(gd.QueryError, match="with material_type='ROH'"):
            s.erp("material", since=raw)
        with pytest.raises(gd.QueryError, match="left no mark"):
            s.erp("material", since=pd.DataFrame({"material": ["1"]}))
        told = s.erp("material", {"material_type": "ROH", "unit": "KG"}, since=raw)
        s.erp("material", {"material_type": "ROH"}, since=materials)
    assert set(told["unit"]) <= {"KG"}
    other = "other: the frame is of 'material' from 's4'"
    with sap(gateway, connector_id="other") as s, pytest.raises(gd.QueryError, match=other):
        s.erp("material", since=materials)


def test_times_since_when_are_written_as_everywhere(gateway: HistorianPeer) -> None:
    day = date(2025, 6, 1)
    with gd.Session([config(gateway.origin, **LOGIN)], tz="Europe/Berlin") as s:
        for since in (day, "2025-06-01", pd.Timestamp(day), np.datetime64(day)):
            told = s.erp("material", since=since).attrs["provenance"]["query"]
            assert told["since"] == "2025-05-31T22:00:00+00:00"
        aware = s.erp("material", since="2025-06-01T00:00Z").attrs["provenance"]["query"]
        recent = s.erp("material", since="*-1h").attrs["provenance"]["query"]
    assert aware["since"] == "2025-06-01T00:00:00+00:00"
    ago = datetime.now(UTC) - datetime.fromisoformat(recent["since"])
    assert timedelta(minutes=59) < ago < timedelta(minutes=62)


def test_what_cannot_tell_its_changes_says_so(gateway: HistorianPeer) -> None:
    with sap(gateway) as s:
        items = s.erp("purchase_order_item", since="start")
        assert "no track of changes" in " ".join(items.attrs["provenance"].full["notes"])
        with pytest.raises(gd.QueryError, match="left no mark"):
            s.erp("purchase_order_item", since=items)
        with pytest.raises(gd.QueryError, match="does not tell when"):
            s.erp("purchase_order_item", since="2024-01-01")
        with pytest.raises(gd.QueryError, match="not a date or time"):
            s.erp("material", since="yesterday")
    with gd.Session(mock=True) as s, pytest.raises(gd.UnsupportedError):
        s.erp("material", since="2024-01-01")


@pytest.mark.parametrize("entity", ["purchase_order_item", "API_PRODUCT_SRV/A_ProductPlant"])
def test_a_server_that_runs_out_of_time_is_asked_for_less(
    gateway: HistorianPeer, entity: str
) -> None:
    gateway.set(time_out_rows=500, page=0)
    with sap(gateway, max_retries=3) as s:
        frame = s.erp(entity, limit=None)
    told = frame.attrs["provenance"].full["metadata"]["completeness"]
    assert len(frame) == told["distinct_keys"] == told["counted_after"]
