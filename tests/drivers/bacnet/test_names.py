"""How tags, endpoints and units are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from greenlang_data.drivers.bacnet.endpoint import parse_endpoint
from greenlang_data.drivers.bacnet.references import Reference, pack, parse_reference
from greenlang_data.drivers.bacnet.units import unit_of
from greenlang_data.errors import ConfigurationError
from greenlang_data.settings.tag_list import read_object_list
from greenlang_data.settings.unit import is_ucum
from tests.drivers.bacnet.helpers import config


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("analog-input,1", Reference(pack(0, 1))),
        ("analogInput:1", Reference(pack(0, 1))),
        ("AI:1", Reference(pack(0, 1))),
        ("ai,1", Reference(pack(0, 1))),
        ("128:7", Reference(pack(128, 7))),
        ("analog-value:7.present-value", Reference(pack(2, 7), 85)),
        ("AV:7.highLimit", Reference(pack(2, 7), 45)),
        ("device,4194303.object-list[12]", Reference(pack(8, 4194303), 76, 12)),
        ("AV:7.512", Reference(pack(2, 7), 512)),
    ],
)
def test_object_ids_in_every_spelling(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected
    assert parse_reference(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "AI", "AI:", "AI:4194304", "AI:-1", "analog:1", "1024:1", "AI:1.", "AI:1.nonsense",
     "AI:1.units[]", "Supply AI:1", "AI:1 ", "AI:99999999", "AI:1.4194304"],
)  # fmt: skip
def test_what_is_no_object_id_may_be_a_name(text: str) -> None:
    assert parse_reference(text) is None


def test_endpoints() -> None:
    assert parse_endpoint("192.168.1.20", source="plant") == ("192.168.1.20", 47808)
    for wrong in (
        "",
        "[fe80::1]:47809",
        "host:",
        "host:0",
        "host:70000",
        "http://host",
        "a b",
        "user:secret@host",
    ):
        with pytest.raises(ConfigurationError, match="no address of a BACnet/IP device") as caught:
            parse_endpoint(wrong, source="plant")
        assert "secret" not in str(caught.value)


def test_units_are_ucum_or_bacnets_own_in_braces() -> None:
    for number in range(300):
        unit = unit_of(number)
        assert unit is None or is_ucum(unit)
    assert [unit_of(one) for one in (62, 64, 98, 48, 84, 95)] == [
        "Cel", "[degF]", "%", "kW", "[cft_i]/min", None,
    ]  # fmt: skip
    assert [unit_of(one) for one in (22, 41, 117, 47900)] == [
        "{ton-hours}", "{tons}", "{btus-per-pound}", "{47900}",
    ]  # fmt: skip


def test_settings_that_are_wrong_are_told() -> None:
    with pytest.raises(ValueError, match="there is no time zone 'Mars'"):
        config("127.0.0.1", time_zone="Mars")
    with pytest.raises(ValueError, match="max_in_flight"):
        config("127.0.0.1", max_in_flight=9)
    with pytest.raises(ValueError, match="unit_id is for modbus"):
        config("127.0.0.1", unit_id=3)


def test_an_object_list_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "objects.csv"
    file.write_text("tag,object_id,unit\nFlow,AI:1,m3/h\nName,device:1.object-name,\n")
    flow, name = read_object_list(file)
    assert (flow.tag, flow.object_id, flow.unit) == ("Flow", "AI:1", "m3/h")
    assert (name.object_id, name.unit) == ("device:1.object-name", None)
    file.write_text("tag,object_id,unit\nFlow,,m3/h\n")
    with pytest.raises(ConfigurationError, match="column object_id is empty"):
        read_object_list(file)
