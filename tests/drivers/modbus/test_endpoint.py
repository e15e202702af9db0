"""Where a device listens, in all forms there are, and no others."""

from __future__ import annotations

import pytest

from greenlang_data.drivers.modbus.endpoint import NetworkEndpoint, parse_endpoint
from greenlang_data.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("plc7", "plc7", 502),
        ("plc7.plant.example:1502", "plc7.plant.example", 1502),
        ("10.0.0.7", "10.0.0.7", 502),
        ("10.0.0.7:502", "10.0.0.7", 502),
        ("tcp://10.0.0.7:1502", "10.0.0.7", 1502),
        ("tcp://plc7", "plc7", 502),
        ("[::1]:502", "::1", 502),
        ("[::1]", "::1", 502),
        ("tcp://[fe80::1%eth0]:1502", "fe80::1%eth0", 1502),
    ],
)
def test_right_forms(text: str, host: str, port: int) -> None:
    assert parse_endpoint(text, source="plant") == NetworkEndpoint(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":502",
        "plc7:",
        "plc7:0",
        "plc7:65536",
        "plc7:5o2",
        "plc 7",
        "::1",
        "::1:502",
        "[::1",
        "[plc7]:502",
        "http://plc7:502",
        "opc.tcp://plc7:4840",
        "tcp://plc7:502/unit",
        "plc7:502:1",
        "plc7\n",
    ],
)
def test_wrong_forms(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"plant: .* no address .* Write host, host:port"):
        parse_endpoint(text, source="plant")


def test_what_may_be_a_password_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_endpoint("tcp://user:hunter2@plc7:502", source="plant")
    assert "hunter2" not in str(caught.value)


def test_ipv6_is_shown_in_brackets() -> None:
    assert str(parse_endpoint("[::1]", source="plant")) == "[::1]:502"
