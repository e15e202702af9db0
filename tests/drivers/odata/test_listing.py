"""What a system has, told by its own metadata."""

from __future__ import annotations

import pytest

import greenlang_data as gd
from tests.drivers.odata.helpers import config
from tests.peers.fixtures import renewed
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import start_gateway

LOGIN = {"username": "operator", "password": "s3cret-Pässword"}


peer_session, peer = renewed("peer", lambda: start_gateway(items=100), scope="module")


def test_entities_are_those_that_the_system_has_canonical_names_first(peer: HistorianPeer) -> None:
    with gd.Session([config(peer.origin, **LOGIN)]) as s:
        frame = s.erp.entities("s4")
        assert list(frame) == ["entity", "service", "name", "description", "key"]
        first = frame.iloc[0].to_dict()
        assert (first["entity"], first["name"]) == ("material", "A_Product")
        names = list(frame["entity"])
        assert "asset" not in names  # this system has no such service
        assert frame.set_index("entity").loc["cost_center", "key"] == (
            "ControllingArea, CostCenter, ValidityEndDate"
        )
        orders = frame[frame["entity"] == "purchase_order_item"]
        assert list(orders["name"]) == ["A_PurchaseOrderItem", "PurchaseOrderItem"]
        assert gd.verify(frame) == "intact"
        # What is listed can be read by that name.
        for name in ("cost_center", "supplier"):
            assert len(s.erp(name, limit=None)) > 100


def test_every_listed_name_can_be_read_and_is_completed(peer: HistorianPeer) -> None:
    own = {"service": "Z_ODP_MATERIAL_SRV", "name": "AttrOf0MATERIAL_ATTR",
           "columns": {"material": "MATNR"}}  # fmt: skip
    with gd.Session([config(peer.origin, **LOGIN, entities={"material_attributes": own})]) as s:
        assert "material" in s.erp._ipython_key_completions_()
        assert s.erp["material_attributes"] == "material_attributes"
        with pytest.raises(gd.QueryError, match="entities"):
            s.erp["API_PRODUCT_SRV/A_Nothing"]
        frame = s.erp.entities()
        assert set(frame["entity"]) <= set(s.erp._ipython_key_completions_())
        native = [name for name in frame["entity"] if "/" in name]
        for name in native:
            assert len(s.erp(name, limit=None)) > 0
        attributes = s.erp("material_attributes", limit=None)
    assert next(iter(attributes)) == "material"


def test_fields_have_both_names_and_the_systems_types(peer: HistorianPeer) -> None:
    with gd.Session([config(peer.origin, **LOGIN)]) as s:
        frame = s.erp.fields("purchase_order_item").set_index("field")
        assert frame.loc["quantity", "native_name"] == "OrderQuantity"
        assert frame.loc["quantity", "data_type"] == "Edm.Decimal(13, 3)"
        assert frame.loc["quantity", "arrow_type"] == "decimal128(13, 3)"
        assert bool(frame.loc["purchase_order", "in_key"])
        assert frame.loc["TaxCode", "native_name"] == "TaxCode"
        read = s.erp("purchase_order_item", limit=None)
        assert list(frame.index) == list(read)
        with pytest.raises(gd.UnknownTagError, match="A_PurchaseOrder"):
            s.erp.fields("API_PURCHASEORDER_PROCESS_SRV/A_PurchaseOrdr")


def test_the_simulated_plant_lists_too() -> None:
    with gd.Session(mock=True) as s:
        entities = s.erp.entities()
        assert "utility_bill" in list(entities["entity"])
        for entity in ("material", "gl_entry"):
            fields = s.erp.fields(entity)
            assert list(fields["field"]) == list(s.erp(entity, limit=None))
        with pytest.raises(gd.UnknownTagError, match="material"):
            s.erp.fields("materail")
