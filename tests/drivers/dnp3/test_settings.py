"""Endpoints, tags, point lists and keys: right, or an error that says what is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.drivers.dnp3 import Dnp3Driver
from greenlang_data.drivers.dnp3.endpoint import parse_endpoint
from greenlang_data.drivers.dnp3.flags import meaning
from greenlang_data.drivers.dnp3.points import KINDS, Address, parse_tag
from greenlang_data.drivers.schema import BAD
from greenlang_data.errors import ConfigurationError
from greenlang_data.settings.dnp3 import Dnp3Settings
from greenlang_data.settings.point import Point, PointType
from greenlang_data.settings.point_list import read_point_list
from greenlang_data.settings.toml import read_settings
from greenlang_data.sources import config_classes
from tests.drivers.dnp3.helpers import config, read_once

KIND = st.sampled_from(sorted(KINDS))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtu7", "rtu7:20000"),
        ("10.0.0.7:20001", "10.0.0.7:20001"),
        ("tcp://rtu7", "rtu7:20000"),
        ("[fe80::1%eth0]:20000", "[fe80::1%eth0]:20000"),
    ],
)
def test_endpoints(text: str, shown: str) -> None:
    assert str(parse_endpoint(text, source="plant")) == shown


@pytest.mark.parametrize(
    "text", ["", "rtu7:", "rtu7:0", "rtu7:70000", "udp://rtu7", "rtu 7", "a@b"]
)
def test_other_forms_are_refused_and_no_password_is_repeated(text: str) -> None:
    with pytest.raises(ConfigurationError, match="no address of a DNP3 outstation") as caught:
        parse_endpoint(text, source="plant")
    assert "@" not in str(caught.value)


@given(KIND, st.integers(0, 65535))
def test_both_notations_of_a_tag(kind: PointType, index: int) -> None:
    address = Address(kind, index)
    assert parse_tag(f"{kind}:{index}") == parse_tag(str(address)) == address
    assert parse_tag(f"g{KINDS[kind].static_group}i{index}") == address
    assert parse_tag(f"g{KINDS[kind].event_group}i{index}") is None


@given(st.text(max_size=20))
def test_other_tags_mean_nothing(text: str) -> None:
    address = parse_tag(text)
    assert address is None or text in (
        f"{address.type}:{text.rpartition(':')[2]}",
        f"g{KINDS[address.type].static_group}i{text.rpartition('i')[2]}",
    )


@given(KIND, st.integers(0, 255))
def test_only_online_alone_is_good(kind: PointType, flags: int) -> None:
    quality, status = meaning(kind, flags)
    state = {"binary": 0x80, "binary_output_status": 0x80, "double_bit": 0xC0}.get(kind, 0)
    assert (quality == 0) == (status == "Online")
    assert (quality == 0) <= (flags & ~state == 0x01)
    assert quality == BAD or flags & 0x01
    assert quality == BAD or not flags & 0x06


def test_a_point_list_in_a_file_and_in_toml(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(
        "tag,type,index,scale,unit\nPower,analog,12,0.1,kW\nClosed,double_bit,0,,\n"
    )
    (tmp_path / "greenlang.toml").write_text(
        '[sources.rtu]\nkind = "scada"\nprotocol = "dnp3"\nendpoint = "rtu7"\n'
        'points = "points.csv"\noutstation_address = 4\ntls = true\n'
        'ca_certificate_path = "plant.pem"\nstatic_variations = { analog = 5 }\n'
    )
    settings = read_settings(tmp_path / "greenlang.toml", config_classes())
    (rtu,) = settings.configs
    assert isinstance(rtu, Dnp3Settings)
    assert rtu.points == (
        Point(tag="Power", type="analog", index=12, scale=0.1, unit="kW"),
        Point(tag="Closed", type="double_bit", index=0),
    )
    assert rtu.ca_certificate_path == str(tmp_path / "plant.pem")
    assert rtu.static_variations == {"analog": 5}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Power,analogue,1,,", "there is no type 'analogue'; did you mean 'analog'"),
        ("Power,,1,,", "column type is empty; write binary"),
        ("Power,analog,70000,,", "index"),
        ("Closed,binary,1,2,", "type binary cannot be scaled"),
        ("Power,analog,1,0,", "scale 0 would make every value the offset"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "points.csv"
    file.write_text(f"tag,type,index,scale,unit\n{line}\n")
    with pytest.raises(ConfigurationError, match=f"line 2: .*{message}"):
        read_point_list(file)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"static_variations": {"analog": 3}}, "none with flags; choose among 0, 1, 2, 5, 6"),
        ({"outstation_address": 65520}, "outstation_address"),
        ({"unit_id": 3}, "unit_id is for modbus"),
    ],
)
def test_wrong_keys_and_values(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(20000, **changed)


def test_two_points_of_one_name_are_an_error() -> None:
    points = (
        Point(tag="Power", type="analog", index=1),
        Point(tag="Power", type="analog", index=2),
    )
    with pytest.raises(ConfigurationError, match="more than one tag 'Power'"):
        read_once(config(1, points=points), ["Power"])


def test_the_driver_is_found_by_its_protocol() -> None:
    assert config(1).driver_name == Dnp3Driver.name == "dnp3"
