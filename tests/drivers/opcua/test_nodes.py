"""Tags as users write them."""

from __future__ import annotations

import uuid

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import nodeid_to_binary

from greenlang_data.drivers.opcua.binary import Reader
from greenlang_data.drivers.opcua.nodes import TagMap
from greenlang_data.drivers.opcua.variants import node_id_text
from greenlang_data.errors import QueryError
from greenlang_data.settings.tag import TagEntry

GUID = "72962b91-fa75-4ae6-8d28-b404dc7daf63"


def tag_map() -> TagMap:
    tags = TagMap([TagEntry(tag="T1", node_id="ns=3;i=70000")], 2, "plant")
    tags.namespaces = ["http://opcfoundation.org/UA/", "urn:server", "urn:plant"]
    return tags


@pytest.mark.parametrize(
    ("tag", "node"),
    [
        ("T1", ua.NodeId(70000, 3)),
        ("Temperature", ua.NodeId("Temperature", 2)),
        ("A=B;C", ua.NodeId("A=B;C", 2)),
        ("Pumpe größer", ua.NodeId("Pumpe größer", 2)),
        ("ns=4;s=a;b=c", ua.NodeId("a;b=c", 4)),
        ("s=x", ua.NodeId("x", 0)),
        ("ns=300;i=5", ua.NodeId(5, 300, ua.NodeIdType.Numeric)),
        ("ns=2;i=4294967295", ua.NodeId(4294967295, 2)),
        (f"ns=1;g={GUID}", ua.NodeId(uuid.UUID(GUID), 1)),
        ("ns=1;b=AQL/", ua.NodeId(b"\x01\x02\xff", 1, ua.NodeIdType.ByteString)),
        ("nsu=urn:plant;s=Temperature", ua.NodeId("Temperature", 2)),
        ("nsu=urn:nowhere;s=x", ua.NodeId("x", 0xFFFF)),
    ],
)
def test_a_tag_becomes_a_node_id(tag: str, node: ua.NodeId) -> None:
    encoded = tag_map().encoded([tag])[0]
    assert encoded == nodeid_to_binary(node) or node_id_text(encoded) == node.to_string()
    reader = Reader(encoded + b"rest")
    assert reader.node_id() == encoded
    assert reader.position == len(encoded)


def test_small_numbers_take_the_short_form() -> None:
    assert tag_map().encoded(["i=2258", "ns=2;i=7"]) == [b"\x01\x00\xd2\x08", b"\x01\x02\x07\x00"]


@pytest.mark.parametrize(
    "tag",
    ["ns=2;x=5", "ns=abc;s=x", "ns=2;i=abc", "ns=2;i=-1", "ns=2;i=4294967296", "ns=2;i=²",
     "ns=65536;s=x", "ns=2;g=no-guid", "ns=2;b=***", "ns=2;s=", "i=", "svr=1;i=5", "nsu=;i=5"],
)  # fmt: skip
def test_a_malformed_node_id_is_the_caller_s_mistake(tag: str) -> None:
    with pytest.raises(QueryError) as caught:
        tag_map().encoded(["Temperature", tag])
    assert repr(tag) in str(caught.value)
    assert "ns=2;s=Temperature" in str(caught.value)
    assert str(caught.value).startswith("plant: ")


def test_a_malformed_node_id_behind_a_configured_name_says_so() -> None:
    tags = TagMap([TagEntry(tag="T1", node_id="ns=2;x=5")], 2, "plant")
    with pytest.raises(QueryError, match="'T1' stands for 'ns=2;x=5'"):
        tags.encoded(["T1"])
