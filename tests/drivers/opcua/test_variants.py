"""How values of every type are written as text."""

from __future__ import annotations

import struct
import uuid

import pytest

from greenlang_data.drivers.opcua.binary import MalformedAnswerError, Reader
from greenlang_data.drivers.opcua.times import iso_text, nanoseconds_of, ticks_at
from greenlang_data.drivers.opcua.variants import read_variant
from tests.drivers.opcua.encoder import EPOCH_TICKS, array, number, string

GUID = uuid.UUID("72962b91-fa75-4ae6-8d28-b404dc7daf63")
LOCALIZED = b"\x03" + string("de") + string("Förderpumpe")
UNIT = string("urn:unece") + struct.pack("<i", 4408652) + b"\x02" + string("°C") + b"\x00"


def doubles(*numbers: float) -> list[bytes]:
    return [struct.pack("<d", one) for one in numbers]


@pytest.mark.parametrize(
    ("variant", "value", "text", "data_type"),
    [
        (b"\x00", None, None, None),
        (number(1, True), 1.0, None, "Boolean"),
        (number(8, 2**53), 2.0**53, None, "Int64"),
        (number(8, -(2**53) - 1), None, "-9007199254740993", "Int64"),
        (number(10, 0.1), struct.unpack("<f", struct.pack("<f", 0.1))[0], None, "Float"),
        (b"\x0c" + string("größer 🌱"), None, "größer 🌱", "String"),
        (b"\x0c" + string(""), None, "", "String"),
        (b"\x0c" + string(None), None, None, "String"),
        (b"\x0c" + string(b"\xff\xfe"), None, "\ufffd\ufffd", "String"),
        (b"\x0d" + struct.pack("<q", EPOCH_TICKS + 1), None, "1970-01-01T00:00:00.0000001Z",
         "DateTime"),
        (b"\x0d" + struct.pack("<q", 0), None, None, "DateTime"),
        (b"\x0e" + GUID.bytes_le, None, str(GUID), "Guid"),
        (b"\x0f" + string(b"\x00\xff"), None, "00ff", "ByteString"),
        (b"\x10" + string("<a/>"), None, "<a/>", "XmlElement"),
        (b"\x11\x00\x07", None, "i=7", "NodeId"),
        (b"\x11\x01\x02" + struct.pack("<H", 513), None, "ns=2;i=513", "NodeId"),
        (b"\x11\x03\x02\x00" + string("a;b"), None, "ns=2;s=a;b", "NodeId"),
        (b"\x11\x04\x01\x00" + GUID.bytes_le, None, f"ns=1;g={GUID}", "NodeId"),
        (b"\x11\x05\x01\x00" + string(b"\x01\x02"), None, "ns=1;b=AQI=", "NodeId"),
        (b"\x12\x80\x07" + string("urn:x"), None, "i=7", "ExpandedNodeId"),
        (b"\x13" + struct.pack("<I", 0x80340000), None, "BadNodeIdUnknown", "StatusCode"),
        (b"\x14\x02\x00" + string("Name"), None, "2:Name", "QualifiedName"),
        (b"\x15" + LOCALIZED, None, "Förderpumpe", "LocalizedText"),
        (b"\x16\x01\x02\x05\x00\x01" + string(b"\xab"), None,
         '{"type_id":"ns=2;i=5","body":"ab"}', "ExtensionObject"),
        (b"\x16\x01\x00\x79\x03\x01" + string(UNIT), None,
         '{"namespace_uri":"urn:unece","unit_id":4408652,"display_name":"°C","description":null}',
         "ExtensionObject"),
        (b"\x16\x00\x00\x00", None, None, "ExtensionObject"),
        (b"\x17\x03" + number(11, 1.5) + struct.pack("<I", 0x80000000), None,
         '{"value":1.5,"status":"Bad"}', "DataValue"),
        (array(11, doubles(1.5, float("nan"), float("-inf"))), None, '[1.5,"NaN","-Infinity"]',
         "Double[3]"),
        (array(11, []), None, "[]", "Double[0]"),
        (b"\x8b" + struct.pack("<i", -1), None, None, "Double[]"),
        (array(1, [b"\x01", b"\x00"]), None, "[true,false]", "Boolean[2]"),
        (array(8, [struct.pack("<q", 2**60)]), None, "[1152921504606846976]", "Int64[1]"),
        (array(12, [string("a"), string(None), string('"')]), None, '["a",null,"\\""]', "String[3]"),
        (array(24, [number(6, -1), b"\x0c" + string("x")]), None, '[-1,"x"]', "Variant[2]"),
        (array(11, doubles(1, 2, 3, 4, 5, 6), [2, 3]), None, "[[1.0,2.0,3.0],[4.0,5.0,6.0]]",
         "Double[2,3]"),
        (b"\x1a" + string(b"\x01"), None, "01", "Reserved26"),
    ],
)  # fmt: skip
def test_a_value_as_number_and_text(
    variant: bytes, value: float | None, text: str | None, data_type: str | None
) -> None:
    reader = Reader(variant)
    assert read_variant(reader) == (value, text, data_type)
    assert reader.position == reader.end


@pytest.mark.parametrize(
    "variant",
    [
        b"\x4b" + struct.pack("<d", 1),  # a scalar with dimensions
        array(11, doubles(1, 2, 3), [2, 2]),  # dimensions that do not fit
        array(11, doubles(1), [-1, -1]),
        b"\x80" + struct.pack("<i", 3),  # an array of nothing
        b"\x11\x09\x00\x00",  # a node id of an unknown form
        b"\x16\x00\x00\x03",  # an extension object of an unknown form
    ],
)
def test_nonsense_is_refused(variant: bytes) -> None:
    with pytest.raises(MalformedAnswerError):
        read_variant(Reader(variant))


def test_times_are_written_with_the_digits_they_have() -> None:
    from datetime import UTC, datetime

    moment = datetime(2024, 2, 29, 23, 59, 58, 123456, tzinfo=UTC)
    assert iso_text(ticks_at(nanoseconds_of(moment))) == "2024-02-29T23:59:58.123456Z"
    assert (
        iso_text(ticks_at(nanoseconds_of(moment.replace(microsecond=0)))) == "2024-02-29T23:59:58Z"
    )
    assert iso_text(1) == "1601-01-01T00:00:00.0000001Z"
    assert iso_text(2_650_467_743_999_999_999) == "9999-12-31T23:59:59.9999999Z"
    assert iso_text(2_650_467_744_000_000_000) is None
    assert iso_text(-1) is None
    assert ticks_at(-1) == EPOCH_TICKS - 1
